"""What every closed candle of a stream does before rules: it sees what became of the position, feeds indicators, keeps pasts,
adds to aggregates and moves sequences on. Ticks feed their indicators directly."""

from __future__ import annotations

from collections.abc import Sequence

from qkt.indicators import REGISTRY, Feed
from qkt.lang.code import NOT, Block, Code, Guarded, all_of, name
from qkt.lang.emit import Emitter
from qkt.lang.emit_rules import gate
from qkt.lang.emit_statements import prepare
from qkt.lang.frame import Frame
from qkt.lang.module import GeneratedModule
from qkt.lang.values import STATE, Expression, Indicator, Math, Past, SinceOpen


def write_updates(frame: Frame, values: Sequence[Expression]) -> None:
    """`values` are all values of the strategy, inner before outer; those of the frame's alias are advanced in that order."""
    _observe_position(frame)
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
        elif isinstance(value, SinceOpen) and value.alias == frame.alias:
            _add(frame, value)
    frame.forget(STATE)


def _observe_position(frame: Frame) -> None:
    """What was kept for the position that was open at the last close goes when it was closed or turned; aggregates begin
    anew when one opens too."""
    module, alias = frame.module, frame.alias
    aggregates = [module.since_open(value) for value in module.aggregates if value.alias == alias]
    snapshots = [value for value in module.snapshots if value.alias == alias and value.moment == "OPEN"]
    if alias is None or not (aggregates or snapshots):
        return
    before = f"sides[{alias!r}]"
    frame.body.add(f"side = {module.side(alias).text}")
    with frame.body.suite(f"if side != {before}:"):
        if snapshots:
            with frame.body.suite(f"if {before}:"):
                for value in snapshots:
                    frame.body.add(f"{module.captured(value)} = None")
        for aggregate in aggregates:
            frame.body.add(f"{aggregate}.reset()")
        frame.body.add(f"{before} = side")


def _add(frame: Frame, value: SinceOpen) -> None:
    """An aggregate takes the value while the position is open."""
    body = frame.body
    prepare(frame, value.value)
    number = _finite(frame, value.value, Emitter(frame).number(value.value))
    with body.suite(f"if {all_of((Code('side', simple=True), *number.guards)).text}:"):
        body.add(f"{frame.module.since_open(value)}.add({number.code.text})")


def write_sequences(frame: Frame, counters: dict[str, str]) -> None:
    """Sequences on the frame's stream: all conditions are looked at, then the machine moves on. It rests while rules that
    could not act on its pulse are to see it once more."""
    warmups = {s.alias: s.warmup for s in frame.module.program.streams}
    for sequence in frame.module.program.sequences:
        if sequence.alias != frame.alias:
            continue
        machine = frame.module.sequence(sequence.name)
        outside = dict(frame.kept)
        warm = gate(sequence.mentions, sequence.alias, warmups, counters)
        ready = all_of((Code(f"not {machine}.complete", NOT), *(() if warm is None else (warm,))))
        with frame.body.suite(f"if {ready.text}:"):
            prepare(frame, *(stage.condition for stage in sequence.stages))
            emitter = Emitter(frame)
            with frame.body.suite(f"{machine}.advance("):
                frame.body.add(f"({', '.join(emitter.true(stage.condition).text for stage in sequence.stages)}),")
                frame.body.add("candle.close,")
                frame.body.add("candle.end,")
            frame.body.add(")")
        frame.kept = outside


def write_settling(block: Block, module: GeneratedModule) -> None:
    """After the rules of any close the pulses of complete sequences go."""
    for sequence in module.program.sequences:
        machine = module.sequence(sequence.name)
        with block.suite(f"if {machine}.complete:"):
            block.add(f"{machine}.settle()")


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
