"""A checked strategy as the text of a Python module.

The module has one function, `bind`, which makes what lives from bar to bar and returns one handler for each stream. A handler
gets the stream's closed candle, feeds indicators, keeps pasts, then goes through the rules anchored there; what a rule does
when it fires is a function of its own.
"""

from __future__ import annotations

from qkt.lang.code import Block
from qkt.lang.emit_rules import waits_for, write_firing, write_rules
from qkt.lang.emit_updates import write_updates
from qkt.lang.frame import Frame
from qkt.lang.module import IMPORTS, GeneratedModule
from qkt.lang.program import CheckedStrategy
from qkt.lang.values import Expression, below


def generate(program: CheckedStrategy) -> tuple[str, int]:
    """The module's text, and how many memories its CROSSES need."""
    values = below(*(value for rule in program.rules for value in rule.values()))
    module = GeneratedModule(program, values)
    warmups = {s.alias: s.warmup for s in program.streams}
    counted = dict.fromkeys(alias for rule in program.rules for alias in waits_for(rule, warmups))
    counters = {alias: module.names.one(f"bars_{alias}") for alias in counted}
    firing = [write_firing(module, rule) for rule in program.rules]
    frames = {s.alias: _frame(module, s.alias, values, counters) for s in program.streams}
    names = {alias: module.names.one(f"on_{alias}") for alias in frames}
    lines = [f'"""Compiled from the strategy {_quoted(program.name)}."""', "", *_imports(), "", ""]
    lines.append("def bind(context, desk, fired, crossed):")
    lines.extend("    " + line for line in ("account = context.account", "open_orders = context.open_orders"))
    lines.extend(module.setup.lines)
    lines.extend(f"    {counter} = 0" for counter in counters.values())
    for block in firing:
        lines.extend(("", *block.lines))
    for alias, frame in frames.items():
        lines.extend(("", *_handler(names[alias], frame, counters.get(alias)).lines))
    listed = ", ".join(f"{alias!r}: {name}" for alias, name in names.items())
    lines.extend(("", f"    return {{{listed}}}", ""))
    return "\n".join(lines), module.crossings


def _frame(module: GeneratedModule, alias: str, values: list[Expression], counters: dict[str, str]) -> Frame:
    """What one stream's closes do."""
    frame = Frame(module, alias, 2)
    write_updates(frame, values)
    write_rules(frame, [rule for rule in module.program.rules if rule.anchor == alias], counters)
    return frame


def _handler(name: str, frame: Frame, counter: str | None) -> Block:
    block = Block(1)
    with block.suite(f"def {name}(candle):"):
        if frame.module.reads_latest(frame.alias):
            latest = frame.module.latest(frame.alias)
            block.add(f"nonlocal {latest}")
            block.add(f"{latest} = candle")
        if counter is not None:
            block.add(f"nonlocal {counter}")
            block.add(f"{counter} += 1")
        block.extend(frame.head)
        block.extend(frame.body)
    return block


def _imports() -> list[str]:
    return [f"from qkt.lang.runtime import {', '.join(sorted(IMPORTS))}"]


def _quoted(name: str) -> str:
    return "".join(c if c.isprintable() and c not in '"\\' else "?" for c in name)
