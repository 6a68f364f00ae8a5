"""Functions that run after the action they belong to: the hooks of an exit and the entries of a latch."""

from __future__ import annotations

from collections.abc import Iterator

from qkt.lang.code import Block
from qkt.lang.deeds import ArmLatch, LatchEnter
from qkt.lang.emit_deeds import size_text, spelled
from qkt.lang.emit_rules import write_deeds
from qkt.lang.emit_statements import prepare
from qkt.lang.frame import Frame
from qkt.lang.module import GeneratedModule


def write_later(module: GeneratedModule) -> tuple[list[Block], list[str]]:
    """The functions of all hooks and latches that were named so far, and the lines that hand them to the desk."""
    blocks: list[Block] = []
    lines: list[str] = []
    for number, hooks in enumerate(module.hooks):
        for reason, deeds in hooks.deeds:
            name = f"hook_{number}_{reason.value.lower()}"
            blocks.append(write_deeds(Frame(module, None, 2), name, deeds, "exit_.rule", ("exit_",)))
            lines.append(f"desk.hooks[{number}, {spelled(reason)}] = {name}")
    for number, latch in enumerate(module.latches):
        blocks.append(_latch(module, f"latch_{number}", latch))
        lines.append(f"desk.latches[{number}] = latch_{number}")
    return blocks, lines


def _latch(module: GeneratedModule, name: str, latch: ArmLatch) -> Block:
    frame = Frame(module, None, 2)
    frame.body.add("firing = Firing(desk, broken.rule)")
    for number, entry in enumerate(latch.entries):
        if entry.size is not None:
            prepare(frame, entry.size.value)
        frame.body.add(f"firing.follow({number}, broken, LatchTicket({', '.join(_ticket(frame, entry))}))")
    frame.body.add("return firing.send()")
    block = Block(1)
    block.add(f"def {name}({frame.argument}, broken):")
    block.extend(frame.head)
    block.extend(frame.body)
    return block


def _ticket(frame: Frame, entry: LatchEnter) -> Iterator[str]:
    yield repr(frame.module.symbols[entry.on])
    yield spelled(entry.kind)
    yield frame.module.made_once("offset", spelled(entry.price))
    for key, offset in (("stop_loss", entry.stop_loss), ("take_profit", entry.take_profit)):
        if offset is not None:
            yield f"{key}={frame.module.made_once('offset', spelled(offset))}"
    if entry.size is not None:
        yield f"size={size_text(frame, entry.size)}"
    if entry.expire_ms is not None:
        yield f"expire_ms={entry.expire_ms}"
    if entry.elsewhere:
        yield "elsewhere=True"
