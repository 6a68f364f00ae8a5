"""What a trading process prints never holds it up."""

from __future__ import annotations

import logging
import os
import time

from qkt.cli.screen import WAITING, Screen, aside, logged_beneath
from qkt.core.secrets import conceal


def test_lines_appear_in_order():
    reader, writer = os.pipe()
    with Screen(writer) as screen:
        for number in range(3):
            screen.say(f"line {number}")
    os.close(writer)
    with os.fdopen(reader) as shown:
        assert shown.read() == "line 0\nline 1\nline 2\n"


def test_a_frozen_terminal_holds_nobody_up():
    reader, writer = os.pipe()
    begun = time.monotonic()
    with Screen(writer) as screen:
        for _ in range(2 * WAITING):
            screen.say("x" * 1000)  # far more than a pipe holds, and nobody reads
        said = time.monotonic() - begun
    left = time.monotonic() - begun
    os.close(reader)  # lets the writer's thread go
    assert said < 1
    assert left < 5


def test_a_terminal_that_is_gone_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    with Screen(writer) as screen:
        screen.say("nobody hears")
    os.close(writer)


def test_what_is_printed_beneath_a_dashboard_goes_to_its_file_and_an_error_after_it_to_the_terminal(tmp_path, capfd):
    file = tmp_path / "logs" / "dashboard.log"
    with aside(file):
        os.write(2, b"a warning\n")
    os.write(2, b"an error\n")
    assert file.read_text() == "a warning\n"
    assert capfd.readouterr().err == "an error\n"
    with aside(tmp_path / "logs" / "dashboard.log" / "no folder"):
        os.write(2, b"another\n")
    assert capfd.readouterr().err == ""


def test_what_is_logged_beneath_a_dashboard_goes_to_its_file_while_nothing_else_takes_it(tmp_path, monkeypatch):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])  # without those of the test run
    file = tmp_path / "dashboard.log"
    conceal(["s3cr3tvalue42xyz"])
    before, other = root.level, logging.NullHandler()
    with aside(file), logged_beneath("INFO"):
        root.info("early, with s3cr3tvalue42xyz")
        root.addHandler(other)  # as an engine opens its log files
        root.warning("theirs")
        root.removeHandler(other)
        root.info("late")
    with aside(file):
        root.warning("after all")
    told = [line.split(" ", 2)[2] for line in file.read_text().splitlines() if " root " in line]
    assert told == ["INFO root early, with ***", "INFO root late"]
    assert (root.handlers, root.level) == ([], before)
