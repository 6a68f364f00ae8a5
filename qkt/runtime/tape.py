"""The tape: every input of a session, in order, append-only.

A tape is a folder of segments. A segment begins with a mark of its version and goes on in blocks; each has a header with the
number of its first input, how many there are, and a checksum, and is read whole or not at all. What a crash left half written
at the end of the last segment is cut off when the tape is opened for writing again. Damage anywhere else is an error.

Inputs are collected and written as one block by `flush`, which survives the end of the process, and by `sync`, which
survives the end of the machine.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from qkt.brokers.dispatch import Report
from qkt.core.events import Tick
from qkt.runtime.errors import StateError
from qkt.runtime.inputs import CommandInput, GapInput, Input, TickInput, TimerInput, VenueInput
from qkt.runtime.state import sync_folder

MAGIC = b"qkt-tape 1\n"
HEADER = struct.Struct("<4sIIIQI")
"""Mark, length of the body as stored and as packed, inputs, number of the first, checksum."""
BLOCK = b"blk1"
TICK = struct.Struct("<BBHiqq6d")
"""Kind, which values there are, symbol, synthetic, the feed's number, time, then the values."""
TIMER = struct.Struct("<Bq")
TEXT = struct.Struct("<BI")
KIND_SYMBOL, KIND_TICK, KIND_WARM, KIND_TIMER, KIND_COMMAND, KIND_GAP, KIND_VENUE = range(7)
SEGMENT_BYTES = 64 << 20
PACK_FROM = 4096
NAN = float("nan")


class TapeWriter:
    """Appends to a tape. `next` is the number of the next input; numbers start at 1.

    Raises StateError when what is there cannot be continued. `flush` and `sync` raise OSError and may be called again: nothing
    that was appended is lost meanwhile.
    """

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._file: IO[bytes] | None = None
        self._size = 0
        self._unsynced = False
        self._symbols: dict[str, int] = {}
        self._body = bytearray()
        self._count = 0
        self.next = 1
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._resume()

    @property
    def waiting(self) -> int:
        """Bytes that are not written yet."""
        return len(self._body)

    def append_tick(self, tick: Tick, number: int, history: bool = False) -> int:
        """Take a tick; returns the number of the input."""
        code = self._symbols.get(tick.symbol)
        if code is None:
            code = self._name(tick.symbol)
        present = 0
        values = (tick.bid, tick.ask, tick.volume, tick.bid_size, tick.ask_size)
        for bit, value in enumerate(values):
            if value is not None:
                present |= 1 << bit
        bid, ask, volume, bid_size, ask_size = (NAN if value is None else value for value in values)
        kind = KIND_WARM if history else KIND_TICK
        self._body += TICK.pack(
            kind, present, code, tick.synthetic, number, tick.ts, tick.price, bid, ask, volume, bid_size, ask_size
        )
        return self._counted()

    def append(self, item: Input) -> int:
        """Take any input; returns its number."""
        if isinstance(item, TickInput):
            return self.append_tick(item.tick, item.number, item.history)
        if isinstance(item, TimerInput):
            self._body += TIMER.pack(KIND_TIMER, item.ts)
        elif isinstance(item, CommandInput):
            self._text(KIND_COMMAND, [item.ts, item.command, item.author, item.arguments])
        elif isinstance(item, VenueInput):
            self._text(KIND_VENUE, [item.ts, item.report.as_json()])
        else:
            self._text(KIND_GAP, [item.since, item.until, item.reason])
        return self._counted()

    def flush(self) -> None:
        """Hand what was taken to the operating system, as one block."""
        if not self._count:
            return
        if self._file is None or self._size >= self._segment_bytes:
            self._new_segment()
        assert self._file is not None
        body = bytes(self._body)
        packed = zlib.compress(body, 1) if len(body) >= PACK_FROM else body
        if len(packed) >= len(body):
            packed = body
        first = self.next - self._count
        block = HEADER.pack(BLOCK, len(packed), len(body), self._count, first, _checksum(first, self._count, packed)) + packed
        try:
            written = self._file.write(block)
        except OSError:
            self._cut()
            raise
        if written != len(block):
            self._cut()
            raise OSError(28, "the tape's block was written in part")
        self._size += written
        self._unsynced = True
        self._body.clear()
        self._count = 0

    def sync(self) -> None:
        """Make everything taken so far durable."""
        self.flush()
        if self._unsynced and self._file is not None:
            os.fsync(self._file.fileno())
            self._unsynced = False

    def close(self) -> None:
        try:
            self.sync()
        finally:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _counted(self) -> int:
        self._count += 1
        self.next += 1
        return self.next - 1

    def _name(self, symbol: str) -> int:
        code = self._symbols[symbol] = len(self._symbols)
        self._text(KIND_SYMBOL, [code, symbol])
        return code

    def _text(self, kind: int, value: object) -> None:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        self._body += TEXT.pack(kind, len(text)) + text

    def _cut(self) -> None:
        """Take back a block that did not fit, so that the next one follows the last whole one."""
        assert self._file is not None
        self._file.truncate(self._size)
        self._file.seek(self._size)

    def _new_segment(self) -> None:
        """Each segment names its symbols again, so that it can be read by itself. The block that is waiting may refer to
        symbols of the segment before: their names go in front of it."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None
        path = self._folder / f"{self.next - self._count:012d}.tape"
        file = open(path, "wb", buffering=0)  # noqa: SIM115 - kept open
        try:
            file.write(MAGIC)
        except OSError:
            file.close()
            path.unlink()
            raise
        sync_folder(self._folder)
        self._file, self._size = file, len(MAGIC)
        names = bytearray()
        for symbol, code in self._symbols.items():
            text = json.dumps([code, symbol], ensure_ascii=False).encode()
            names += TEXT.pack(KIND_SYMBOL, len(text)) + text
        self._body[:0] = names

    def _resume(self) -> None:
        """Go on behind the last whole block."""
        for old in segments(self._folder)[-1:]:
            reader = _SegmentReader(old)
            for block in reader.blocks(torn=True):
                for _ in block:
                    pass
            self.next = reader.next
            self._symbols = {symbol: code for code, symbol in reader.symbols.items()}
            self._size = reader.whole
            self._file = open(old, "r+b", buffering=0)  # noqa: SIM115 - kept open
            if not self._size:
                self._file.write(MAGIC)
                self._size = len(MAGIC)
            self._cut()


def segments(folder: Path) -> list[Path]:
    """The files of a tape, oldest first."""
    return sorted(folder.glob("*.tape"))


def read_tape(folder: Path) -> Iterator[tuple[int, Input]]:
    """All inputs with their numbers, oldest first; a torn end of the last segment does not exist.

    Raises StateError for damage, a gap in the numbers, and tapes of a newer version.
    """
    expected = 1
    files = segments(folder)
    for file in files:
        reader = _SegmentReader(file)
        for block in reader.blocks(torn=file is files[-1]):
            for number, item in block:
                if number != expected:
                    raise _damaged(file, f"input {number} follows {expected - 1}")
                expected += 1
                yield number, item


class _SegmentReader:
    """Reads one segment. `whole` is where the last whole block ends, `next` the number after its last input."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.symbols: dict[int, str] = {}
        self.whole = len(MAGIC)
        self.next = int(path.stem)

    def blocks(self, *, torn: bool) -> Iterator[Iterator[tuple[int, Input]]]:
        """Each whole block's inputs. With `torn` the first unreadable block that nothing whole follows ends the segment."""
        with open(self._path, "rb") as file:
            mark = file.read(len(MAGIC))
            if mark != MAGIC:
                if torn and MAGIC.startswith(mark):  # the machine stopped before its first line was written
                    self.whole = 0
                    return
                raise _damaged(self._path, "it does not begin as a tape of this version")
            while True:
                header = file.read(HEADER.size)
                if not header:
                    return
                body = self._body(header, file)
                if body is None:
                    if torn and not _holds_whole_block(self._path, self.whole + 1):
                        return
                    raise _damaged(self._path, f"the block at byte {self.whole} is not whole")
                first, count, packed = body
                yield self._inputs(first, count, packed)
                self.whole = file.tell()
                self.next = first + count

    @staticmethod
    def _body(header: bytes, file: IO[bytes]) -> tuple[int, int, bytes] | None:
        if len(header) < HEADER.size:
            return None
        mark, stored, length, count, first, checksum = HEADER.unpack(header)
        if mark != BLOCK:
            return None
        body = file.read(stored)
        if len(body) < stored or _checksum(first, count, body) != checksum:
            return None
        return first, count, body if stored == length else zlib.decompress(body)

    def _inputs(self, first: int, count: int, body: bytes) -> Iterator[tuple[int, Input]]:
        at, number = 0, first
        while at < len(body):
            kind = body[at]
            if kind in (KIND_TICK, KIND_WARM):
                yield number, self._tick(body, at)
                at += TICK.size
            elif kind == KIND_TIMER:
                yield number, TimerInput(TIMER.unpack_from(body, at)[1])
                at += TIMER.size
            else:
                length = TEXT.unpack_from(body, at)[1]
                at += TEXT.size
                value = json.loads(body[at : at + length])
                at += length
                if kind == KIND_SYMBOL:
                    self.symbols[value[0]] = value[1]
                    continue
                yield number, _input(kind, value)
            number += 1
        if number != first + count:
            raise _damaged(self._path, f"a block of {count} inputs holds {number - first}")

    def _tick(self, body: bytes, at: int) -> TickInput:
        kind, present, code, synthetic, number, ts, price, *values = TICK.unpack_from(body, at)
        bid, ask, volume, bid_size, ask_size = (v if present >> bit & 1 else None for bit, v in enumerate(values))
        tick = Tick(self.symbols[code], ts, price, bid, ask, volume, synthetic, bid_size, ask_size)
        return TickInput(tick, number, kind == KIND_WARM)


def _input(kind: int, value: list[Any]) -> Input:
    """An input that was written as text."""
    if kind == KIND_COMMAND:
        return CommandInput(*value)
    return VenueInput(value[0], Report.from_json(value[1])) if kind == KIND_VENUE else GapInput(*value)


def _checksum(first: int, count: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(struct.pack("<QI", first, count)))


def _holds_whole_block(path: Path, start: int) -> bool:
    """Whether a whole block stands anywhere behind a place: then the damage before it is no torn end."""
    data = path.read_bytes()
    at = data.find(BLOCK, start)
    while at >= 0:
        header = data[at : at + HEADER.size]
        if len(header) == HEADER.size:
            _, stored, _, count, first, checksum = HEADER.unpack(header)
            body = data[at + HEADER.size : at + HEADER.size + stored]
            if len(body) == stored and _checksum(first, count, body) == checksum:
                return True
        at = data.find(BLOCK, at + 1)
    return False


def _damaged(path: Path, what: str) -> StateError:
    return StateError(
        f"the recording is damaged: {what}",
        where=str(path),
        remedy="restore the state from a backup, or deploy the strategy anew under another name",
    )
