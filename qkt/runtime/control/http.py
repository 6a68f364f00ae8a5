"""httpx without its own command line: where what paints that is installed, it would be loaded along each time."""

from __future__ import annotations

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None: its import fails, which httpx is ready for

import httpx  # noqa: E402

__all__ = ["httpx"]
