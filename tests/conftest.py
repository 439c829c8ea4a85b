"""What holds for every test.

Many tests start the command as a process of its own. Where the environment forbids bytecode files beside the sources
(PYTHONDONTWRITEBYTECODE), each such start would spend most of its time in the compiler: they share a cache in build/.
"""

from __future__ import annotations

import os
from pathlib import Path

if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(__file__).parents[1] / "build" / "pycache"))
