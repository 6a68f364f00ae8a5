"""What a random trader hangs on its entries: pairs, children, hooks, pyramids, tiers, latches."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

from qkt.core.events import LatchBroken, PositionExited
from qkt.core.formula import Formula
from qkt.core.terms import OrderKind, Purpose
from qkt.strategy import (
    Confirmation,
    EnterSignal,
    ExitHooks,
    LatchSignal,
    OcoEntrySignal,
    StackLayer,
    StackPlan,
    StreamSpec,
    Tier,
)

LAYER_KINDS = [
    OrderKind.STOP,
    OrderKind.LIMIT,
    OrderKind.IF_TOUCHED,
    OrderKind.IF_TOUCHED,
    OrderKind.STOP_LIMIT,
    OrderKind.MARKET,
]
REASONS = [Purpose.STOP_LOSS, Purpose.TAKE_PROFIT, Purpose.CLOSE]


def points(pick: Random, low: int, high: int) -> Decimal:
    return Decimal(pick.randint(low, high)).scaleb(-2)


def followed(pick: Random, entry: EnterSignal, child: EnterSignal) -> EnterSignal:
    """The entry with something behind it, more often than not."""
    what = pick.random()
    if what < 0.15:
        return replace(entry, on_fill=(child,))
    if what < 0.35:
        return replace(entry, stack=_stack(pick))
    if what < 0.55:
        return replace(entry, tiers=tuple(_tier(pick) for _ in range(pick.randint(1, 3))))
    if what < 0.7:
        return replace(entry, hooks=_hooks(pick))
    if what < 0.8:
        return replace(entry, hooks=_hooks(pick), stack=_stack(pick))
    return entry


def pair(pick: Random, first: EnterSignal, second: EnterSignal) -> OcoEntrySignal:
    if pick.random() < 0.5:
        first, second = replace(first, hooks=_hooks(pick)), replace(second, hooks=_hooks(pick))
    return OcoEntrySignal(first.strategy, first.symbol, 2, first, second)


def latch(pick: Random, strategy: str, stream: StreamSpec, near: float) -> LatchSignal:
    centre = Decimal(round(near * 100)).scaleb(-2)
    confirm = pick.choice(
        [
            None,
            Confirmation("CLOSE_BEYOND"),
            Confirmation("TIME_IN_BREACH", ms=pick.choice([0, 700, 40_000])),
            Confirmation("RETEST_HOLD", ms=pick.choice([40, 3_000, 200_000]), distance=points(pick, 0, 20)),
        ]
    )
    up, down = centre + points(pick, -3, 30), centre - points(pick, -3, 30)
    return LatchSignal(
        strategy,
        stream.symbol,
        3,
        pick.randint(0, 9),
        stream.alias,
        up,
        down,
        pick.choice([5_000, 300_000, 90_000_000]),
        confirm,
    )


def told(event: LatchBroken | PositionExited) -> tuple[object, ...]:
    """What a trader writes down of it."""
    if isinstance(event, LatchBroken):
        return ("latch", event.latch, event.direction, event.level, event.time)
    return ("exit", event.hooks, event.reason, event.side, event.price, event.quantity, event.pnl, event.time)


def _hooks(pick: Random) -> ExitHooks:
    return ExitHooks(pick.randint(0, 9), frozenset(pick.sample(REASONS, pick.randint(1, 3))), "")


def _stack(pick: Random) -> StackPlan:
    return StackPlan(tuple(_layer(pick) for _ in range(pick.randint(1, 3))), pick.choice([3_000, 400_000, 86_400_000]))


def _layer(pick: Random) -> StackLayer:
    kind = pick.choice(LAYER_KINDS)
    price = None if kind is OrderKind.MARKET else _off(points(pick, -30, 30))
    limit = _off(points(pick, -30, 30)) if kind is OrderKind.STOP_LIMIT else None
    return StackLayer(Decimal(pick.choice(["0.01", "0.02", "0.005"])), kind, price, limit)


def _off(distance: Decimal) -> Formula:
    return Formula(("x", distance, "+"))


def _tier(pick: Random) -> Tier:
    recover = points(pick, 0, 20) if pick.random() < 0.6 else None
    quantity = Formula(("x", Decimal(pick.choice(["0.5", "1", "0.1"])), "*"))
    within = pick.choice([3_000, 400_000, 86_400_000])
    return Tier(points(pick, 0, 30), recover, within, quantity, points(pick, 1, 30), points(pick, 1, 30))
