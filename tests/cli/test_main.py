"""The command as a whole: help, errors, what is imported when."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qkt.cli import check as check_command
from qkt.cli.main import COMMANDS, GROUPS, SUMMARIES
from qkt.core.errors import QktError

SLOW = ("numpy", "pyarrow", "rich", "lark", "qkt.lang", "qkt.backtest")


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_help_names_every_command(qkt):
    answer = qkt("--help")
    assert answer.code == 0
    for name, summary in SUMMARIES.items():
        assert name in answer.out
        assert summary in answer.out


def test_every_command_has_help_of_its_own(qkt):
    for name in COMMANDS:
        answer = qkt(name, "--help")
        assert answer.code == 0
        assert f"Usage: qkt {name} " in answer.out


def test_help_imports_nothing_that_takes_time():
    code = f"""
import sys
from pathlib import Path
from qkt.cli.main import main
try:
    main(['--help'])
except SystemExit:
    pass
print([name for name in {SLOW!r} if name in sys.modules])
"""
    assert run_python(code).stdout.splitlines()[-1] == "[]"


def test_the_version_is_one_line(qkt):
    answer = qkt("--version")
    assert answer.code == 0
    assert answer.out.startswith("qkt ")


def test_an_unknown_command_is_a_usage_error(qkt):
    answer = qkt("bcktest")
    assert answer.code == 2
    assert "bcktest" in answer.err


@pytest.mark.parametrize("as_json", [False, True])
def test_an_unexpected_exception_is_called_a_bug_in_one_line(qkt, monkeypatch, as_json):
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(check_command, "look_into", fail)
    answer = qkt("check", "any.qkt", *(["--json"] if as_json else []))
    assert answer.code == 1
    text = answer.json["message"] if as_json else answer.err
    assert len(text.splitlines()) == 1
    assert "this is a bug in qkt (ZeroDivisionError: division by zero)" in text
    assert "QKT_DEBUG=1" in text
    assert "test_main.py" in text


def test_the_traceback_is_there_for_those_who_ask(qkt, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise QktError("no such thing", remedy="look elsewhere")

    monkeypatch.setattr(check_command, "look_into", fail)
    monkeypatch.setenv("QKT_DEBUG", "1")
    answer = qkt("check", "any.qkt")
    assert "Traceback" in answer.err
    assert answer.err.splitlines()[-1] == "qkt: no such thing; look elsewhere"


def test_a_reader_that_leaves_is_no_reason_for_noise(strategy, tape):
    command = [sys.executable, "-m", "qkt.cli.main", "backtest", str(strategy), "--data", str(tape), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_terminal_that_knows_only_ascii_gets_a_report(strategy, tape):
    command = [sys.executable, "-m", "qkt.cli.main", "backtest", str(strategy), "--data", str(tape)]
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.stdout.isascii()
    assert b"Net P&L" in done.stdout


def test_json_of_two_processes_is_byte_for_byte_the_same_but_for_the_timing(strategy, tape):
    command = [sys.executable, "-m", "qkt.cli.main", "backtest", str(strategy), "--data", str(tape), "--json"]
    texts = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        text = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        timing = json.dumps(json.loads(text)["timing"], separators=(",", ":"))
        texts.append(text.replace(timing, ""))
    assert texts[0] == texts[1]


def test_every_command_of_an_engine_is_in_its_page():
    page = (Path(__file__).parents[2] / "docs" / "control.md").read_text(encoding="utf-8")
    groups = [group for title, group in GROUPS.items() if title != "Write and test strategies"]
    missing = [name for group in groups for name in group if f"`qkt {name}" not in page]
    assert missing == []
