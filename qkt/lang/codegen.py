"""A checked strategy as the text of a Python module.

The module has one function, `bind`, which makes what lives from bar to bar and returns one handler for each stream. A handler
gets the stream's closed candle, feeds indicators, keeps pasts, then goes through the rules anchored there; what a rule does
when it fires is a function of its own. What ticks feed goes into `ticks`, by symbol, in the order of the text.
"""

from __future__ import annotations

import re

from qkt.lang.code import Block
from qkt.lang.emit_later import write_later
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
    later, handed = write_later(module)
    frames = {s.alias: _frame(module, s.alias, values, counters) for s in program.streams}
    names = {alias: module.names.one(f"on_{alias}") for alias in frames}
    body = Block(1)
    body.extend(module.setup)
    for counter in counters.values():
        body.add(f"{counter} = 0")
    blocks = [*firing, *later, *(_handler(names[alias], alias, frame, counters.get(alias)) for alias, frame in frames.items())]
    for block in blocks:
        body.add("")
        body.extend(block)
    body.add("")
    for symbol, feeds in module.tick_fed.items():
        body.add(f"ticks[{symbol!r}] = ({', '.join(feeds)},)")
    for line in handed:
        body.add(line)
    body.add(f"return {{{', '.join(f'{alias!r}: {name}' for alias, name in names.items())}}}")
    return _module_text(program.name, body.lines), module.crossings


def _module_text(name: str, lines: list[str]) -> str:
    """The module with the imports and views that its lines use."""
    used = set(re.findall(r"[A-Za-z_]+", "\n".join(lines)))
    head = [f'"""Compiled from the strategy {_quoted(name)}."""', ""]
    imports = sorted((i for i in IMPORTS if i in used), key=str.lower)
    if imports:
        head.extend((f"from qkt.lang.runtime import {', '.join(imports)}", ""))
    head.extend(("", "def bind(context, desk, fired, crossed, ticks):"))
    head.extend(f"    {view} = context.{view}" for view in ("account", "open_orders") if view in used)
    return "\n".join([*head, *lines, ""])


def _frame(module: GeneratedModule, alias: str, values: list[Expression], counters: dict[str, str]) -> Frame:
    """What one stream's closes do."""
    frame = Frame(module, alias, 2)
    write_updates(frame, values)
    write_rules(frame, [rule for rule in module.program.rules if rule.anchor == alias], counters)
    return frame


def _handler(name: str, alias: str, frame: Frame, counter: str | None) -> Block:
    block = Block(1)
    with block.suite(f"def {name}(candle):"):
        latest = frame.module.latest(alias) if frame.module.reads_latest(alias) else None
        assigned = [name for name in (latest, counter) if name is not None]
        if assigned:
            block.add(f"nonlocal {', '.join(assigned)}")
        if latest is not None:
            block.add(f"{latest} = candle")
        if counter is not None:
            block.add(f"{counter} += 1")
        block.extend(frame.head)
        block.extend(frame.body)
    return block


def _quoted(name: str) -> str:
    return "".join(c if c.isprintable() and c not in '"\\' else "?" for c in name)
