"""Long runs of ticks on a tape as columns: read at once what would take a step each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qkt.core.events import Tick
from qkt.runtime.inputs import Input, TickInput
from qkt.runtime.tape_blocks import KIND_SYMBOL, KIND_TICK, PLACE, QUOTE, damaged, inputs_of, size_of

VOLUME = 0b100
SHORTEST = 64
"""Ticks in a row that are worth columns."""
AT_ONCE = 8192
"""Ticks of the longest run."""
JOINED = 1 << 18
"""Bytes of small blocks that are read as one."""


def _layout(mask: int) -> np.dtype[Any]:
    fields = [("kind", "u1"), ("code", "<u2"), ("number", "<i8"), ("mask", "u1"), ("synthetic", "i1"), ("ts", "<i8")]
    fields += [("price", "<f8"), ("bid", "<f8"), ("ask", "<f8")]
    return np.dtype([*fields, ("volume", "<f8")] if mask & VOLUME else fields)


LAYOUTS = {mask: _layout(mask) for mask in (QUOTE, QUOTE | VOLUME)}
"""Ticks with a quote, with and without a volume, as they lie on a tape."""


@dataclass(frozen=True, slots=True)
class TickRun:
    """Ticks of the market in a row, from input `first` on. `names` are their symbols by code."""

    first: int
    rows: npt.NDArray[Any]
    names: dict[int, str]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def has_volume(self) -> bool:
        return self.rows.dtype is LAYOUTS[QUOTE | VOLUME]

    def tick(self, at: int) -> TickInput:
        """One of them."""
        row = self.rows[at]
        volume = float(row["volume"]) if self.has_volume else None
        prices = float(row["price"]), float(row["bid"]), float(row["ask"])
        tick = Tick(self.names[int(row["code"])], int(row["ts"]), *prices, volume, int(row["synthetic"]))
        return TickInput(tick, int(row["number"]))


def runs_of(
    blocks: Iterable[tuple[int, int, bytes]], names: dict[int, str], where: Path
) -> Iterator[TickRun | tuple[int, Input]]:
    """Inputs in order, long runs of plain ticks as columns. Blocks that follow one another are read as one."""
    first, count, body = 0, 0, bytearray()
    for start, more, data in blocks:
        if body and (start != first + count or len(body) > JOINED):
            yield from _runs(first, bytes(body), count, names, where)
            body.clear()
        if not body:
            first, count = start, 0
        body += data
        count += more
    if body:
        yield from _runs(first, bytes(body), count, names, where)


def _runs(first: int, body: bytes, count: int, names: dict[int, str], where: Path) -> Iterator[TickRun | tuple[int, Input]]:
    at, number = 0, first
    plain = 0  # where the inputs begin that are taken one by one
    taken = 0
    while at < len(body):
        run = _run_at(body, at)
        if run is not None and len(run) >= SHORTEST:
            if at > plain:
                yield from inputs_of(first + taken, number - first - taken, body[plain:at], names, where)
            yield TickRun(number, run, names)
            number += len(run)
            at += run.nbytes
            plain, taken = at, number - first
        elif run is not None and len(run):
            number += len(run)
            at += run.nbytes
        else:
            at, counted = _after(body, at)
            number += counted
    if at > plain:
        yield from inputs_of(first + taken, count - taken, body[plain:at], names, where)
    elif number != first + count:
        raise damaged(where, f"blocks of {count} inputs hold {number - first}")


def _run_at(body: bytes, at: int) -> npt.NDArray[Any] | None:
    """The ticks of one layout that begin at a byte, None where none does."""
    if body[at] != KIND_TICK or at + PLACE.size >= len(body):
        return None
    layout = LAYOUTS.get(body[at + PLACE.size])
    if layout is None:
        return None
    most = min((len(body) - at) // layout.itemsize, AT_ONCE)
    rows = np.frombuffer(body, layout, most, at)
    alike = (rows["kind"] == KIND_TICK) & (rows["mask"] == body[at + PLACE.size]) & (rows["synthetic"] == 0)
    return rows if alike.all() else rows[: int(np.argmin(alike))]


def _after(body: bytes, at: int) -> tuple[int, int]:
    """Where the record after this one begins, and whether this one is an input."""
    return at + size_of(body, at), int(body[at] != KIND_SYMBOL)
