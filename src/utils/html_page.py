"""An HTML page that needs nothing but itself, and may load nothing else."""

from __future__ import annotations

import base64
import hashlib
from html import escape


def self_contained_page(title: str, style: str, body: str, script: str = "") -> str:
    """The page, with a policy that lets a browser run only this script, and load pictures only out of the page.

    Args:
        title: a text.
        style: CSS.
        body: HTML.
        script: JavaScript, run once the body is there; the policy names its hash (CSP 3, section 6.7.3).
    """
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
        policy += f"; script-src 'sha256-{digest}'"
        body += f"\n<script>{script}</script>"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
