"""What expressions are worth, checked against a plain evaluation of three-valued logic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.indicators import same
from tests.lang.fake_context import PREAMBLE, Run

BAR = {"open": 3.0, "high": 9.0, "low": 2.0, "close": 7.0, "volume": 5.0}


def shown(expression: str, run: Run | None = None, lets: str = "") -> str:
    """The value as LOG prints it, after one bar."""
    run = run or Run(f'{PREAMBLE}{lets}\nRULES WHEN TRUE THEN LOG "{{v}}" v={expression}')
    run.close(7, open=3, high=9, low=2, volume=5)
    return run.context.lines[-1][1]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("k.price + k.value", "14"),
        ("k.hl2", "5.5"),
        ("k.hlc3", "6"),
        ("k.ohlc4", "5.25"),
        ("k.timestamp", "60000"),
        ("k.bid", "undefined"),
        ("k.spread + 1", "undefined"),
        ("k.volume * 2", "10"),
        ("k.contract_size + k.tick_size", "100.01"),
        ("k.swap_long_points", "-3.5"),
        ("-k.close * 2", "-14"),
        ("-7 % 3", "2"),
        ("0.3 % 0.1", "0"),
        ("k.close % 0", "undefined"),
        ("2h", "7200000"),
        ("1 / 3", "0.333333333333"),
        ("0.3 - 0.1", "0.2"),
        ("1e15 * 10", "10000000000000000"),
        ("k.close > 1", "true"),
        ("k.ask > 1", "undefined"),
        ("'text'", "text"),
        ("NULL", "undefined"),
        ("NULL IS NULL", "true"),
        ("TRUE = TRUE", "undefined"),
        ("k.close + TRUE", "undefined"),
        ("CASE WHEN k.ask > 1 THEN 1 WHEN k.close > 1 THEN 2 ELSE 3 END", "2"),
        ("CASE WHEN k.close < 1 THEN 1 END", "undefined"),
        ("(CASE WHEN k.close > 1 THEN TRUE ELSE 5 END) + 1", "undefined"),
        ("(CASE WHEN k.close < 1 THEN TRUE ELSE 5 END) + 1", "6"),
        ("NOT (CASE WHEN k.close > 1 THEN FALSE ELSE 5 END)", "true"),
        ("CASE WHEN k.close > 1 THEN 'up' ELSE 0 END", "up"),
        ("max(k.open, k.close, 5) - min(2, k.low)", "5"),
        ("clamp(k.close, 1, 4)", "4"),
        ("sqrt(0 - k.close)", "undefined"),
        ("sqrt(k.close + k.low)", "3"),
        ("rank_of(k.close, 8, 9)", "3"),
        ("NOW", "60000"),
        ("NOW + 10m", "660000"),
        ("NOW.minute_utc + NOW.hour_utc", "1"),
        ("NOW.weekday", "3"),
        ("NOW.month * 100 + NOW.day", "101"),
        ("NOW.days_in_month", "31"),
        ("NOW.date_utc", "0"),
        ("now.EPOCH_MS", "60000"),
        ("SESSION_WINDOW(0, 1, 0, 1)", "true"),
        ("SESSION_WINDOW(0, 2, 0, 0)", "false"),
        ("session_window(23, 0, 0, 1)", "true"),
        ("CALENDAR_WINDOW(12, 20, 1, 1)", "true"),
        ("CALENDAR_WINDOW(1, 2, 12, 31)", "false"),
        ("LAST_TRADING_DAY_OF_MONTH()", "false"),
        ("ACCOUNT.equity - ACCOUNT.balance", "1000"),
        ("ACCOUNT.last_trade_pnl", "undefined"),
        ("ACCOUNT.loss_streak + TRADES.today + COOLDOWN.remaining_s", "0"),
        ("STREAK.wins / 2 + STREAK.banked", "0"),
        ("POSITION.k", "0"),
        ("POSITION.k.entry_price IS NULL", "true"),
        ("POSITION.k.realized_pnl", "7"),
        ("POSITION.k.pnl", "7"),
        ("POSITION.k.count / 2", "0"),
        ("OPEN_ORDERS.k", "0"),
    ],
)
def test_values(expression: str, value: str) -> None:
    assert shown(expression) == value


def test_numbers_that_are_the_same_are_never_greater() -> None:
    run = Run(
        PREAMBLE + "RULES WHEN k.close > sma(k.close, 3) THEN BUY k SIZING 1\n"
        "WHEN k.close CROSSES ABOVE sma(k.close, 3) THEN BUY k SIZING 2\n"
        "WHEN k.close < sma(k.close, 3) THEN BUY k SIZING 3\nWHEN k.close >= sma(k.close, 3) THEN BUY k SIZING 4"
    )
    assert run.close(100.1, 100.1, 100.1, 100.1, 100.1).story == ["BUY 4 @3"]


def test_a_quote_is_read_where_there_is_one() -> None:
    run = Run(PREAMBLE + 'RULES WHEN TRUE THEN LOG "{m} {s}" m=k.mid s=k.spread')
    run.close(7, bid=1.1, ask=1.3)
    assert run.context.lines == [("INFO", "1.2 0.2")]


# ---------------------------------------------------------------- random expressions


@dataclass(frozen=True)
class Sample:
    """An expression and what it is worth."""

    text: str
    value: Any


ANSWERS: dict[str, Any] = {
    "<": lambda a, b: a < b and not same(a, b),
    ">": lambda a, b: a > b and not same(a, b),
    "<=": lambda a, b: a < b or same(a, b),
    ">=": lambda a, b: a > b or same(a, b),
    "=": same,
    "!=": lambda a, b: not same(a, b),
}

numbers = st.one_of(
    st.sampled_from([Sample(f"k.{field}", value) for field, value in BAR.items()]),
    st.sampled_from([Sample("k.ask", None), Sample("ema(k.close, 3)", None), Sample("NULL", None), Sample("NOW.weekday", 3.0)]),
    st.sampled_from([-2.0, 0.0, 0.1, 3.0, 7.0, 7.0000000001]).map(lambda v: Sample(f"{v:.12g}" if v >= 0 else f"(-{-v:g})", v)),
)


def arithmetic(op: str, a: Sample, b: Sample) -> Sample:
    value = None
    if a.value is not None and b.value is not None and not (op == "/" and b.value == 0):
        value = {"+": a.value + b.value, "-": a.value - b.value, "*": a.value * b.value}.get(op)
        value = a.value / b.value if op == "/" else value
    return Sample(f"({a.text} {op} {b.text})", value)


def compare(op: str, a: Sample, b: Sample) -> Sample:
    missing = a.value is None or b.value is None
    return Sample(f"({a.text} {op} {b.text})", None if missing else ANSWERS[op](a.value, b.value))


def between(v: Sample, low: Sample, high: Sample) -> Sample:
    missing = None in (v.value, low.value, high.value)
    inside = None if missing else ANSWERS[">="](v.value, low.value) and ANSWERS["<="](v.value, high.value)
    return Sample(f"({v.text} BETWEEN {low.text} AND {high.text})", inside)


def member(v: Sample, members: list[Sample]) -> Sample:
    text = f"({v.text} IN [{', '.join(m.text for m in members)}])"
    return Sample(text, None if v.value is None else any(m.value is not None and same(v.value, m.value) for m in members))


def logic(op: str, a: Sample, b: Sample) -> Sample:
    deciding = op == "OR"
    if deciding in (a.value, b.value):
        value = deciding
    else:
        value = None if None in (a.value, b.value) else not deciding
    return Sample(f"({a.text} {op} {b.text})", value)


def chosen(when: Sample, then: Sample, otherwise: Sample) -> Sample:
    return Sample(
        f"(CASE WHEN {when.text} THEN {then.text} ELSE {otherwise.text} END)", (then if when.value else otherwise).value
    )


def grown(inner: st.SearchStrategy[tuple[Sample, Sample]]) -> st.SearchStrategy[tuple[Sample, Sample]]:
    """Bigger pairs of a number and a condition out of smaller ones."""
    number, flag = inner.map(lambda pair: pair[0]), inner.map(lambda pair: pair[1])
    bigger_number = st.one_of(
        st.builds(arithmetic, st.sampled_from("+-*/"), number, number),
        number.map(lambda n: Sample(f"(-{n.text})", None if n.value is None else -n.value)),
        st.builds(chosen, flag, number, number),
    )
    bigger_flag = st.one_of(
        st.builds(compare, st.sampled_from(sorted(ANSWERS)), number, number),
        st.builds(between, number, number, number),
        st.builds(member, number, st.lists(number, max_size=3)),
        st.builds(logic, st.sampled_from(["AND", "OR"]), flag, flag),
        flag.map(lambda f: Sample(f"(NOT {f.text})", None if f.value is None else not f.value)),
        number.map(lambda n: Sample(f"({n.text} IS NULL)", n.value is None)),
        flag.map(lambda f: Sample(f"({f.text} IS NOT NULL)", f.value is not None)),
        st.builds(chosen, flag, flag, flag),
    )
    return st.tuples(bigger_number, bigger_flag)


start = st.tuples(numbers, st.builds(compare, st.sampled_from(sorted(ANSWERS)), numbers, numbers))


@settings(max_examples=300, deadline=None)
@given(st.recursive(start, grown, max_leaves=12))
def test_generated_code_is_worth_what_the_text_says(pair: tuple[Sample, Sample]) -> None:
    number, flag = pair
    run = Run(
        f'{PREAMBLE}LET n = {number.text}, f = {flag.text}\nRULES WHEN f THEN LOG "true"\n'
        'WHEN NOT f THEN LOG "false"\nWHEN f IS NULL THEN LOG "none"\nWHEN TRUE THEN LOG "{n} {f}" n=n f=f\n'
        'WHEN f OR f AND n > 0 OR NOT f AND n < n THEN LOG "again"'
    )
    run.close(BAR["close"], **{k: v for k, v in BAR.items() if k != "close"})
    lines = [text for _, text in run.context.lines]
    assert lines[0] == {True: "true", False: "false", None: "none"}[flag.value]
    shown_number, shown_flag = lines[1].split()
    assert shown_flag == {True: "true", False: "false", None: "undefined"}[flag.value]
    if number.value is None:
        assert shown_number == "undefined"
    else:
        assert float(shown_number) == pytest.approx(number.value, rel=1e-11)
    assert (lines[2:] == ["again"]) is (flag.value is True)
