"""Data that lies beside the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_TICKS = Path(__file__).resolve().parents[3] / "shared" / "data" / "ticks"


@pytest.fixture
def shared_ticks() -> Path:
    if not SHARED_TICKS.is_dir():
        pytest.skip("needs ../shared/data/ticks, which is not part of the repository")
    return SHARED_TICKS
