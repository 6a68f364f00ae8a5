"""What every closed candle of a stream does before rules: it feeds indicators and keeps pasts. Ticks feed theirs directly."""

from __future__ import annotations

from collections.abc import Sequence

from qkt.indicators import REGISTRY, Feed
from qkt.lang.code import Code, Guarded, all_of, name
from qkt.lang.emit import Emitter
from qkt.lang.emit_statements import prepare
from qkt.lang.frame import Frame
from qkt.lang.values import Expression, Indicator, Math, Past


def write_updates(frame: Frame, values: Sequence[Expression]) -> None:
    """`values` are all values of the strategy, inner before outer; those of the frame's alias are advanced in that order."""
    kept: set[Expression] = set()
    for value in values:
        if isinstance(value, Indicator) and value.alias == frame.alias:
            if REGISTRY[value.name].feed is Feed.TICK:
                frame.module.feed_ticks(value)
            else:
                _feed(frame, value)
        elif isinstance(value, Past) and value.alias == frame.alias:
            if value.value not in kept:
                kept.add(value.value)
                _push(frame, value)
            frame.read_past(value, frame.body)


def _feed(frame: Frame, value: Indicator) -> None:
    instance = frame.module.indicator(value)
    local, feed = f"{instance}_value", f"feed_{instance}"
    spec = REGISTRY[value.name]
    if spec.feed is Feed.CANDLE:
        frame.body.add(f"{local} = {feed}(candle)")
    elif spec.feed is Feed.CONDITION:
        _feed_condition(frame, value, local, feed, instance)
    else:
        prepare(frame, *value.series)
        emitter = Emitter(frame)
        series = [_finite(frame, one, emitter.number(one)) for one in value.series]
        listed = ", ".join(one.code.text for one in series)
        fed = f"{feed}(({listed}))" if spec.feed is Feed.MULTI else f"{feed}({listed})"
        guards = all_of(guard for one in series for guard in one.guards)
        kept = "" if not any(one.guards for one in series) else f" if {guards.text} else {instance}.value"
        frame.body.add(f"{local} = {fed}{kept}")
    frame.fed(value)


def _finite(frame: Frame, value: Expression, number: Guarded) -> Guarded:
    """Arithmetic may overflow; what is not finite is not fed."""
    if not isinstance(value, Math):
        return number
    given = frame.temporary()
    return Guarded((*number.guards, Code(f"isfinite({given} := {number.code.text})")), name(given))


def _feed_condition(frame: Frame, value: Indicator, local: str, feed: str, instance: str) -> None:
    (condition,) = value.series
    prepare(frame, condition)
    text = Emitter(frame).value(condition).text
    given = frame.temporary()
    frame.body.add(f"{given} = {text}")
    frame.body.add(f"{local} = {feed}({given}) if {given} is not None else {instance}.value")


def _push(frame: Frame, value: Past) -> None:
    prepare(frame, value.value)
    queue, _ = frame.module.past(value)
    text = Emitter(frame).value(value.value).text
    frame.body.add(f"{queue}.append({text})")
