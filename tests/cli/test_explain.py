"""`qkt explain`."""

from __future__ import annotations

import pytest

from qkt.cli.wording import words
from qkt.lang import values as v

A, B, C = v.Read("eur", "close"), v.Const(2.0), v.Const(0.5)


def test_a_strategy_in_words(qkt, strategy):
    answer = qkt("explain", strategy)
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "crosses, version 2",
        "",
        "Streams",
        "  eur  BACKTEST:EURUSD    1m  waits for 8 bars",
        "",
        "Parameters",
        "  fast = 3",
        "",
        "Needs",
        "  BACKTEST:EURUSD: 8 bars of 1m before its rules act",
        "",
        "Rules: each one acts when its condition becomes true at the close of a bar",
        "",
        "  1. eur 1m: when ema(eur.close, 3) crosses above ema(eur.close, 8) and",
        "     POSITION.eur = 0",
        "     buy eur: 0.1 lots, at market",
        "       stop loss 0.0008 away from the fill",
        "       take profit at 2 times the stop's distance",
        "     log 'crossed', price = eur.close (INFO)",
    ]


CHILD = """STRATEGY child VERSION 1
SYMBOLS k = SIM:KLM EVERY 1m
PARAM n = 1
RULES WHEN k.spread < n AND vwap(k.tick, 5) > 1 AND POSITION.k = 0 THEN BUY k SIZING 1
"""


def test_what_a_strategy_needs_beside_prices(qkt, tmp_path):
    path = tmp_path / "child.qkt"
    path.write_text(CHILD)
    text = qkt("explain", path).out
    for need in ("SIM:KLM: 5 bars of 1m", "every tick", "quotes with bid and ask", "volume"):
        assert need in text


def test_a_portfolio_in_words(qkt, tmp_path):
    (tmp_path / "child.qkt").write_text(CHILD)
    path = tmp_path / "p.qkt"
    path.write_text(
        "PORTFOLIO weather VERSION 1 CAPITAL 50000\nSYMBOLS gold = SIM:XAU EVERY 1h\nPARAM calm = 3\n"
        'IMPORT "child.qkt" AS a IMPORT "child.qkt" AS b HOLD IMPORT "child.qkt" AS c\n'
        "RULES RUN a WEIGHT 0.5 WHEN atr(gold, 14) < calm RUN b WEIGHT 0.2 OVERRIDE { n = 4 }\n"
        "WHEN gold.close > 1 RUN b WEIGHT 0.1 OVERRIDE { n = 4 }"
    )
    answer = qkt("explain", path)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        "weather, a portfolio, version 1, capital 50000",
        "",
        "Streams",
        "  gold  SIM:XAU    1h  waits for 15 bars",
        "",
        "Parameters",
        "  calm = 3",
        "",
        "Children: each one trades while its gate is open, looked at on every closed bar of the streams above",
        "",
        "  a: child of child.qkt",
        "    gets 0.5 of the capital, which is 25000",
        "    always runs",
        "    with n = 1",
        "    k: SIM:KLM 1m, waits for 5 bars",
        "",
        "  b: child of child.qkt",
        "    gets 0.1 of the capital, which is 5000",
        "    runs when atr(gold, 14) < 3, or when gold.close > 1; otherwise it keeps its",
        "      positions",
        "    with n = 4",
        "    k: SIM:KLM 1m, waits for 5 bars",
        "",
        "  c: child of child.qkt",
        "    never runs",
        "    with n = 1",
        "    k: SIM:KLM 1m, waits for 5 bars",
    ]
    compile(qkt("explain", path, "--source").out, "generated", "exec")


def test_regimes_in_words(qkt, tmp_path):
    (tmp_path / "child.qkt").write_text(CHILD)
    path = tmp_path / "p.qkt"
    path.write_text(
        'PORTFOLIO p VERSION 1 CAPITAL 1000\nSYMBOLS gold = SIM:XAU EVERY 1h\nIMPORT "child.qkt" AS a\n'
        "REGIMES NAME w STATE storm WHEN gold.close > 5 STATE fair DEFAULT\n"
        "ALLOCATE METHOD REGIME_WEIGHTED REBALANCE EVERY 1d storm -> a 0.2, CASH 0.8 fair -> a 1\nRULES RUN a"
    )
    assert qkt("explain", path).out.splitlines()[-6:] == [
        "Regimes: the first whose condition is true",
        "  storm: when gold.close > 5",
        "    new risk is scaled: a 0.2",
        "  fair: when no other is",
        "    new risk is scaled: a 1",
        "  weighed anew every 1 d",
    ]


def test_the_parameters_given_are_those_explained(qkt, strategy):
    assert "ema(eur.close, 5) crosses above" in qkt("explain", strategy, "--param", "fast=5").out


def test_the_source_is_python_that_compiles(qkt, strategy):
    answer = qkt("explain", strategy, "--source")
    compile(answer.out, "generated", "exec")
    assert "def bind(" in answer.out


def test_a_strategy_in_python_has_streams_and_its_own_source(qkt, tmp_path):
    path = tmp_path / "idle.py"
    path.write_text("from qkt.strategy import Strategy\n\n\nclass Idle(Strategy):\n    streams = {'eur': 'X:EURUSD 1m'}\n")
    assert "eur  X:EURUSD    1m  no warm-up" in qkt("explain", path).out
    assert qkt("explain", path, "--source").out == path.read_text()


def test_a_file_with_mistakes_shows_them(qkt, tmp_path):
    path = tmp_path / "bad.qkt"
    path.write_text("STRATEGY bad VERSION 1\nRULES\n    WHEN x > 1 THEN CLOSE_ALL\n")
    answer = qkt("explain", path)
    assert answer.code == 1
    assert answer.err.startswith(f"{path}:3:")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (v.Math("*", v.Math("+", A, B), C), "(eur.close + 2) * 0.5"),
        (v.Math("-", A, v.Math("-", B, C)), "eur.close - (2 - 0.5)"),
        (v.Math("-", v.Math("-", A, B), C), "eur.close - 2 - 0.5"),
        (v.Negative(v.Math("+", A, B)), "-(eur.close + 2)"),
        (
            v.Both(v.Either(v.Missing(A), v.Missing(B)), v.Missing(C)),
            "(eur.close is undefined or 2 is undefined) and 0.5 is undefined",
        ),
        (v.Opposite(v.Comparison(">", A, B)), "not (eur.close > 2)"),
        (v.Past(v.Indicator("EMA", (A,), (9.0,), "eur"), 2, "eur"), "ema(eur.close, 9)[2]"),
        (v.Indicator("ATR", (), (14.0,), "eur"), "atr(eur, 14)"),
        (v.Within(A, B, v.Const(1e6)), "eur.close is between 2 and 1000000"),
        (v.Member(v.Clock("weekday"), (v.Const(0.0), v.Const(4.0))), "NOW.weekday is one of 0, 4"),
        (v.AccountRead("win_streak"), "STREAK.wins"),
        (v.PositionRead("eur", "mfe"), "POSITION.eur.mfe"),
        (v.ClockWindow("session", 420, 655), "the time is between 07:00 and 10:55 UTC"),
        (v.ClockWindow("calendar", 1115, 206), "the day is between 15 Nov and 6 Feb"),
        (v.Const(None), "undefined"),
    ],
)
def test_expressions_keep_their_meaning_in_words(value, text):
    assert words(value) == text


def test_what_a_strategy_declares_beside_rules(qkt, tmp_path):
    path = tmp_path / "declared.qkt"
    path.write_text(
        "STRATEGY declared VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, m = SIM:MNO EVERY 1m,\n"
        "g = BASKET EQUAL_WEIGHT [k, m] EVERY 1m, e = SERIES ACCOUNT.EQUITY EVERY 5m\nSYNCHRONIZE k m WITHIN 20s\n"
        "LET px = k.close\nSEQUENCE s ON k { STAGE one: k.close > 1 STAGE two WITHIN 5m: k.close < px@buy }\n"
        "SCHEDULE EVERY WEEKDAY AT 09:30 NY THEN CLOSE k EVERY HOUR AT :05 THEN LOG 'hello'\n"
        "RULES WHEN g.close > 100 AND SEQUENCE.s.complete AND MAX(e.close) SINCE OPEN > 3 THEN LOG 'x'"
    )
    text = qkt("explain", path).out
    for line in (
        "  g  BASKET:G",
        "  e  SERIES:ACCOUNT_EQUITY",
        "  g is the equally weighted index of k, m",
        "  k, m wait for each other's bar, for 20 s at most",
        "  s on k",
        "    one: k.close > 1",
        "    two, within 5 min: k.close < px at the last BUY",
        "  every weekday at 09:30 NY",
        "  every hour at :05",
    ):
        assert line in text
    assert "when g.close > 100 and SEQUENCE.s.complete and max(e.close) since the position opened > 3" in " ".join(text.split())
