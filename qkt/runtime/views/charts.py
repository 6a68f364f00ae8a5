"""Bars with what a session did in them, and equity by the minute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from qkt.portfolio import shared_name
from qkt.runtime.control.details import CandleRow, Chart
from qkt.runtime.control.errors import ControlError
from qkt.runtime.control.rows import EquityPoint
from qkt.runtime.equity import MINUTE, Sample, Samples, as_money, outlined, summed
from qkt.runtime.session import LiveSession
from qkt.runtime.views.fills import session_fills
from qkt.runtime.views.markets import forming_bar
from qkt.runtime.views.positions import digits_of, order_rows

if TYPE_CHECKING:
    from qkt.portfolio import ChildState
    from qkt.runtime.engine import Engine

FILLS = 2_000
"""Fills of a session that a chart looks through."""


def chart(live: LiveSession, wanted: str | None, limit: int, state: ChildState | None = None) -> Chart:
    """The latest bars of a stream of a session, or of one child of it with what that did. Raises ControlError for a stream that
    it has not."""
    machine = live.machine
    name = live.name if state is None else f"{live.name}/{state.child.alias}"
    child = None if state is None else state.child.alias
    whose = machine.strategy if state is None else state.child.strategy
    streams = {stream.alias: stream for stream in whose.streams}
    alias = wanted if wanted is not None else next(iter(streams))
    if alias not in streams:
        raise ControlError(f"no stream '{alias}'", where=name, expected=f"one of {', '.join(streams)}")
    stream = streams[alias]
    kept = alias if state is None else shared_name(stream)
    rows = [
        CandleRow(start=int(start), end=int(end), open=first, high=high, low=low, close=close, volume=volume)
        for start, end, first, high, low, close, volume in machine.candles.bars(kept, limit)
    ]
    forming = forming_bar(machine, kept)
    if forming is not None and limit:
        start, end, first, high, low, close, volume = forming[:7]
        rows = [
            *rows[-limit + 1 :],
            CandleRow(start=start, end=end, open=first, high=high, low=low, close=close, volume=volume, closed=False),
        ]
    since = rows[0].start if rows else 0
    return Chart(
        session=name,
        stream=alias,
        symbol=stream.symbol,
        timeframe=stream.timeframe.text,
        digits=digits_of(machine, stream.symbol) if stream.traded else None,
        candles=tuple(rows),
        fills=tuple(
            fill
            for fill in session_fills(live, FILLS)
            if fill.symbol == stream.symbol and fill.ts >= since and child in (None, fill.child)
        ),
        orders=tuple(order for order in order_rows(live) if order.symbol == stream.symbol and child in (None, order.child)),
        streams=tuple(streams),
    )


def equity_points(engine: Engine, session: str | None, since: int, most: int | None) -> Sequence[EquityPoint]:
    """Equity by the minute, drawn with at most so many points. The sessions of an engine have an account each, so without a
    session it is their sum at the minutes that all of them know."""
    return _Points(outlined(_samples(engine, session, since), most))


class _Points(Sequence[EquityPoint]):
    """Samples in the words of the control API, each made when it is asked for: a month of them takes 30 MB at once."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    @overload
    def __getitem__(self, at: int) -> EquityPoint: ...

    @overload
    def __getitem__(self, at: slice) -> _Points: ...

    def __getitem__(self, at: int | slice) -> EquityPoint | _Points:
        if isinstance(at, slice):
            return _Points(self._samples[at])
        sample = self._samples[at]
        return EquityPoint(ts=sample.ts, equity=as_money(sample.equity), balance=as_money(sample.balance))


def _samples(engine: Engine, session: str | None, since: int) -> Samples:
    if session is None:
        histories = [hosted.live.machine.history.samples for hosted in engine.hosted.values()]
        return summed([samples.since(since + -since % MINUTE) for samples in histories])
    if "/" in session:
        live, state = engine.find_child(session)
        return live.machine.children[state.child.id].samples.since(since)
    return engine.find(session).machine.history.samples.since(since)
