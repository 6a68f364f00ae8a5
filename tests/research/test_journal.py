"""Outcomes on disk: what was written is read back, what was torn is told of, another job's is refused."""

import errno
import os
from pathlib import Path

import pytest

from qkt.core.errors import QktError
from qkt.research.journal import NAME, Journal
from qkt.research.task import Outcome

HEADER = {"job": "sweep", "params": ["a=1,2"], "data": "ab12"}
OUTCOMES = [
    Outcome("0", {"a": "1"}, "done", {"sharpe": 1.5, "cagr": None}, (0.25, None), (0.001, -0.002), curve=((5, 1.5),)),
    Outcome("1", {"a": "2"}, "failed", problem="the n of 'ema' cannot be 0"),
    Outcome("2", {"a": "3"}, "pruned", parts=(-1.0,)),
]


def written(folder: Path) -> Path:
    with Journal.begin(folder, HEADER) as journal:
        for outcome in OUTCOMES:
            journal.add(outcome)
    return folder / NAME


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    written(tmp_path)
    with Journal.resume(tmp_path, HEADER) as journal:
        assert [journal.get(outcome.key) for outcome in OUTCOMES] == OUTCOMES
        assert not journal.torn


def test_a_file_cut_anywhere_gives_its_whole_lines_and_can_be_gone_on_with(tmp_path: Path) -> None:
    whole = written(tmp_path).read_bytes()
    ends = [place for place, byte in enumerate(whole) if byte == ord("\n")]
    for cut in {*range(0, len(whole), 40), *ends, *(end + 1 for end in ends)}:
        (tmp_path / NAME).write_bytes(whole[:cut])
        with Journal.resume(tmp_path, HEADER) as journal:
            lines = whole[:cut].count(b"\n")
            assert len(journal) == max(0, lines - 1)
            assert journal.torn == (lines > 0 and not whole[:cut].endswith(b"\n"))
            for outcome in OUTCOMES[len(journal) :]:
                journal.add(outcome)
        assert (tmp_path / NAME).read_bytes() == whole


def test_another_job_is_refused_with_what_differs(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(QktError, match="a job that differs in params, seed;"):
        Journal.resume(tmp_path, {**HEADER, "params": ["a=1,3"], "seed": 1})
    with pytest.raises(QktError, match="there are results already"):
        Journal.begin(tmp_path, HEADER)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:2], b"{}", *lines[2:]]))
    with pytest.raises(QktError, match=r"outcomes\.jsonl:3: is no outcome"):
        Journal.resume(tmp_path, HEADER)


def test_a_journal_without_outcomes_is_in_nobodys_way(tmp_path: Path) -> None:
    Journal.begin(tmp_path, HEADER).close()
    Journal.begin(tmp_path, {**HEADER, "seed": 2}).close()
    assert b'"seed":2' in (tmp_path / NAME).read_bytes()


def test_a_full_disk_is_a_sentence_and_what_is_whole_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path)
    whole, write = path.read_bytes(), os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:20])

    with Journal.resume(tmp_path, HEADER) as journal:
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(QktError, match=r"cannot be written \(No space left"):
            journal.add(Outcome("3", {"a": "4"}, "done"))
    monkeypatch.undo()
    with Journal.resume(tmp_path, HEADER) as journal:
        assert journal.torn
        assert len(journal) == 3
    assert path.read_bytes() == whole
