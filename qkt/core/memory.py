"""How a process that runs for months holds its memory."""

from __future__ import annotations

import sys

# Names of glibc's parameters (malloc.h).
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
LARGE = 128 << 10
"""Bytes from which a block is the system's own, and goes back to it when it is freed."""
TOP = 4 << 20
"""Free bytes at the end of the heap that go back to the system."""


def give_back() -> None:
    """Have the C library return what is freed, where it is glibc; elsewhere nothing is done.

    Left alone, glibc raises the size from which blocks are the system's own with every large block that is freed, up to 32 MB,
    and has a heap for each thread. Documents and columns of ticks, which come and go, then lie between small blocks that stay,
    and the process keeps several times what it uses.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        for parameter, value in ((MMAP_THRESHOLD, LARGE), (TRIM_THRESHOLD, TOP), (ARENA_MAX, 1)):
            mallopt(parameter, value)
