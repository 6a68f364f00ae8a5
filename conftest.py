"""How the tests are run."""

from __future__ import annotations

import os


def pytest_xdist_auto_num_workers() -> int:
    """One more worker than processors: some tests wait for processes of their own."""
    return (os.cpu_count() or 1) + 1
