"""Locks that processes hold on files. The operating system drops a lock with its process, however that ends."""

from __future__ import annotations

import sys
import time
from typing import IO, Any

AGAIN = 0.01
"""Seconds between two tries."""


def lock(file: IO[Any], patience: float = 0.0, *, shared: bool = False) -> bool:
    """Take the lock of an open file, trying for so many seconds; closing the file drops it. False when another has it.

    A `shared` lock bears others of its kind, where the platform has such. Raises OSError where files cannot be locked.
    """
    deadline = time.monotonic() + patience
    while not _try(file, shared):
        if time.monotonic() >= deadline:
            return False
        time.sleep(AGAIN)
    return True


def _try(file: IO[Any], shared: bool) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            file.seek(1 << 20)  # what stands at the start stays readable
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
