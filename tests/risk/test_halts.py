"""What a halt does: to working orders, to those that come, to what brings more; and how it ends."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.brokers.paper import ExecutionSettings
from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import CancelFailed, LogLine, OrderCancelled, RiskRejected
from qkt.core.terms import OrderKind, Purpose, Side
from qkt.orders import CancelOrder, OrderApproved, WithdrawOrder
from qkt.risk import Cause, Halt, Halted, HaltLifted, Halts, Lasts, LossLimits, RiskLimits
from qkt.strategy import ExitForm, OcoEntrySignal, StackLayer, StackPlan, Tier, Trail
from tests.market import Market, by
from tests.risk.test_caps import X, above


def market(**how: object) -> Market:
    made = Market(limits=RiskLimits(losses=LossLimits()), **how)  # type: ignore[arg-type]
    made.quote(100)
    return made


def halt(made: Market, lasts: Lasts = Lasts.PERSISTENT, cause: str = Cause.HALT, strategy: str | None = None) -> None:
    made.session.risk.put(Halt(cause, "lunch", lasts, made.now, strategy=strategy, author="me"))


def cancelled(made: Market) -> list[str]:
    return [event.reason for event in made.told(OrderCancelled)]  # type: ignore[attr-defined]


# ------------------------------------------------------------ working orders


def test_a_halt_takes_back_every_entry_and_leaves_every_exit() -> None:
    made = market()
    made.buy(1, stop_loss=by(10), take_profit=by(20))
    made.buy(1, limit=90)
    made.sell(5, stop=80)  # would turn the position
    made.buy(1, trail=Trail(ExitForm.BY, Decimal(5)))
    made.fire(OcoEntrySignal("script", made.symbol, None, made.entry(Side.BUY, 1, stop=120), made.entry(Side.SELL, 2, stop=80)))
    halt(made)
    assert sorted(order.purpose.value for order in made.working) == ["STOP", "TP"]
    assert set(cancelled(made)) <= {"halted: lunch", *(f"{order} was cancelled" for order in _ids(made))}
    assert len(cancelled(made)) == 5


def _ids(made: Market) -> list[str]:
    return [event.order_id for event in made.told(OrderCancelled)]  # type: ignore[attr-defined]


def test_a_halt_while_something_lasts_leaves_working_entries_and_stops_new_ones() -> None:
    made = market()
    made.buy(1, limit=90)
    halt(made, Lasts.WHILE, Cause.STORAGE)
    assert not made.buy(1, limit=90)
    made.quote(90)
    assert made.net() == 1
    made.session.risk.lift(Cause.STORAGE)
    assert made.buy(1)


def test_what_the_engine_holds_and_fires_later_is_asked_again() -> None:
    made = market()
    made.buy(1, trail=Trail(ExitForm.BY, Decimal(5)))
    halt(made, Lasts.WHILE, Cause.FEED)
    made.quote(105)
    assert (made.net(), cancelled(made)) == (0, ["blocked: lunch"])


def test_a_held_order_that_only_reduces_fires_through_a_halt() -> None:
    made = market()
    made.buy(2)
    made.sell(2, trail=Trail(ExitForm.BY, Decimal(5)))
    halt(made)
    made.quote(94)
    assert made.net() == 0


def test_an_entry_against_the_position_stays_as_long_as_there_is_something_to_reduce() -> None:
    made = market()
    made.buy(2)
    made.sell(1, limit=110)
    made.sell(1, limit=111)
    made.sell(1, limit=112)  # more than there is
    halt(made)
    assert [order.limit for order in made.working] == [110, 111]
    made.quote(110)
    assert made.net() == 1
    made.close()
    assert made.working == []
    made.quote(120)
    assert made.net() == 0


def test_layers_tiers_and_children_of_what_was_filled_before_do_not_come() -> None:
    made = market()
    layers = (StackLayer(Decimal(1), OrderKind.STOP, above("1")),)
    made.buy(1, stack=StackPlan(layers, 600_000))
    tier = Tier(Decimal(1), None, 600_000, X, Decimal(5), Decimal(5))
    made.buy(1, stop_loss=by(50), tiers=(tier,))
    halt(made)
    made.quote(103)
    assert made.net() == 2
    assert {event.reason for event in made.told(RiskRejected)} == {"halted: lunch"}  # type: ignore[attr-defined]


def test_a_fill_that_halts_protects_what_it_opened_and_takes_back_the_rest() -> None:
    """The entry whose commission breaks the limit is filled; its stop is placed before the others go."""
    from tests.market import instrument

    losses = RiskLimits(losses=LossLimits(Decimal(5)))
    made = Market(terms={"GOLD": instrument(commission_per_lot=Decimal(3))}, limits=losses)
    made.quote(100)
    made.buy(1, limit=80)
    made.buy(2, limit=90, stop_loss=by(5))
    made.quote(90)
    assert made.net() == 2
    assert [order.purpose.value for order in made.working] == ["STOP"]


def test_a_halt_of_one_strategy_leaves_the_others_alone() -> None:
    made = market()
    made.buy(1, limit=90)
    halt(made, strategy="somebody else")
    assert len(made.working) == 1
    assert made.buy(1)


# ------------------------------------------------------------- orders that come


def test_what_can_only_reduce_passes_and_is_bound_to_its_leg() -> None:
    made = market(execution=ExecutionSettings(latency=250))
    made.buy(2, stop_loss=by(5))
    made.quote(100)
    halt(made)
    assert not made.sell("2.01")
    assert made.sell(1)
    assert made.sell(1)
    asked = [event.order for event in made.told(OrderApproved)][-2:]  # type: ignore[attr-defined]
    assert [(order.purpose, order.leg_id) for order in asked] == [(Purpose.CLOSE, 1)] * 2
    made.quote(90, at=made.now + 100)  # the stop is gone to the venue before the orders arrive there
    made.quote(90)
    made.quote(90)
    assert made.net() == 0
    assert made.working == []


def test_a_close_passes_every_cap_and_every_halt() -> None:
    made = market()
    for _ in range(5):
        made.buy(90)
    halt(made)
    made.close()
    assert made.net() == 0


# ----------------------------------------------------------- cancels that fail


def test_a_cancel_that_failed_is_tried_again_with_pauses_that_double() -> None:
    made = market()
    made.buy(1, limit=90)
    (order,) = made.working
    asked: list[int] = []
    channel = made.session.scope._channels[CancelOrder].handlers

    def refuse(command: CancelOrder) -> None:
        asked.append(made.session._clock.time)
        made.session.scope.publish(CancelFailed(command.order.id, "script", made.symbol, "busy"))

    venue, channel[:] = channel[:], [refuse]
    halt(made)
    began = made.now
    for _ in range(70):
        made.quote(100)
    assert [(at - began) // 1000 for at in asked] == [0, 1, 3, 7, 15, 31, 61]
    levels = [event.level for event in made.told(LogLine)]  # type: ignore[attr-defined]
    assert levels == ["WARN", "WARN", "ERROR", "ERROR", "ERROR", "ERROR", "ERROR"]
    channel[:] = venue
    for _ in range(30):
        made.quote(100)
    assert not order.live


def test_a_cancel_that_failed_is_not_tried_again_once_the_halt_is_over() -> None:
    made = market()
    made.buy(1, limit=90)
    halt(made)
    made.session.scope.publish(CancelFailed("ORD-0", "script", made.symbol, "too late"))
    made.session.risk.resume("me", "on")
    before = len(made.told(WithdrawOrder))
    for _ in range(5):
        made.quote(100)
    assert len(made.told(WithdrawOrder)) == before


# ------------------------------------------------------------------- as state


@pytest.fixture
def halts() -> Halts:
    return Halts(EventBus(EventClock(5)).scope("x"))


def a_halt(lasts: Lasts, reason: str = "r", cause: str = "c", strategy: str | None = None) -> Halt:
    return Halt(cause, reason, lasts, 5, 100 if lasts is Lasts.DAILY else None, strategy)


def test_the_first_of_a_cause_stays_unless_the_new_one_lasts_longer(halts: Halts) -> None:
    assert halts.put(a_halt(Lasts.DAILY, "first"))
    assert not halts.put(a_halt(Lasts.DAILY, "second"))
    assert halts.put(a_halt(Lasts.PERSISTENT, "third"))
    assert not halts.put(a_halt(Lasts.DAILY, "fourth"))
    assert [halt.reason for halt in halts] == ["third"]
    assert [(span.halt.reason, span.lifted) for span in halts.history] == [("first", 5), ("third", None)]


def test_the_halt_that_binds_is_the_one_that_lasts_longest(halts: Halts) -> None:
    halts.put(a_halt(Lasts.WHILE, cause="w"))
    halts.put(a_halt(Lasts.DAILY, cause="d", strategy="a"))
    halts.put(a_halt(Lasts.PERSISTENT, cause="p", strategy="b"))
    bound = [halt.cause for name in ("a", "b", "c", None) if (halt := halts.over(name)) is not None]
    assert bound == ["d", "p", "w", "w"]


def test_a_halt_ends_with_its_day_and_says_so(halts: Halts) -> None:
    heard: list[object] = []
    halts._scope.subscribe(Halted, heard.append)
    halts._scope.subscribe(HaltLifted, heard.append)
    halts.put(a_halt(Lasts.DAILY))
    halts.expire(99)
    assert (len(halts), halts.due) == (1, 100)
    halts.expire(100)
    assert [type(event).__name__ for event in heard] == ["Halted", "HaltLifted"]
    assert len(halts) == 0


def test_resume_clears_what_an_operator_may_clear_and_lists_it() -> None:
    made = market()
    halt(made)
    halt(made, cause=Cause.DRAWDOWN, strategy="script")
    halt(made, Lasts.WHILE, Cause.FEED)
    cleared = made.session.risk.resume("you", "lunch is over")
    assert [(one.cause, one.strategy) for one in cleared] == [("operator", None), ("drawdown", "script")]
    assert [one.cause for one in made.session.risk.halts] == ["feed"]
    assert [(span.by, span.why) for span in made.session.risk.halts.history] == [("you", "lunch is over")] * 2 + [(None, None)]


def test_a_limit_that_is_still_broken_halts_again_with_the_next_tick() -> None:
    made = Market(limits=RiskLimits(losses=LossLimits(Decimal(5))))
    made.quote(100)
    made.buy(1)
    made.quote(94)
    made.close()
    risk = made.session.risk
    assert risk.standing() == ["daily loss 6.00000000 exceeds max 5"]
    risk.resume("me", "try")
    assert len(risk.halts) == 0
    made.quote(94)
    assert [halt.cause for halt in risk.halts] == ["daily loss"]


def test_a_rule_that_fails_three_times_in_a_row_halts_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Market(limits=RiskLimits(losses=LossLimits(Decimal(5), max_drawdown_pct=Decimal(50))))
    made.quote(100)
    rule = made.session.risk.rules[0]
    broken = lambda: 1 / 0  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr(rule, "breach", broken)
        made.quote(100)
        made.quote(100)
    made.quote(100)  # in between all is well
    monkeypatch.setattr(rule, "breach", broken)
    made.quote(100)
    made.quote(100)
    assert len(made.session.risk.halts) == 0
    made.quote(100)
    (found,) = made.session.risk.halts
    assert (found.cause, found.lasts, found.strategy) == ("rule failure", "PERSISTENT", None)
    assert found.reason.startswith("a risk rule failed 3 times in a row, last with ZeroDivisionError")
