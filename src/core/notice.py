"""What every surface of the service says of itself."""

from __future__ import annotations

from typing import Final

NOTICE: Final = "Screening aid for research, not a medical device. It does not replace an examination."
