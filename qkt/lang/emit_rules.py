"""Rules: the warm-up gate, the condition, the edge; and the functions that act when a rule fires."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from qkt.lang.code import AND, COMPARE, NOT, Block, Code, all_of
from qkt.lang.deeds import Deed, deed_values
from qkt.lang.emit import Emitter
from qkt.lang.emit_deeds import deed_text
from qkt.lang.emit_statements import prepare
from qkt.lang.frame import Frame
from qkt.lang.module import GeneratedModule
from qkt.lang.program import CheckedRule

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
        gate = _gate(rules[at], warmups, counters)
        together = [rules[at]]
        while at + len(together) < len(rules) and _gate(rules[at + len(together)], warmups, counters) == gate:
            together.append(rules[at + len(together)])
        at += len(together)
        if gate is None:
            for rule in together:
                _write_rule(frame, rule)
        else:
            with frame.body.suite(f"if {gate}:"):
                for rule in together:
                    _write_rule(frame, rule)


def waits_for(rule: CheckedRule, warmups: dict[str, int]) -> list[str]:
    """The aliases whose bars the rule must count: its own candle is the first bar of its anchor already."""
    return [alias for alias in rule.mentions if warmups[alias] > (alias == rule.anchor)]


def _gate(rule: CheckedRule, warmups: dict[str, int], counters: dict[str, str]) -> str | None:
    tests = [Code(f"{counters[alias]} >= {warmups[alias]}", COMPARE) for alias in waits_for(rule, warmups)]
    return all_of(tests).text if tests else None


def _write_rule(frame: Frame, rule: CheckedRule) -> None:
    body, index = frame.body, rule.index
    body.add(comment(f"rule {index}: {rule.text}"))
    outside = dict(frame.kept)
    prepare(frame, rule.condition)
    with _test(body, Emitter(frame).true(rule.condition)), body.suite(f"if not fired[{index}]:"):
        body.add(f"fired[{index}] = fire_{index}(candle)")
    with body.suite("else:"):
        body.add(f"fired[{index}] = False")
    frame.kept = outside


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
    return write_deeds(Frame(module, rule.anchor, 2), f"fire_{rule.index}", rule.deeds, rule.index)


def write_deeds(frame: Frame, name: str, deeds: Sequence[Deed], rule: int | str | None, more: Sequence[str] = ()) -> Block:
    """A function that evaluates deeds against one state and sends them together; it tells whether they got through.

    Its arguments are those of the frame, whose body may hold statements already, then `more`. `rule` is whose
    firing it is, or the text that tells.
    """
    frame.body.add(f"firing = Firing(desk, {rule})")
    for number, deed in enumerate(deeds):
        prepare(frame, *deed_values(deed))
        call = deed_text(frame, deed, number)
        frame.body.add(f"firing.{call}")
    frame.body.add("return firing.send()")
    block = Block(1)
    block.add(f"def {name}({', '.join((*frame.params, *more))}):")
    block.extend(frame.head)
    block.extend(frame.body)
    return block
