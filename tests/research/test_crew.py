"""A crew answers for all that it is asked, whatever becomes of those who do it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from qkt.backtest.prepared import Prepared
from qkt.research.crew import LocalCrew
from qkt.research.parcel import write_parcel
from qkt.research.task import Task

PATIENCE = 20.0


def test_a_task_that_cannot_be_handed_out_ends_the_job_with_its_traceback(ready: Prepared, tmp_path: Path) -> None:
    end = time.monotonic() + PATIENCE
    crew = LocalCrew(1)
    try:
        write_parcel(ready, {}, tmp_path / "parcel")
        crew.give(tmp_path / "parcel")
        unspeakable = Task("0", {"fast": lambda: "3"})  # type: ignore[dict-item]
        with pytest.raises(RuntimeError, match="pickle"):
            list(crew.outcomes([unspeakable], lambda: time.monotonic() > end))
    finally:
        crew.close()
