"""Who may trade: gates, HOLD, operators, failures; and what becomes of those that are out."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from qkt.core.events import Candle, OrderFilled
from qkt.core.terms import Purpose, Side
from qkt.portfolio import ChildGated, RegimeChosen, SignalSuppressed
from tests.market import GOLD, by
from tests.portfolio.fund import FIXED, GATED, REGIMES, Fund


def test_a_child_with_a_condition_is_out_until_a_closed_candle_lets_it_in(tmp_path: Path) -> None:
    fund = Fund(tmp_path, GATED)
    fund.quote(120)
    assert not fund.buy("a", 1)
    assert fund.buy("b", 1)
    assert [(e.strategy, e.reason) for e in fund.told(SignalSuppressed)] == [("p:a", "portfolio gate: its gate is closed")]
    fund.close_bar(101)
    assert fund.buy("a", 1)
    assert (fund.net("a"), fund.net("b")) == (1, 1)


def test_the_gate_is_a_level_with_its_exact_boundary(tmp_path: Path) -> None:
    fund = Fund(tmp_path, GATED)
    fund.quote(120)
    for price, active in ((100, False), ("100.01", True), (100, False)):
        fund.close_bar(price)
        assert fund.supervisor.children["p:a"].active is active


def test_gates_are_evaluated_before_children_hear_the_same_candle(tmp_path: Path) -> None:
    fund = Fund(tmp_path, GATED)
    fund.quote(120)
    answers: list[bool] = []
    fund.scripts["a"].candle = lambda candle: answers.append(fund.buy("a", 1))
    fund.close_bar(101)
    fund.close_bar(99)
    assert answers == [True, False]


def test_a_closing_gate_cancels_entries_and_closes_positions_past_itself(tmp_path: Path) -> None:
    fund = Fund(tmp_path, GATED)
    fund.quote(120)
    fund.close_bar(101)
    fund.buy("a", 2, stop_loss=by(50))
    fund.buy("a", 1, limit=60)
    fund.buy("b", 1)
    fund.close_bar(100)
    assert fund.working("a") == []
    assert (fund.net("a"), fund.net("b")) == (0, 1)
    told = fund.told(ChildGated)[-1]
    assert (told.strategy, told.active, told.reason, told.closing) == ("p:a", False, "its gate is closed", 1)
    assert [fill.purpose for fill in fund.told(OrderFilled)][-1] is Purpose.CLOSE


def test_a_child_that_holds_keeps_positions_and_exits_and_may_still_get_out(tmp_path: Path) -> None:
    fund = Fund(tmp_path, GATED, hold=["a"])
    fund.quote(120)
    fund.close_bar(101)
    fund.buy("a", 2, stop_loss=by(50))
    fund.close_bar(99)
    assert fund.net("a") == 2
    assert [order.purpose for order in fund.working("a")] == [Purpose.STOP_LOSS]
    assert not fund.buy("a", 1)
    assert not fund.sell("a", "2.01")  # a hundredth would open
    assert not fund.sell("a", 1, limit=110)  # the position may be gone when its price comes
    assert fund.sell("a", 1)
    assert fund.net("a") == 1
    assert fund.close("a")
    assert fund.net("a") == 0


def test_without_hold_even_closes_are_suppressed_while_the_gate_is_closed(tmp_path: Path) -> None:
    fund = Fund(tmp_path, GATED)
    fund.quote(120)
    assert not fund.close("a")
    assert len(fund.told(SignalSuppressed)) == 2


def test_exits_of_a_child_that_is_out_still_fill(tmp_path: Path) -> None:
    fund = Fund(tmp_path, GATED, hold=["a"])
    fund.quote(120)
    fund.close_bar(101)
    fund.buy("a", 2, stop_loss=by(5))
    fund.close_bar(99)
    fund.quote(95)
    assert fund.net("a") == 0


def test_a_rule_that_was_suppressed_stays_armed(tmp_path: Path) -> None:
    fund = Fund(tmp_path, GATED)
    fund.quote(120)
    assert fund.fire("a", fund.entry("a", Side.BUY, 1)) is False


def test_an_operators_stop_wins_over_the_gate_until_it_is_taken_back(tmp_path: Path) -> None:
    fund = Fund(tmp_path, GATED)
    fund.quote(120)
    fund.close_bar(101)
    fund.buy("a", 1)
    state = fund.supervisor.of("a")
    assert state is not None
    fund.supervisor.stop(state, "kim")
    assert fund.net("a") == 0
    fund.close_bar(102)
    assert not fund.buy("a", 1)
    assert fund.told(SignalSuppressed)[-1].reason == "portfolio gate: stopped by kim"
    fund.supervisor.start_again(state)  # the gate is open: at once, not at the next candle
    assert fund.buy("a", 1)


def test_a_child_started_while_its_gate_is_closed_waits_for_it(tmp_path: Path) -> None:
    fund = Fund(tmp_path, GATED)
    fund.quote(120)
    state = fund.supervisor.of("a")
    assert state is not None
    fund.supervisor.stop(state, "kim")
    fund.supervisor.start_again(state)
    assert not state.active
    fund.close_bar(101)
    assert state.active


def test_a_child_that_raises_is_out_and_the_others_go_on(tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []

    def on_fault(child: str, problem: Exception) -> None:
        heard.append((child, str(problem)))
        fund.supervisor.fail(child, problem)

    fund = Fund(tmp_path, FIXED, on_child_fault=on_fault)
    fund.quote(120)
    fund.buy("a", 1)
    candles: list[Candle] = []
    fund.scripts["b"].candle = candles.append

    def break_down(candle: Candle) -> None:
        raise ZeroDivisionError("by zero")

    fund.scripts["a"].candle = break_down
    fund.close_bar(120)
    assert heard == [("p:a", "by zero")]
    assert len(candles) == 1
    assert fund.net("a") == 0
    assert not fund.buy("a", 1)
    assert fund.buy("b", 1)
    fund.scripts["b"].fill = lambda fill: break_down(candles[0])
    fund.buy("b", 1)
    assert heard[-1] == ("p:b", "by zero")


def test_a_child_that_raises_as_it_starts_or_ends_keeps_nobody_from_it(tmp_path: Path) -> None:
    heard: list[str] = []

    def on_fault(child: str, problem: Exception) -> None:
        heard.append(f"{child} {problem}")
        fund.session.fail_child(child, problem)

    def break_down(*_: object) -> None:
        raise ValueError("no idea")

    fund = Fund(tmp_path, FIXED, on_child_fault=on_fault)
    fund.scripts["a"].on_start = break_down  # type: ignore[method-assign]
    fund.scripts["b"].on_stop = break_down  # type: ignore[method-assign]
    fund.quote(120)
    assert fund.buy("b", 1)
    assert (heard, [state.active for state in fund.supervisor.children.values()]) == (["p:a no idea"], [False, True])
    fund.session.end()
    assert heard == ["p:a no idea", "p:b no idea"]


def test_regimes_take_the_first_true_state_else_the_default(tmp_path: Path) -> None:
    fund = Fund(tmp_path, REGIMES)
    fund.quote(120)
    shares = {}
    for price in (120, 201, 200, 49, 50):
        fund.close_bar(price)
        shares[price] = [fund.supervisor.share(f"p:{child}").factor for child in "ab"]
    mid = [Decimal("0.5"), Decimal("0.4")]
    assert shares == {120: mid, 201: [Decimal("0.75"), Decimal("0.25")], 200: mid, 49: [0, 1], 50: mid}
    told = fund.told(RegimeChosen)
    assert [(e.before, e.regime) for e in told] == [
        (None, "mid"),
        ("mid", "high"),
        ("high", "mid"),
        ("mid", "low"),
        ("low", "mid"),
    ]
    assert told[1].shares == (("a", Decimal("0.75")), ("b", Decimal("0.25")))


def test_five_children_stop_as_each_of_them_says(tmp_path: Path) -> None:
    text = "PORTFOLIO p VERSION 1\n{imports}RULES RUN a RUN b RUN c RUN d RUN e\n"
    fund = Fund(tmp_path, text, "abcde", hold="bd")
    fund.quote(100)
    for child in "abcd":
        fund.buy(child, 1, stop_loss=by(10))
    fund.sell("c", 1, symbol=GOLD, limit=130)
    left = fund.supervisor.wind_down("stopped by kim")
    assert {child: fund.net(child) for child in "abcde"} == {"a": 0, "b": 1, "c": 0, "d": 1, "e": 0}
    assert [(row.strategy, row.closed, row.held) for row in left] == [
        ("p:a", 1, 0),
        ("p:b", 0, 1),
        ("p:c", 1, 0),
        ("p:d", 0, 1),
        ("p:e", 0, 0),
    ]
    assert [order.purpose for child in "abcde" for order in fund.working(child)] == [Purpose.STOP_LOSS] * 2


def test_each_child_sees_its_own_share_of_the_capital_and_the_book_all_of_it(tmp_path: Path) -> None:
    fund = Fund(tmp_path, FIXED)
    fund.quote(100)
    fund.buy("a", 2)
    fund.quote(90)
    fund.close("a")
    a, b = (fund.scripts[child].context for child in "ab")
    assert (a.account.balance, b.account.balance) == (4980, 5000)
    assert (a.book, b.book) == (9980, 9980)
