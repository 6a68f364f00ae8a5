"""`qkt check`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.test_main import run_python

PYTHON = """
from qkt.strategy import Strategy


class Idle(Strategy):
    streams = {"eur": "BACKTEST:EURUSD 1m"}
"""


def test_a_good_file_is_ok(qkt, strategy):
    answer = qkt("check", strategy)
    assert (answer.code, answer.out, answer.err) == (0, f"{strategy}: ok\n", "")


def test_every_mistake_is_shown_with_its_line_and_a_caret(qkt, tmp_path):
    path = tmp_path / "bad.qkt"
    path.write_text(
        "STRATEGY bad VERSION 1\nSYMBOLS\n    eur = X:EURUSD EVERY 1m\nRULES\n    WHEN eurr.close > foo(1) THEN BUY eur\n"
    )
    answer = qkt("check", path)
    assert answer.code == 1
    assert f"{path}:5:10: error QKT" in answer.out
    assert "    WHEN eurr.close > foo(1) THEN BUY eur\n             ^" in answer.out
    assert answer.out.splitlines()[-1] == f"{path}: 3 errors"


def test_several_files_get_a_verdict_each_and_one_bad_one_fails(qkt, strategy, tmp_path):
    python, missing = tmp_path / "idle.py", tmp_path / "missing.qkt"
    python.write_text(PYTHON)
    answer = qkt("check", strategy, python, missing)
    assert answer.code == 1
    lines = answer.out.splitlines()
    assert lines[:2] == [f"{strategy}: ok", f"{python}: ok"]
    assert lines[2].startswith(f"{missing}: cannot be read")


def test_a_python_file_that_cannot_be_imported_is_an_error(qkt, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("import nothing_of_that_name\n")
    answer = qkt("check", path)
    assert answer.code == 1
    assert "nothing_of_that_name" in answer.out


def test_json_lists_the_problems_of_every_file(qkt, strategy, tmp_path):
    path = tmp_path / "bad.qkt"
    path.write_text(
        "STRATEGY bad VERSION 1\nSYMBOLS\n    eur = X:EURUSD EVERY 1m\nRULES\n    WHEN eurr.close > 1 THEN CLOSE eur\n"
    )
    answer = qkt("check", strategy, path, tmp_path / "missing.qkt", "--json")
    assert answer.code == 1
    assert not answer.json["ok"]
    good, bad, missing = answer.json["files"]
    assert good == {"path": str(strategy), "ok": True, "errors": 0, "warnings": 0, "problems": [], "error": None}
    assert (bad["errors"], bad["problems"][0]["line"], bad["problems"][0]["severity"]) == (1, 5, "error")
    assert missing["error"]["error"] == "StrategyError"


def test_a_file_that_a_portfolio_imports_twice_is_told_once(qkt, strategy, tmp_path):
    book = tmp_path / "book.qkt"
    book.write_text(f"PORTFOLIO p VERSION 1\nIMPORT '{strategy}' AS one\nIMPORT '{strategy}' AS two\nRULES RUN one RUN two\n")
    answer = qkt("check", book)
    assert answer.out.splitlines() == [f"{book}: ok", f"{strategy}: ok"]


def test_without_a_file_the_usage_is_shown(qkt):
    assert qkt("check").code == 2


def test_a_check_loads_nothing_that_computes_columns_or_reads_data(tmp_path: Path) -> None:
    path = tmp_path / "a.qkt"
    path.write_text("STRATEGY a VERSION 1 SYMBOLS k = SIM:K EVERY 1m RULES WHEN ema(k.close, 3) > rsi(k.close, 5) THEN CLOSE k")
    code = f"""
import sys
from qkt.cli.main import main
try:
    main(['check', {str(path)!r}])
except SystemExit as leave:
    assert not leave.code
print([name for name in ('numpy', 'pyarrow', 'asyncio') if name in sys.modules])
"""
    assert run_python(code).stdout.splitlines() == [f"{path}: ok", "[]"]
