"""Files say what happened, a JSON document a line, without secrets, without endless repetition, and nobody waits for them."""

from __future__ import annotations

import json
import logging
import stat
import threading
import time

import pytest

from qkt.core import secrets
from qkt.core.errors import QktError
from qkt.observe.logs import LogFiles, logging_to
from qkt.observe.repeats import BURST, WINDOW, Repeats
from qkt.runtime.lines import SESSION, LineBook

log = logging.getLogger("qkt.test")


@pytest.fixture
def files(tmp_path):
    return LogFiles(tmp_path, "info", megabytes=1, files=3)


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_records_are_documents_with_their_session(files, tmp_path):
    with logging_to(files):
        token = SESSION.set("slow")
        log.info("something about %s", "eva")
        SESSION.reset(token)
        log.debug("too small")
        log.warning("of nobody")
    first, second = read(tmp_path / "engine.log")
    assert (first["event"], first["level"], first["session"], first["logger"]) == (
        "something about eva",
        "INFO",
        "slow",
        "qkt.test",
    )
    assert first["ts"].endswith("+00:00")
    assert (second["event"], second["level"], "session" in second) == ("of nobody", "WARN", False)


def test_what_cannot_be_worded_does_not_fail_whoever_says_it(files, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # those of pytest raise

    class Mute:
        def __str__(self):
            raise ValueError("has no words")

    with logging_to(files):
        log.warning("%d of", "abc")
        log.error(Mute())
        log.warning("goes on")
    first, second, third = read(tmp_path / "engine.log")
    assert first["event"].startswith("'%d of' cannot be worded (TypeError), from test_logs.py:")
    assert second["event"].startswith("a Mute cannot be worded (ValueError), from test_logs.py:")
    assert third["event"] == "goes on"
    assert capfd.readouterr() == ("", ""), "a dashboard may be there"


def test_each_session_has_a_file_and_what_is_wrong_stands_in_the_engines_too(files, tmp_path):
    book = LineBook()
    with logging_to(files):
        files.line(book.add(1_000, "INFO", "fill", "book/child", "filled", event="fill", order="o-1", trace="3.17"))
        files.line(book.add(2_000, "ERROR", "halt", "book/child", "failed", event="fault"))
        files.line(book.add(3_000, "INFO", "engine", "engine", "metrics are served"))
    of_child = read(tmp_path / "sessions" / "book__child.log")
    assert [(one["event"], one["about"]) for one in of_child] == [("filled", "fill"), ("failed", "fault")]
    assert (of_child[0]["order"], of_child[0]["trace"], of_child[0]["ts"]) == ("o-1", "3.17", "1970-01-01T00:00:01.000+00:00")
    assert [one["event"] for one in read(tmp_path / "engine.log")] == ["failed", "metrics are served"]


def test_a_new_state_is_its_users_alone(tmp_path):
    LogFiles(tmp_path / "state" / "logs", "info", megabytes=1, files=3)
    assert [stat.S_IMODE((tmp_path / "state" / place).stat().st_mode) for place in ("", "logs")] == [0o700, 0o700]


def test_a_folder_that_cannot_be_made_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(QktError, match="the log cannot be written"):
        LogFiles(tmp_path / "logs", "info", megabytes=1, files=3)


def test_a_place_that_is_lost_meanwhile_is_counted_and_the_rest_is_written(files, tmp_path):
    (tmp_path / "sessions").write_text("in the way")
    book = LineBook()
    with logging_to(files):
        files.line(book.add(1_000, "INFO", "fill", "slow", "filled"))
        files.line(book.add(2_000, "INFO", "engine", "engine", "goes on"))
    assert [one["event"] for one in read(tmp_path / "engine.log")] == ["goes on"]
    assert files.failures == 1


def test_a_traceback_shows_no_secret(files, tmp_path):
    secrets.conceal(["open-sesame-77"])
    with logging_to(files):
        try:
            raise OSError("https://eva:open-sesame-77@venue.example refused open-sesame-77")
        except OSError:
            log.exception("login with password=%s failed", "hunter2222")
    text = (tmp_path / "engine.log").read_text()
    assert "Traceback" in text
    assert "open-sesame" not in text
    assert "hunter2222" not in text


def test_files_rotate(tmp_path, monkeypatch):
    monkeypatch.setattr("qkt.observe.logs.MEGABYTE", 2000)
    with logging_to(LogFiles(tmp_path, "info", megabytes=1, files=3)):
        for number in range(50):
            log.info("%d %s", number, "x" * 100)
    written = sorted(path.name for path in tmp_path.glob("engine.log*"))
    assert written == ["engine.log", "engine.log.1", "engine.log.2"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.glob("engine.log*"))


def test_what_repeats_is_written_a_few_times(files, tmp_path):
    with logging_to(files):
        for number in range(40):
            log.warning("tick %d refused", number)
            log.info("bar %d", number)
    events = [one["event"] for one in read(tmp_path / "engine.log")]
    assert sum("refused" in event for event in events) == BURST
    assert sum("bar" in event for event in events) == 40


def test_how_often_it_was_not_written_is_said_when_its_time_is_over():
    repeats = Repeats()
    assert [repeats.passes("a", float(n)) for n in range(BURST + 3)] == [True] * BURST + [False] * 3
    assert not list(repeats.ended(WINDOW - 1))
    assert list(repeats.ended(WINDOW)) == [("a", 3)]
    assert repeats.passes("a", WINDOW + 1)


def test_a_disk_that_hangs_holds_nobody_up(tmp_path, monkeypatch):
    stuck = threading.Event()
    monkeypatch.setattr("qkt.observe.logs.WAITING", 10)
    monkeypatch.setattr("qkt.observe.logs._File.flush_lines", lambda self: stuck.wait(10))
    files = LogFiles(tmp_path, "info", megabytes=1, files=1)
    monkeypatch.setattr(files, "close", lambda: None)
    with logging_to(files):
        for number in range(30):
            log.info("%d", number)
    assert 10 <= files.dropped <= 20  # ten wait, and up to ten are stuck
    stuck.set()


def test_a_full_disk_is_counted(files, tmp_path):
    (tmp_path / "engine.log").mkdir()
    with logging_to(files):
        log.info("lost")
    assert files.failures == 1


def test_a_person_reads_lines(tmp_path):
    said = []
    files = LogFiles(tmp_path, "info", megabytes=1, files=1, console=said.append)
    with logging_to(files):
        files.line(LineBook().add(60_000, "WARN", "order", "slow", "o-1 refused: too big", event="refused", trace="1.7"))
    assert said == ["00:01:00 [warning  ] o-1 refused: too big session=slow trace=1.7"]


def test_what_cannot_be_shown_is_counted_and_the_rest_is_written(tmp_path):
    shown = []

    def console(text):
        if "breaks" in text:
            raise ValueError("a terminal that breaks")
        shown.append(text)

    files = LogFiles(tmp_path, "info", megabytes=1, files=3, console=console)
    with logging_to(files):
        log.info("breaks")
        log.info("goes on")
        time.sleep(0.2)  # another batch
        log.info("still")
    assert [one["event"] for one in read(tmp_path / "engine.log")] == ["breaks", "goes on", "still"]
    assert [text.split()[-1] for text in shown] == ["on", "still"]
    assert files.failures == 1
