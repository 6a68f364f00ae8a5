"""What a run does with what is still open when its data ends."""

from decimal import Decimal

import numpy as np
import pytest

from qkt.backtest.caveats import caveats
from qkt.backtest.metrics import measure
from qkt.backtest.record import RunRecord
from qkt.backtest.runner import run
from qkt.brokers.paper import ExecutionSettings
from qkt.core.events import OrderFilled
from qkt.core.instruments import InstrumentRegistry
from qkt.core.terms import OrderKind, Side
from qkt.data import TickTable
from qkt.engine import SessionSettings
from qkt.strategy import BracketSpec, EnterSignal
from tests.backtest.random_run import START, Memory, Plan, run_plan
from tests.market import GOLD, Script, at, instrument

TERMS = {"commission_per_lot": Decimal(2), "slippage_points": Decimal(5)}


class Holder(Script):
    """Buys on the first candle with wide exits, leaves a limit in the book, and tries to trade on what it hears later."""

    def __init__(self) -> None:
        super().__init__(GOLD)
        self.heard: list[OrderFilled] = []
        self.candle = lambda candle: self.act()
        self.fill = self.heard.append  # type: ignore[assignment]

    def act(self) -> None:
        if not self.heard:
            bracket = BracketSpec(at(50), at(150))
            market = EnterSignal("script", GOLD, None, Side.BUY, Decimal(1), None, bracket=bracket)
            limit = EnterSignal("script", GOLD, None, Side.BUY, Decimal(1), None, OrderKind.LIMIT, limit=Decimal(80))
            self.context.fire(None, [market, limit])


def held(*, every_tick: bool = False, **values: object) -> tuple[RunRecord, Holder]:
    mids = np.array([100.0, 100.0, 103.0, 107.0])
    ts = START + np.array([0, 60_000, 90_000, 150_500])
    source = Memory("GOLD", TickTable(ts, mids, mids - 0.5, mids + 0.5), 100)
    registry = InstrumentRegistry.standard().with_layer({"GOLD": instrument(**TERMS)})
    settings = SessionSettings(instruments=registry, execution=ExecutionSettings.of(**values))  # type: ignore[arg-type]
    holder = Holder()
    return run(holder, {GOLD: source}, settings, every_tick=every_tick), holder


def test_marked_positions_stay_open_and_the_curve_ends_at_the_last_tick() -> None:
    record, _ = held()
    assert [leg.quantity for leg in record.open_positions] == [1]
    assert (record.realized, record.unrealized) == (-2, Decimal("6.45"))
    assert (record.equity_times[0], record.equity_times[-1]) == (START, START + 150_500)
    assert (record.equity_values[0], record.equity_values[-1]) == (10_000, 10_004.45)
    assert record.unfinished_bars == 1
    assert {order.purpose for order in record.working_orders} == {"ENTRY", "STOP", "TP"}


@pytest.mark.parametrize("latency", [0, 700])
def test_closed_positions_pay_what_any_close_pays_and_leave_what_was_not_done(latency: int) -> None:
    record, holder = held(end="close", latency=latency)
    entry, exit_ = record.trades
    assert (exit_.purpose, exit_.timestamp, exit_.price) == ("END_OF_DATA", START + 150_500, Decimal("106.45"))
    assert (entry.commission, exit_.commission) == (2, 2)
    assert record.open_positions == []
    assert record.unrealized == 0
    assert record.equity_values[-1] == float(record.balance + record.realized)
    assert [order.purpose for order in record.working_orders] == ["ENTRY"]
    assert len(holder.heard) == 1


def test_what_the_end_closed_does_not_count_among_the_closed_trades() -> None:
    record, _ = held(end="close")
    metrics = measure(record)
    assert (metrics.closed_trades, metrics.wins, metrics.win_rate) == (0, 0, None)
    assert metrics.total_pnl == record.realized != 0
    assert record.round_trips[0].exit_reason == "END_OF_DATA"
    assert any("because the data ended" in text for text in caveats(record, metrics))


def test_rejections_and_latency_do_not_keep_a_position_open() -> None:
    record, _ = held(end="close", reject_every=5, latency=5_000)
    assert record.open_positions == []


def test_both_speeds_close_alike() -> None:
    plan = Plan(20, 3, 700, 50, True, ExecutionSettings(end="close", latency=250), True, ("1m",))
    fast, _ = run_plan(plan, every_tick=False)
    slow, _ = run_plan(plan, every_tick=True)
    assert fast.trades == slow.trades
    assert fast.trades[-1].purpose == "END_OF_DATA"
    assert fast.open_positions == slow.open_positions == []
    assert fast.equity_values == slow.equity_values
