"""Blocks of a tape: how inputs become bytes, and bytes inputs again."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, TypeAlias

from qkt.brokers.dispatch import Report
from qkt.core.events import Tick
from qkt.runtime.errors import StateError
from qkt.runtime.inputs import CommandInput, GapInput, Input, TickInput, TimerInput, VenueInput

HEADER = struct.Struct("<4sIIIQI")
"""Mark, length of the body as stored and as packed, inputs, number of the first, checksum."""
BLOCK = b"blk1"
PLACE = struct.Struct("<BHq")
"""Kind, symbol, the feed's number: what a tick is to one session. Its market follows, the same for every session."""
MARKETS = tuple(struct.Struct(f"<Bbqd{mask.bit_count()}d") for mask in range(32))
"""Which values there are, synthetic, time, price, then those values."""
QUOTE = 0b11
TIMER = struct.Struct("<Bq")
TEXT = struct.Struct("<BI")
KIND_SYMBOL, KIND_TICK, KIND_WARM, KIND_TIMER, KIND_COMMAND, KIND_GAP, KIND_VENUE = range(7)
PACK_FROM = 4096


StoredBlock: TypeAlias = tuple[int, bytes]
"""The number of its first input, and a block as it stands in a file."""


@dataclass
class Block:
    """Some inputs, from number `first` on, as bytes. `names` are the symbols that its codes stand for, by code."""

    first: int
    count: int
    body: bytes
    names: tuple[str, ...]

    @cached_property
    def stored(self) -> bytes:
        """The block as it stands in a file, header first."""
        packed = zlib.compress(self.body, 1) if len(self.body) >= PACK_FROM else self.body
        if len(packed) >= len(self.body):
            packed = self.body
        head = HEADER.pack(BLOCK, len(packed), len(self.body), self.count, self.first, checksum(self.first, self.count, packed))
        return head + packed


def market_of(tick: Tick) -> bytes:
    """What a tick says, packed: the part that is the same on every tape."""
    bid, ask = tick.bid, tick.ask
    if bid is not None and ask is not None and tick.volume is None and tick.bid_size is None and tick.ask_size is None:
        return MARKETS[QUOTE].pack(QUOTE, tick.synthetic, tick.ts, tick.price, bid, ask)
    mask, known = 0, []
    for bit, value in enumerate((bid, ask, tick.volume, tick.bid_size, tick.ask_size)):
        if value is not None:
            mask |= 1 << bit
            known.append(value)
    return MARKETS[mask].pack(mask, tick.synthetic, tick.ts, tick.price, *known)


def encoded(item: CommandInput | GapInput | TimerInput | VenueInput) -> bytes:
    """An input that is no tick, packed."""
    if isinstance(item, TimerInput):
        return TIMER.pack(KIND_TIMER, item.ts)
    if isinstance(item, CommandInput):
        return _text(KIND_COMMAND, [item.ts, item.command, item.author, item.arguments])
    if isinstance(item, VenueInput):
        return _text(KIND_VENUE, [item.ts, item.report.as_json()])
    return _text(KIND_GAP, [item.since, item.until, item.reason])


def name_record(code: int, symbol: str) -> bytes:
    """What `code` stands for from here on."""
    return _text(KIND_SYMBOL, [code, symbol])


def _text(kind: int, value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return TEXT.pack(kind, len(text)) + text


def read_block(header: bytes, file: IO[bytes]) -> tuple[int, int, bytes] | None:
    """The first number, the count and the unpacked inputs of a block, None for one that is not whole."""
    if len(header) < HEADER.size:
        return None
    mark, stored, length, count, first, written = HEADER.unpack(header)
    if mark != BLOCK:
        return None
    body = file.read(stored)
    if len(body) < stored or checksum(first, count, body) != written:
        return None
    return first, count, body if stored == length else zlib.decompress(body)


def inputs_of(first: int, count: int, body: bytes, symbols: dict[int, str], where: Path) -> Iterator[tuple[int, Input]]:
    """The inputs of a block. Symbols that it names are added to `symbols`."""
    at, number = 0, first
    while at < len(body):
        kind = body[at]
        if kind in (KIND_TICK, KIND_WARM):
            _, code, place = PLACE.unpack_from(body, at)
            at += PLACE.size
            market = MARKETS[body[at]]
            mask, synthetic, ts, price, *known = market.unpack_from(body, at)
            at += market.size
            if mask == QUOTE:
                tick = Tick(symbols[code], ts, price, known[0], known[1], None, synthetic)
            else:
                values = iter(known)
                bid, ask, volume, bid_size, ask_size = (next(values) if mask >> bit & 1 else None for bit in range(5))
                tick = Tick(symbols[code], ts, price, bid, ask, volume, synthetic, bid_size, ask_size)
            yield number, TickInput(tick, place, kind == KIND_WARM)
        elif kind == KIND_TIMER:
            yield number, TimerInput(TIMER.unpack_from(body, at)[1])
            at += TIMER.size
        else:
            length = TEXT.unpack_from(body, at)[1]
            at += TEXT.size
            value = json.loads(body[at : at + length])
            at += length
            if kind == KIND_SYMBOL:
                symbols[value[0]] = value[1]
                continue
            yield number, _input(kind, value)
        number += 1
    if number != first + count:
        raise damaged(where, f"a block of {count} inputs holds {number - first}")


def _input(kind: int, value: list[Any]) -> Input:
    """An input that was written as text."""
    if kind == KIND_COMMAND:
        return CommandInput(*value)
    return VenueInput(value[0], Report.from_json(value[1])) if kind == KIND_VENUE else GapInput(*value)


def size_of(body: bytes, at: int) -> int:
    """How many bytes the record takes that begins there."""
    kind = body[at]
    if kind in (KIND_TICK, KIND_WARM):
        return PLACE.size + MARKETS[body[at + PLACE.size]].size
    return TIMER.size if kind == KIND_TIMER else TEXT.size + int(TEXT.unpack_from(body, at)[1])


def checksum(first: int, count: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(struct.pack("<QI", first, count)))


def damaged(path: Path, what: str) -> StateError:
    return StateError(
        f"the recording is damaged: {what}",
        where=str(path),
        remedy="restore the state from a backup, or deploy the strategy anew under another name",
    )
