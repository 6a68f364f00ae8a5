"""A state directory has one owner, and whoever looks for it is in nobody's way."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Timer

import pytest

from qkt.core.locks import lock
from qkt.runtime.errors import StateError
from qkt.runtime.state import LOCK, StateLock, owner


def test_an_engine_starts_while_somebody_looks_whether_one_runs(tmp_path: Path) -> None:
    looked_into = (tmp_path / LOCK).open("w+b")
    assert lock(looked_into)
    Timer(0.1, looked_into.close).start()
    with StateLock(tmp_path):
        assert owner(tmp_path) == os.getpid()
    assert owner(tmp_path) is None


def test_a_directory_that_has_an_owner_is_refused(tmp_path: Path) -> None:
    with (
        StateLock(tmp_path),
        pytest.raises(StateError, match=f"is in use by process {os.getpid()}"),
        StateLock(tmp_path),
    ):
        pass


@pytest.mark.skipif(os.name == "nt", reason="there are no shared locks")
def test_two_who_look_at_once_do_not_take_each_other_for_the_owner(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("4711")  # an engine that was killed
    with (tmp_path / LOCK).open("r+b") as looked_into:
        assert lock(looked_into, shared=True)
        assert owner(tmp_path) is None
