"""Explanations and scenes as lines of text, for a terminal and for the dashboard alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from qkt.backtest.phrases import wrapped
from qkt.explain.life import Step, lots, price
from qkt.explain.scene import Scene
from qkt.explain.story import Against, Explained, Explanation
from qkt.lang.looking import LookedAt

VALUE = 16
"""Columns kept for the value of a term. A term that is longer than what is left stands in the rule above it."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a scene: what it is about, and its lines."""

    title: str
    lines: tuple[str, ...]


def story(found: Explanation, width: int) -> Iterator[str]:
    """Why a fill happened, from the fill back to what led to it."""
    fill = found.fill
    quantity, got = lots(Decimal(fill["quantity"])), price(Decimal(fill["price"]))
    yield f"{found.run}, fill {found.number}: {fill['side']} {quantity} {fill['symbol']} at {got}"
    yield f"  {moment(fill['timestamp'])} UTC, {fill['position_effect']}, realised {lots(Decimal(fill['realized']))}"
    yield from wrapped(_against(found.against), 2, 4, width)
    yield from _order(found.order, "Order", width)
    if found.entry is not None:
        yield from _order(found.entry, "Before it, order", width)


def sections(scene: Scene, width: int) -> Iterator[Section]:
    """What there is to see at a place of a run."""
    yield Section("Happened", tuple(_steps(scene.happened, width)) or ("nothing but the price",))
    markets = (f"{one.symbol}  {_quote(one.bid, one.ask, one.price)}" for one in scene.markets)
    bars = (
        f"{bar.stream}  to {moment(bar.end)}  "
        f"open {bar.open:.10g} high {bar.high:.10g} low {bar.low:.10g} close {bar.close:.10g}"
        for bar in scene.bars
    )
    yield Section("Market", (*markets, *bars))
    held = (
        f"{one.side} {lots(one.quantity)} {one.symbol} at {price(one.entry)} since {moment(one.opened)}, {one.profit:+,.2f}"
        for one in scene.holdings
    )
    yield Section("Positions", tuple(held) or ("flat",))
    yield Section("Orders", scene.orders or ("none works",))
    for rule in scene.rules:
        head = wrapped(rule.text, 0, 2, width)
        title = f"Rule {rule.number} of {rule.strategy}{'' if rule.armed else ', which has fired'}"
        yield Section(title, (*head, *terms(rule.terms, width)))


def terms(found: Iterable[LookedAt], width: int) -> Iterator[str]:
    """Terms with their values side by side."""
    rows = list(found)
    most = max(width - VALUE, VALUE)
    labels = [_cut("  " * term.depth + term.text, most) for term in rows]
    widest = max(map(len, labels), default=0)
    for label, term in zip(labels, rows, strict=True):
        yield f"{label:<{widest}}  {term.value if term.value is not None else 'undefined'}"


def moment(ts: int) -> str:
    """A UTC time to the second."""
    return dt.datetime.fromtimestamp(ts / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def _against(found: Against) -> str:
    if found.cost:
        meant = f"meant to get {price(found.meant)}: {price(abs(found.cost))} {'worse' if found.cost > 0 else 'better'}"
    else:
        meant = f"as it was meant to: {price(found.meant)}"
    bid, ask = (None if side is None else float(side) for side in (found.bid, found.ask))
    return f"the market stood at {_quote(bid, ask, None)}; {meant}"


def _quote(bid: float | None, ask: float | None, last: float | None) -> str:
    if bid is not None and ask is not None:
        return f"bid {bid:.10g}, ask {ask:.10g}"
    return "no quote" if last is None else f"{last:.10g}"


def _order(found: Explained, title: str, width: int) -> Iterator[str]:
    yield ""
    yield f"{title} {found.order_id}: {found.origin}"
    cause = found.cause
    if cause is not None:
        yield ""
        fired = f"Rule {cause.rule} fired at {moment(cause.at)} UTC, on the bar that ended at {moment(cause.bar)}"
        yield from wrapped(fired, 2, 4, width)
        yield from wrapped(cause.text, 4, 6, width)
        yield from (f"    {line}" for line in terms(cause.terms, width - 4))
    for name, lines in (("Size", found.sizing), ("Book", found.decisions)):
        if lines:
            yield ""
            yield f"  {name}"
            for line in lines:
                yield from wrapped(line, 4, 6, width)
    yield ""
    yield "  Life"
    yield from (f"    {line}" for line in _steps(found.life, width - 4))


def _steps(steps: Iterable[Step], width: int) -> Iterator[str]:
    for step in steps:
        lead = moment(step.at)
        for number, line in enumerate(wrapped(step.text, 0, 2, max(width - len(lead) - 2, 20))):
            yield f"{lead if number == 0 else '':<{len(lead)}}  {line}"


def _cut(label: str, most: int) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"
