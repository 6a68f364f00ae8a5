"""The books always add up: random fills of several strategies into every kind of leg, and books that were tampered with."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.brokers.paper import ExecutionSettings
from qkt.core.errors import LedgerError
from qkt.core.events import VenueCost
from qkt.core.terms import CostKind, LegRole, Side
from tests.backtest.random_run import Plan, run_plan
from tests.ledger.bench import Bench
from tests.market import instrument

DAY = 86_400_000
COSTLY = {
    "contract_size": Decimal(100),
    "commission_per_lot": Decimal("3.33333333"),
    "swap_long_points": Decimal("-1.7"),
    "swap_short_points": Decimal("0.3"),
}


def wander(bench: Bench, seed: int, steps: int, strategies: tuple[str, ...]) -> None:
    """Random fills, prices and nights. The bench audits its books after each."""
    pick = random.Random(seed)
    bench.price(100)
    part: tuple[str, str, Side] | None = None  # an order that may fill further
    for number in range(steps):
        price = Decimal(pick.randint(500, 15_000)).scaleb(-2)
        strategy = pick.choice(strategies)
        legs = list(bench.books.strategies[strategy].book(bench.symbol))
        side, lots = pick.choice(list(Side)), Decimal(pick.randint(1, 300)).scaleb(-2)
        what = pick.random()
        if what < 0.25 and legs:
            leg = pick.choice(legs)
            bench.fill(leg.side.opposite, min(lots, leg.quantity), price, strategy=strategy, leg=leg.id)
        elif what < 0.5:
            whole = pick.random() < 0.5
            owner, order, side = part or (strategy, f"order {number}", side)
            bench.fill(side, lots, price, strategy=owner, role=LegRole.STACK, order=order, complete=whole)
            part = None if whole else (owner, order, side)
        elif what < 0.6:
            bench.price(price)
        elif what < 0.65:
            bench.until(bench.clock.time + DAY)
        else:
            billed = (VenueCost(pick.choice(list(CostKind)), price.scaleb(-3)),) if pick.random() < 0.3 else None
            bench.fill(side, lots, price, strategy=strategy, costs=billed, risk=pick.choice([None, 2]))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), currency=st.sampled_from(["USD", "EUR"]))
def test_every_identity_holds_after_every_event(seed: int, currency: str) -> None:
    names = ("a", "b", "c")
    bench = Bench(*names, terms={"GOLD": instrument(**COSTLY)}, currency=currency, markets=("SIM:EURUSD",))
    bench.price("1.07", "1.09", symbol="SIM:EURUSD")
    wander(bench, seed, 60, names)
    realized = sum(book.realized for book in bench.books.strategies.values())
    rows = sum(row.realized for row in bench.books.trades) + sum(row.amount for row in bench.books.financing)
    assert realized == rows


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_strategies_and_account_agree_on_the_total(seed: int) -> None:
    """The split differs, the sum does not, but for the eighth decimals of averages."""
    names = ("a", "b")
    bench = Bench(*names, terms={"GOLD": instrument(**COSTLY)})
    wander(bench, seed, 50, names)
    account = bench.books.account.get(bench.symbol)
    if account is None:
        return
    last = Decimal(str(bench.board.last(bench.symbol)))
    of_account = bench.books.realized + (last - account.average) * account.quantity * 100
    of_strategies = sum(book.realized for book in bench.books.strategies.values()) + bench.books.unrealized()
    assert abs(of_account - of_strategies) < Decimal("0.01")


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lambda bench: bench.books.strategies["a"].add(Decimal("0.00000001")), "realized of a and the sum of its rows"),
        (lambda bench: setattr(leg_of(bench), "quantity", Decimal(3)), "legs of a on SIM:GOLD and its net position"),
        (lambda bench: setattr(leg_of(bench), "swap", Decimal(1)), "realized of a and the sum of its legs"),
        (lambda bench: setattr(leg_of(bench), "entry", Decimal("100.0001")), "cash of a on SIM:GOLD is off by 0.0001"),
        (lambda bench: setattr(bench.books, "fees", Decimal(1)), "total fees and the sum of the rows"),
        (lambda bench: bench.books.account[bench.symbol].apply(Decimal(1), Decimal(1), 0), "account position in SIM:GOLD"),
    ],
)
def test_books_that_do_not_add_up_are_found_out(break_it, sentence) -> None:  # type: ignore[no-untyped-def]
    bench = Bench("a", "b")
    bench.buy(1, 100)
    break_it(bench)
    with pytest.raises(LedgerError, match=sentence):
        bench.buy(1, 100, strategy="b")


def leg_of(bench: Bench):  # type: ignore[no-untyped-def]
    return bench.books.strategies["a"].book(bench.symbol).primary


def test_the_environment_asks_for_the_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.market import Market

    monkeypatch.delenv("QKT_DEBUG_LEDGER", raising=False)
    assert Market().books.audit is None
    monkeypatch.setenv("QKT_DEBUG_LEDGER", "1")
    assert Market().books.audit is not None


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_symbols_that_are_only_watched_change_nothing(seed: int) -> None:
    plan = Plan(seed, 1, 300, 50, True, ExecutionSettings(), True, ("1m",))
    alone, _ = run_plan(plan, every_tick=False)
    among, _ = run_plan(plan, every_tick=False, watched=2)
    assert (alone.trades, alone.round_trips, alone.financing) == (among.trades, among.round_trips, among.financing)
