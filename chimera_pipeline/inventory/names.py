"""File names as text: shown so that no two are alike, and back."""

from __future__ import annotations

import os
import re

_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")
_LIKE_ESCAPE = re.compile(rb"\\(?=x[0-9a-f]{2})")


def display(name: str) -> str:
    """`name` as it is shown: bytes outside UTF-8 as `\\xNN`, and a backslash that would read as one as `\\x5c`."""
    return _LIKE_ESCAPE.sub(rb"\\x5c", os.fsencode(name)).decode("utf-8", "backslashreplace")


def raw_name(shown: str) -> bytes:
    """The bytes of the name that `display` shows so; no two names are shown alike."""
    return _ESCAPED.sub(lambda match: bytes([int(match.group(1), 16)]), os.fsencode(shown))
