"""Whatever is asked for in whatever market, what was let through never comes to more than the caps."""

from __future__ import annotations

import random
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.core.events import RiskRejected
from qkt.core.formula import Formula
from qkt.core.numbers import total
from qkt.core.terms import OrderKind, Side
from qkt.risk import OrderLimits, RiskLimits, StrategyLimits
from qkt.strategy import EnterSignal, OcoEntrySignal, StackLayer, StackPlan, Tier
from tests.market import GOLD, SILVER, Market, by

CAP, LARGEST = Decimal(5), Decimal(3)
X = Formula(("x",))


class Trader:
    """Fires entries of every form at random."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)
        orders = OrderLimits(max_quantity=LARGEST, max_account_position=CAP)
        limits = RiskLimits(orders, every_strategy=StrategyLimits(max_position=CAP, runaway_round_trips=1_000))
        self.market = Market(GOLD, SILVER, limits=limits)
        self.prices = {GOLD: 100.0, SILVER: 100.0}
        for symbol in self.prices:
            self.market.quote(100, 100, symbol=symbol)

    def lots(self) -> Decimal:
        return Decimal(self.pick.randint(1, 35)).scaleb(-1)

    def entry(self, depth: int = 0) -> EnterSignal:
        pick = self.pick
        side, symbol = pick.choice(list(Side)), pick.choice([GOLD, GOLD, SILVER])
        kind = pick.choice(["market", "limit", "stop"])
        level = round(self.prices[symbol] + pick.uniform(-6, 6), 2)
        follows: dict[str, object] = {}
        form = pick.random()
        if form < 0.15:
            layers = tuple(
                StackLayer(self.lots(), OrderKind.IF_TOUCHED, Formula(("x", Decimal(pick.randint(-4, 4) or 1), "+")))
                for _ in range(pick.randint(1, 3))
            )
            follows["stack"] = StackPlan(layers, 600_000)
        elif form < 0.3:
            recover = pick.choice([None, Decimal(1)])
            follows["tiers"] = (Tier(Decimal(pick.randint(1, 3)), recover, 600_000, X, Decimal(3), Decimal(3)),)
        elif form < 0.45 and depth < 2:
            follows["on_fill"] = (self.entry(depth + 1),)
        return self.market.entry(
            side,
            self.lots(),
            symbol=symbol,
            limit=level if kind == "limit" else None,
            stop=level if kind == "stop" else None,
            stop_loss=by(pick.randint(1, 5)) if pick.random() < 0.6 else None,
            take_profit=by(pick.randint(1, 5)) if pick.random() < 0.4 else None,
            **follows,
        )

    def step(self) -> None:
        pick, market = self.pick, self.market
        what = pick.random()
        if what < 0.35:
            market.fire(self.entry())
        elif what < 0.45:
            first, second = self.entry(2), self.entry(2)
            market.fire(OcoEntrySignal("script", first.symbol, None, first, second))
        elif what < 0.5:
            market.close(pick.choice([GOLD, SILVER]))
        else:
            symbol = pick.choice([GOLD, SILVER])
            self.prices[symbol] = max(50.0, self.prices[symbol] + pick.choice([-4, -1, -0.5, 0.5, 1, 4]))
            market.quote(self.prices[symbol], self.prices[symbol], symbol=symbol)

    def held(self, symbol: str, side: Side) -> Decimal:
        return total(leg.quantity for leg in self.market.books.strategies["script"].book(symbol) if leg.side is side)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_no_order_that_was_let_through_breaks_a_cap(seed: int) -> None:
    trader = Trader(seed)
    for _ in range(60):
        trader.step()
        for symbol in (GOLD, SILVER):
            for side in Side:
                assert trader.held(symbol, side) <= CAP
    for row in trader.market.books.trades:
        assert row.opened <= LARGEST


def test_the_random_traders_do_trade_and_do_hit_the_caps() -> None:
    rejected, filled = 0, 0
    for seed in range(20):
        trader = Trader(seed)
        for _ in range(60):
            trader.step()
        rejected += len(trader.market.told(RiskRejected))
        filled += len(trader.market.books.trades)
    assert rejected > 50
    assert filled > 200
