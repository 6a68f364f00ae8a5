"""A checked strategy as the text of a Python module.

The module has one function, `bind`, which makes what lives from bar to bar and returns one handler for each stream. A handler
gets the stream's closed candle, feeds indicators, keeps pasts, moves sequences on, then goes through the rules anchored there;
what a rule does when it fires is a function of its own. Streams that are synchronised have a function for each of these
phases instead, which run member by member once a window is complete. A basket's candle is made when the last of its members
has closed, after that member's own rules. What every tick feeds is handed out by symbol.
"""

from __future__ import annotations

import re

from qkt.lang.code import Block
from qkt.lang.emit_later import write_later
from qkt.lang.emit_rules import waits_for, write_deeds, write_firing, write_rules
from qkt.lang.emit_updates import write_sequences, write_settling, write_updates
from qkt.lang.frame import CANDLE, Frame
from qkt.lang.module import IMPORTS, MEMORY, GeneratedModule
from qkt.lang.program import CheckedGroup, CheckedStrategy
from qkt.lang.values import below


def generate(program: CheckedStrategy) -> tuple[str, GeneratedModule]:
    """The module's text, and the module with the sizes of its memories."""
    module = GeneratedModule(program, below(*program.values()))
    functions = _Functions(module)
    body = Block(1)
    body.extend(module.setup)
    for counter in functions.counters.values():
        body.add(f"{counter} = 0")
    for block in functions.blocks:
        body.add("")
        body.extend(block)
    body.add("")
    for line in functions.handed:
        body.add(line)
    body.add(f"return Bound({', '.join(functions.handed_out())})")
    return _module_text(program.name, body.lines), module


def _module_text(name: str, lines: list[str]) -> str:
    """The module with the imports and views that its lines use."""
    used = set(re.findall(r"[A-Za-z_]+", "\n".join(lines)))
    head = [f'"""Compiled from the strategy {_quoted(name)}."""', ""]
    imports = sorted((i for i in IMPORTS if i in used), key=str.lower)
    if imports:
        head.extend((f"from qkt.lang.runtime import {', '.join(imports)}", ""))
    head.extend(("", "def bind(context, desk, memory):"))
    head.extend(f"    {view} = context.{view}" for view in ("account", "open_orders") if view in used)
    head.extend(f"    {kept} = memory.{kept}" for kept in MEMORY if kept in used)
    return "\n".join([*head, *lines, ""])


class _Functions:
    """All functions of the module, in an order in which each knows what those before it read."""

    def __init__(self, module: GeneratedModule) -> None:
        self._module = module
        program = module.program
        self._values = below(*program.values())
        self.counters = self._counted()
        self._clauses = [f"at_clause_{number}" for number in range(len(program.schedules))]
        acting = [write_firing(module, rule) for rule in program.rules]
        for name, clause in zip(self._clauses, program.schedules, strict=True):
            acting.append(write_deeds(Frame(module, None, 2), name, (clause.deed,), None))
        later, self.handed = write_later(module)
        self._names = {s.alias: module.names.one(f"on_{s.alias}") for s in program.streams}
        self._groups = {f"group_{number}": group for number, group in enumerate(program.groups, 1)}
        grouped = {member for group in program.groups for member in group.members} - program.baskets.keys()
        passes = [block for name, group in self._groups.items() for block in self._group(name, group)]
        frames = {alias: self._frame(alias) for alias in self._names if alias not in grouped}
        self._make_windows()
        # Baskets come first: the handlers of their members call them.
        order = sorted(self._names, key=lambda alias: alias not in program.baskets)
        self.blocks = [*acting, *later, *passes, *(self._handler(alias, frames.get(alias)) for alias in order)]

    def handed_out(self) -> list[str]:
        """The arguments of `Bound`."""
        baskets = self._module.program.baskets
        streams = ", ".join(f"{alias!r}: {name}" for alias, name in self._names.items() if alias not in baskets)
        parts = [f"{{{streams}}}"]
        if self._clauses:
            parts.append(f"clauses=({', '.join(self._clauses)},)")
        ticks = [f"{symbol!r}: ({', '.join(feeds)},)" for symbol, feeds in self._module.tick_fed.items()]
        if ticks:
            parts.append(f"ticks={{{', '.join(ticks)}}}")
        timed = [name for name, group in self._groups.items() if group.within_ms is not None]
        if timed:
            parts.append(f"groups=({', '.join(timed)},)")
        parts.append("names=locals()")
        return parts

    def _counted(self) -> dict[str, str]:
        """Counters of the bars that something waits for."""
        program = self._module.program
        warmups = {s.alias: s.warmup for s in program.streams}
        waiting = [(rule.mentions, rule.anchor) for rule in program.rules]
        waiting += [(sequence.mentions, sequence.alias) for sequence in program.sequences]
        counted = dict.fromkeys(alias for mentions, anchor in waiting for alias in waits_for(mentions, anchor, warmups))
        return {alias: self._module.names.one(f"bars_{alias}") for alias in counted}

    def _make_windows(self) -> None:
        """What collects the candles of groups and baskets."""
        setup, program = self._module.setup, self._module.program
        for name, group in self._groups.items():
            setup.add(f"{name} = Windows({len(group.members)}, {group.within_ms})")
        symbols = self._module.symbols
        for alias, members in program.baskets.items():
            setup.add(f"{_index(alias)} = BasketIndex({alias!r}, {symbols[alias]!r}, {len(members)}, context.log)")

    # ------------------------------------------------------------ phases

    def _frame(self, alias: str) -> Frame:
        """What one stream's closes do when it waits for no other."""
        frame = Frame(self._module, alias, 2)
        write_updates(frame, self._values)
        write_sequences(frame, self.counters)
        self._write_rules(frame)
        return frame

    def _write_rules(self, frame: Frame) -> None:
        write_rules(frame, [rule for rule in self._module.program.rules if rule.anchor == frame.alias], self.counters)

    def _group(self, name: str, group: CheckedGroup) -> list[Block]:
        """A function for each member and phase, then the pass that calls them. A basket has had its own pass by then."""
        module = self._module
        candles = {member: f"candle_{place}" for place, member in enumerate(group.members)}
        blocks: list[Block] = []
        calls: list[str] = []
        for phase in ("update", "sequences", "rules"):
            for member in group.members:
                if member in module.program.baskets:
                    continue
                block = self._phase(phase, member)
                if block is not None:
                    blocks.append(block)
                    calls.append(f"{phase}_{member}({candles[member]})")
        whole = Block(1)
        with whole.suite(f"def pass_{name}({', '.join(candles.values())}):"):
            for call in calls:
                whole.add(call)
            write_settling(whole, module)
        return [*blocks, whole]

    def _phase(self, phase: str, member: str) -> Block | None:
        """One phase of one member, None when there is nothing to do."""
        frame = Frame(self._module, member, 2)
        counter = None
        match phase:
            case "update":
                write_updates(frame, self._values)
                counter = self.counters.get(member)
            case "sequences":
                write_sequences(frame, self.counters)
            case _:
                self._write_rules(frame)
        if not frame.body.lines and counter is None:
            return None
        block = Block(1)
        with block.suite(f"def {phase}_{member}({CANDLE}):"):
            if counter is not None:
                block.add(f"nonlocal {counter}")
                block.add(f"{counter} += 1")
            block.extend(frame.head)
            block.extend(frame.body)
        return block

    # ------------------------------------------------------------ handlers

    def _handler(self, alias: str, frame: Frame | None) -> Block:
        """The function that takes a stream's candle. Without a frame the stream acts in its group's pass only."""
        module = self._module
        latest = module.latest(alias) if module.reads_latest(alias) else None
        counter = self.counters.get(alias) if frame is not None else None
        block = Block(1)
        with block.suite(f"def {self._names[alias]}({CANDLE}):"):
            assigned = [name for name in (latest, counter) if name is not None]
            if assigned:
                block.add(f"nonlocal {', '.join(assigned)}")
            if latest is not None:
                block.add(f"{latest} = {CANDLE}")
            if counter is not None:
                block.add(f"{counter} += 1")
            if frame is not None:
                block.extend(frame.head)
                block.extend(frame.body)
                write_settling(block, module)
            self._deliver(block, alias)
        return block

    def _deliver(self, block: Block, alias: str) -> None:
        """The candle goes to the group that waits for it, then to the baskets that are made of it."""
        for name, group in self._groups.items():
            if alias in group.members:
                block.add(f"window = {name}.take({group.members.index(alias)}, {CANDLE})")
                with block.suite("if window is not None:"):
                    block.add(f"pass_{name}(*window)")
        for basket, members in self._module.program.baskets.items():
            if alias in members:
                block.add(f"window = {_index(basket)}.take({members.index(alias)}, {CANDLE})")
                with block.suite("if window is not None:"):
                    block.add(f"{self._names[basket]}(window)")


def _index(basket: str) -> str:
    return f"index_{basket}"


def _quoted(name: str) -> str:
    return "".join(c if c.isprintable() and c not in '"\\' else "?" for c in name)
