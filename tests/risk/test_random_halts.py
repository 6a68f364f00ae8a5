"""Whatever happens in whatever market: a cap holds while something halts and lifts, and from any state there is a way out."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.brokers.paper import ExecutionSettings
from qkt.core.terms import Side
from qkt.risk import Cause, Halt, Lasts, LossLimits, OrderLimits, RiskLimits, StrategyLimits
from tests.market import GOLD, SILVER, Market
from tests.risk.test_random_orders import CAP, LARGEST, Trader

ENTRIES, SYMBOLS, LOSS = 12, 1, Decimal(15)


class Halted(Trader):
    """Trades on under every limit there is, while halts come and go. `latency` is that of its venue (ms)."""

    def __init__(self, seed: int, latency: int) -> None:
        super().__init__(seed)
        limits = RiskLimits(
            OrderLimits(max_quantity=LARGEST, max_account_position=CAP),
            LossLimits(LOSS, Decimal("0.14"), Decimal("0.1")),
            drawdown_basis="trailing",
            every_strategy=StrategyLimits(
                LossLimits(LOSS),
                CAP,
                SYMBOLS,
                ENTRIES,
                cooldown_ms=3_000,
                loss_streak_halt=4,
                loss_streak_halt_scope="daily",
                runaway_round_trips=6,
            ),
        )
        self.market = Market(GOLD, SILVER, limits=limits, execution=ExecutionSettings(latency=latency))
        for symbol in self.prices:
            self.market.quote(100, 100, symbol=symbol)

    def step(self) -> None:
        risk, what = self.market.session.risk, self.pick.random()
        if what < 0.04:
            lasts = self.pick.choice([Lasts.PERSISTENT, Lasts.WHILE])
            risk.put(Halt(self.pick.choice([Cause.HALT, Cause.FEED]), "r", lasts, self.market.now))
        elif what < 0.1:
            risk.lift(Cause.FEED)
            risk.resume("me", "on")
        else:
            super().step()

    def exposed(self) -> dict[tuple[str, Side], Decimal]:
        return {(symbol, side): self.held(symbol, side) for symbol in (GOLD, SILVER) for side in Side}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0, 0, 1_500]))
def test_no_cap_is_broken_and_nothing_grows_while_it_is_halted(seed: int, latency: int) -> None:
    trader = Halted(seed, latency)
    market, risk = trader.market, trader.market.session.risk
    for _ in range(60):
        before, halted = trader.exposed(), risk.halts.over("script")
        known = {order.id for order in market.working}
        trader.step()
        after = trader.exposed()
        assert all(lots <= CAP for lots in after.values())
        # Latency lets two symbols fill that were asked for while the other was on its way: both are counted as working.
        assert len(market.books.strategies["script"].open_books()) <= SYMBOLS
        if halted is not None and risk.halts.over("script") is halted and not latency:
            grown = [key for key, lots in after.items() if lots > before[key]]
            assert not grown or halted.entry_only
            fresh = [order for order in market.working if order.id not in known and not order.reduce_only]
            held = market.books.strategies["script"]
            assert all(held.book(order.symbol).primary is not None for order in fresh)
    assert max(market.books.strategies["script"].entries_by_day.values(), default=0) <= ENTRIES
    for row in market.books.trades:
        assert row.opened <= LARGEST


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0, 1_500]), st.booleans())
def test_from_any_state_one_flatten_ends_flat(seed: int, latency: int, killed: bool) -> None:
    trader = Halted(seed, latency)
    for _ in range(40):
        trader.step()
    market = trader.market
    if killed:
        market.session.risk.put(Halt(Cause.KILL, "operator kill", Lasts.PERSISTENT, market.now))
    market.session.way_out.take("flat", "flattened")
    for symbol, price in list(trader.prices.items()) * (4 if latency else 1):
        market.quote(price, price, symbol=symbol)
    assert all(not lots for lots in trader.exposed().values())
    assert all(order.reduce_only for order in market.working)


def test_the_random_traders_are_halted_and_go_on() -> None:
    causes: set[str] = set()
    lifted = 0
    for seed in range(15):
        trader = Halted(seed, 0)
        for _ in range(60):
            trader.step()
        history = trader.market.session.risk.halts.history
        causes |= {span.halt.cause for span in history}
        lifted += sum(span.lifted is not None for span in history)
    assert causes >= {"operator", "feed", "daily loss", "drawdown", "daily drawdown"}
    assert lifted > 20
