"""Rules: the warm-up gate, the condition, the edge; and the functions that act when a rule fires."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

from qkt.lang.code import AND, COMPARE, NOT, Block, Code, all_of
from qkt.lang.deeds import Deed, deed_values
from qkt.lang.emit import Emitter
from qkt.lang.emit_deeds import deed_text
from qkt.lang.emit_statements import prepare
from qkt.lang.frame import Frame
from qkt.lang.module import GeneratedModule
from qkt.lang.program import CheckedRule
from qkt.lang.values import SequenceRead, below

LONGEST_COMMENT = 300
LONGEST_TEST = 90


def comment(text: str) -> str:
    return "# " + (text if len(text) <= LONGEST_COMMENT else text[: LONGEST_COMMENT - 1] + "…")


# ---------------------------------------------------------------- conditions


def write_rules(frame: Frame, rules: Sequence[CheckedRule], counters: dict[str, str]) -> None:
    """The rules of one anchor in their order; neighbours that wait for the same bars share the gate."""
    warmups = {s.alias: s.warmup for s in frame.module.program.streams}
    at = 0
    while at < len(rules):
        open_when = _gate(rules[at], warmups, counters)
        together = [rules[at]]
        while at + len(together) < len(rules) and _gate(rules[at + len(together)], warmups, counters) == open_when:
            together.append(rules[at + len(together)])
        at += len(together)
        if open_when is None:
            for rule in together:
                _write_rule(frame, rule)
        else:
            with frame.body.suite(f"if {open_when}:"):
                for rule in together:
                    _write_rule(frame, rule)


def waits_for(mentions: Iterable[str], anchor: str, warmups: dict[str, int]) -> list[str]:
    """The aliases whose bars must be counted: the candle at hand is the first bar of the anchor already."""
    return [alias for alias in mentions if warmups[alias] > (alias == anchor)]


def gate(mentions: Iterable[str], anchor: str, warmups: dict[str, int], counters: dict[str, str]) -> Code | None:
    """Whether everything mentioned has seen its bars, None when nothing has to be waited for."""
    tests = [Code(f"{counters[alias]} >= {warmups[alias]}", COMPARE) for alias in waits_for(mentions, anchor, warmups)]
    return all_of(tests) if tests else None


def _gate(rule: CheckedRule, warmups: dict[str, int], counters: dict[str, str]) -> str | None:
    test = gate(rule.mentions, rule.anchor, warmups, counters)
    return None if test is None else test.text


def _write_rule(frame: Frame, rule: CheckedRule) -> None:
    body, index = frame.body, rule.index
    body.add(comment(f"rule {index}: {rule.text}"))
    outside = dict(frame.kept)
    prepare(frame, rule.condition)
    with _test(body, Emitter(frame).true(rule.condition)), body.suite(f"if not fired[{index}]:"):
        _write_fire(frame, rule)
    with body.suite("else:"):
        body.add(f"fired[{index}] = False")
    frame.kept = outside


def _write_fire(frame: Frame, rule: CheckedRule) -> None:
    """Fire. The pulse of a sequence that the condition reads stays once more when the whole firing was suppressed, though not
    when the venue refused it."""
    body, index = frame.body, rule.index
    pulses = [
        frame.module.sequence(value.sequence)
        for value in below(rule.condition)
        if isinstance(value, SequenceRead) and value.field == "complete"
    ]
    if pulses:
        body.add(f"refused[{index}] = False")
    body.add(f"fired[{index}] = fire_{index}({frame.argument})")
    if pulses:
        with body.suite(f"if not (fired[{index}] or refused[{index}]):"):
            for pulse in pulses:
                body.add(f"{pulse}.held = {pulse}.complete")


def _test(body: Block, test: Code) -> AbstractContextManager[None]:
    """The head of an `if`; a long conjunction takes a line for each of its parts."""
    if test.rank != AND or len(test.text) <= LONGEST_TEST:
        return body.suite(f"if {test.text}:")
    body.add("if (")
    for number, operand in enumerate(test.operands):
        body.add(f"    {'and ' if number else ''}{operand.at(NOT)}")
    return body.suite("):")


# ---------------------------------------------------------------- firing


def write_firing(module: GeneratedModule, rule: CheckedRule) -> Block:
    """The function that acts when the rule fires."""
    frame = Frame(module, rule.anchor, 2)
    write_captures(frame, rule)
    return write_deeds(frame, f"fire_{rule.index}", rule.deeds, rule.index)


def write_captures(frame: Frame, rule: CheckedRule) -> None:
    """The snapshots that a firing takes, before its actions are evaluated; what is not a number leaves the old one."""
    taken = [
        (value, value.moment == "OPEN")
        for value in frame.module.snapshots
        if value.alias == rule.anchor and rule.captures is not None and value.moment in ("OPEN", rule.captures.value)
    ]
    flat = f"{frame.module.side(rule.anchor).text} == 0.0"
    for snapshot, only_flat in taken:
        outside = dict(frame.kept)
        prepare(frame, snapshot.value)
        given = frame.temporary()
        frame.body.add(f"{given} = {Emitter(frame).value(snapshot.value).text}")
        test = f"if {given} is not None" + (f" and {flat}:" if only_flat else ":")
        with frame.body.suite(test):
            frame.body.add(f"{frame.module.captured(snapshot)} = {given}")
        frame.kept = outside


def write_deeds(frame: Frame, name: str, deeds: Sequence[Deed], rule: int | str | None, more: Sequence[str] = ()) -> Block:
    """A function that evaluates deeds against one state and sends them together; it tells whether they got through.

    Its arguments are the frame's, whose body may hold statements already, then `more`. `rule` is whose firing it is, or the
    text that tells.
    """
    frame.body.add(f"firing = Firing(desk, {rule})")
    for number, deed in enumerate(deeds):
        prepare(frame, *deed_values(deed))
        call = deed_text(frame, deed, number)
        frame.body.add(f"firing.{call}")
    frame.body.add("return firing.send()")
    block = Block(1)
    block.add(f"def {name}({', '.join((frame.argument, *more))}):")
    block.extend(frame.head)
    block.extend(frame.body)
    return block
