"""Log lines: UTC time, level, logger, then key=value pairs. Never pixels, base64, scores or file names of users."""

from __future__ import annotations

import logging
import sys
import time


def configure_logging(level: str) -> None:
    """Sends every log line to standard output. Must run before Robyn is built: it configures logging if nobody has."""
    handler = logging.StreamHandler(sys.stdout)
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Below WARNING, libraries log what they like, parts of requests included.
    for name in ("robyn", "actix_server", "actix_http", "asyncio", "PIL", "tensorflow", "h5py"):
        logging.getLogger(name).setLevel(logging.WARNING)
