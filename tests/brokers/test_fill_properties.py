"""What no model may break: stops are never better than their level, limits never worse than theirs, slippage never helps."""

from decimal import Decimal

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qkt.brokers.paper import ExecutionSettings
from qkt.core.terms import OrderKind
from tests.backtest.random_run import Plan, run_plan
from tests.backtest.test_two_speeds import EXECUTIONS

# Stops that the engine holds, a stop that the venue refused among them, are sent when they trigger: the market may have come
# back when they arrive.
ALWAYS = (OrderKind.MARKET, OrderKind.STOP)
LIMITS = (OrderKind.LIMIT, OrderKind.STOP_LIMIT, OrderKind.TRAILING_STOP_LIMIT)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(3, ExecutionSettings(latency=5000, slippage="2", reject_every=5), False, False)
@given(seed=st.integers(0, 10_000), execution=EXECUTIONS, quoted=st.booleans(), costs=st.booleans())
def test_prices_keep_what_their_kind_promises(seed: int, execution: ExecutionSettings, quoted: bool, costs: bool) -> None:
    record, _ = run_plan(Plan(seed, 2, 400, 50, quoted, execution, costs, ("1m",)), every_tick=False)
    for row in record.trades:
        if row.order_type == OrderKind.IF_TOUCHED:  # the market may jump its trigger to its favour
            continue
        if row.order_type in LIMITS:
            assert row.slippage <= 0, row
        elif not execution.latency or (row.order_type in ALWAYS and "-again-" not in row.order_id):
            assert row.slippage >= 0, row


def test_slippage_makes_the_same_fills_worse_and_no_better() -> None:
    def prices(slippage: str) -> list[tuple[int, Decimal]]:
        plan = Plan(8, 1, 600, 50, True, ExecutionSettings(slippage=slippage), False, ("1m",))
        record, _ = run_plan(plan, every_tick=False)
        return [(row.side.sign, row.price) for row in record.trades][:1]

    (sign, plain), (_, slipped) = *prices("none"), *prices("9")
    assert (slipped - plain) * sign == Decimal("0.09")
