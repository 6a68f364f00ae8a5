"""Jumping from event to event and stepping through every tick are the same run, to the last bit."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qkt.backtest.record import Timing
from qkt.brokers.paper import ExecutionSettings
from qkt.risk import LossLimits, RiskLimits, StrategyLimits
from tests.backtest.random_limits import LIMITS, UNHURRIED
from tests.backtest.random_run import Plan, run_plan

EXECUTIONS = st.builds(
    ExecutionSettings,
    latency=st.sampled_from([0, 0, 1, 250, 5_000]),
    cancel_latency=st.sampled_from([None, None, 0, 900]),
    modify_latency=st.sampled_from([None, None, 0, 400]),
    slippage=st.sampled_from(["instrument", "none", "2", "0..5", "impact:0.4"]),
    seed=st.integers(0, 3),
    spread=st.sampled_from(["instrument", "observed", "3", "00:00=2,10:30=7"]),
    limits=st.sampled_from(["touch", "through", "through:2"]),
    limit_chance=st.sampled_from([1.0, 1.0, 0.5]),
    partial=st.sampled_from(["none", "none", "0.5", "depth"]),
    reject_every=st.sampled_from([0, 0, 5]),
    skip_chance=st.sampled_from([0.0, 0.0, 0.3]),
    stop_distance=st.booleans(),
    end=st.sampled_from(["mark", "close"]),
)

PLANS = st.builds(
    Plan,
    seed=st.integers(0, 10_000),
    symbols=st.integers(1, 3),
    ticks=st.integers(2, 500),
    rows_per_table=st.sampled_from([7, 50, 333, 100_000]),
    quoted=st.booleans(),
    execution=st.one_of(st.sampled_from([ExecutionSettings(), ExecutionSettings(fills="mid")]), EXECUTIONS),
    costs=st.booleans(),
    timeframes=st.sampled_from([("1m",), ("1m", "5m"), ("10s", "1h"), ("1w", "3m", "1m")]),
    currency=st.sampled_from(["USD", "USD", "EUR"]),
    limits=st.one_of(st.just(UNHURRIED), LIMITS),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PLANS)
def test_both_speeds_see_and_do_the_same(plan: Plan) -> None:
    fast, fast_saw = run_plan(plan, every_tick=False)
    slow, slow_saw = run_plan(plan, every_tick=True)
    assert (fast.replay, slow.replay) == ("fast", "every-tick")
    assert fast_saw == slow_saw
    same = {"replay": "", "timing": Timing(0, 0)}
    assert replace(fast, **same) == replace(slow, **same)


def test_the_random_runs_do_trade() -> None:
    """The property would be empty if nothing happened in them."""
    plan = Plan(3, 2, 4_000, 333, True, ExecutionSettings(), True, ("1m", "5m"))
    record, _ = run_plan(plan, every_tick=False)
    kinds = {row.order_type for row in record.trades}
    assert kinds >= {"Market", "Limit", "Stop", "StopLimit", "TrailingStop", "TrailingStopLimit"}
    assert kinds >= {"ArmedTrailingStop", "SteppedStop", "TimeTighteningStop"}
    assert len(record.round_trips) > 30
    assert record.swap != 0
    assert {row.purpose for row in record.trades} >= {"ENTRY", "STOP", "TP", "CLOSE"}


def test_the_random_runs_do_halt() -> None:
    """For the day and for good, by every rule of losses, and they go on after a day."""
    losses = LossLimits(Decimal("0.5"), Decimal("0.05"), Decimal("0.01"))
    causes, lifted = set(), 0
    for seed, basis in enumerate(["static", "trailing", "static"]):
        limits = RiskLimits(
            losses=losses,
            drawdown_basis=basis,  # type: ignore[arg-type]
            every_strategy=StrategyLimits(
                losses, loss_streak_halt=3, loss_streak_halt_scope="daily", runaway_round_trips=5, runaway_rejections=100
            ),
        )
        plan = Plan(seed, 2, 4_000, 333, True, ExecutionSettings(), True, ("1m",), limits=limits)
        record, _ = run_plan(plan, every_tick=False)
        causes |= {span.halt.cause for span in record.halts}
        lifted += sum(span.lifted is not None for span in record.halts)
    assert causes == {"daily loss", "drawdown", "daily drawdown", "loss streak", "round trips"}
    assert lifted > 5


def test_two_runs_are_the_same_run() -> None:
    plan = Plan(11, 3, 800, 100, True, ExecutionSettings(), True, ("1m",))
    first, first_saw = run_plan(plan, every_tick=False)
    second, second_saw = run_plan(plan, every_tick=False)
    assert first_saw == second_saw
    assert replace(first, timing=Timing(0, 0)) == replace(second, timing=Timing(0, 0))


def test_the_random_runs_do_convert() -> None:
    record, _ = run_plan(Plan(5, 2, 2_000, 333, True, ExecutionSettings(), True, ("1m",), "EUR"), every_tick=False)
    assert {row.fx_rate == 1 for row in record.trades} == {False}
    assert record.conversions[0].source == "SIM:EURUSD"


def test_the_random_runs_use_orders_that_bring_orders() -> None:
    """Which seed brings what changes with every draw that is added; that some seed does must not."""
    wanted = {"entry", "l2", "l3", "latch", "exit", "IfTouched"}
    for seed in range(40):
        record, saw = run_plan(Plan(seed, 2, 1_500, 333, True, ExecutionSettings(), True, ("1m", "5m")), every_tick=False)
        wanted -= {row.order_id.rpartition("-")[2] for row in record.trades}
        wanted -= {seen[0] for seen in saw if isinstance(seen, tuple)}
        wanted -= {row.order_type for row in record.trades}
        if not wanted:
            break
    assert wanted == set()
