"""The tape: every input of a session, in order, append-only.

A tape is a folder of segments. A segment begins with a mark of its version and goes on in blocks; each has a header with the
number of its first input, how many there are, and a checksum, and is read whole or not at all. What a crash left half written
at the end of the last segment is cut off when the tape is opened for writing again. Damage anywhere else is an error.

Inputs are collected, taken as blocks, and blocks are written: by `flush`, which survives the end of the process, and by `sync`,
which survives the end of the machine. Blocks that were not synced when something came of them are kept by the journal
too, and continue a tape that lost them.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from qkt.core.events import Tick
from qkt.runtime.inputs import GapInput, Input, TickInput
from qkt.runtime.state import sync_folder
from qkt.runtime.tape_blocks import (
    BLOCK,
    HEADER,
    KIND_TICK,
    KIND_WARM,
    PLACE,
    Block,
    damaged,
    encoded,
    inputs_of,
    market_of,
    name_record,
    read_block,
)
from qkt.runtime.tape_runs import TickRun, runs_of

MAGIC = b"qkt-tape 2\n"
SEGMENT_BYTES = 64 << 20


class TapeWriter:
    """Appends to a tape. `next` is the number of the next input; numbers start at 1. `unsynced` is how many bytes of the files
    are not synced yet, `last_written` the last input that is in them.

    `append`, `append_tick` and `take` belong to whoever gives the inputs; `write`, `sync_file` and `close_file` to whoever
    writes them, which may be another thread: the two share nothing.
    Raises StateError when what is there cannot be continued. `write`, `flush` and `sync` raise OSError and may be called again:
    nothing that was appended is lost meanwhile. `lost` are blocks that the journal kept: those that the files lack are
    put behind them first.
    """

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES, lost: Iterable[bytes] = ()) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._file: IO[bytes] | None = None
        self._size = 0
        self._symbols: dict[str, int] = {}
        self._body = bytearray()
        self._count = 0
        self._untaken: list[Block] = []
        self.unsynced = 0
        self.last_written = 0
        self.next = 1
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._resume(list(lost))

    @property
    def waiting(self) -> int:
        """Bytes that are not taken yet."""
        return len(self._body)

    def append_tick(self, tick: Tick, number: int, history: bool = False, market: bytes | None = None) -> int:
        """Take a tick; returns the number of the input. `market` is what `market_of` made of it, where that is at hand."""
        code = self._symbols.get(tick.symbol)
        if code is None:
            code = self._name(tick.symbol)
        self._body += PLACE.pack(KIND_WARM if history else KIND_TICK, code, number)
        self._body += market_of(tick) if market is None else market
        self._count += 1
        self.next += 1
        return self.next - 1

    def append(self, item: Input) -> int:
        """Take any input; returns its number."""
        if isinstance(item, TickInput):
            return self.append_tick(item.tick, item.number, item.history)
        self._body += encoded(item)
        self._count += 1
        self.next += 1
        return self.next - 1

    def take(self) -> Block | None:
        """What was appended since the last time, as one block."""
        if not self._count:
            return None
        block = Block(self.next - self._count, self._count, bytes(self._body), tuple(self._symbols))
        self._body.clear()
        self._count = 0
        return block

    def write(self, block: Block) -> None:
        """Hand a block to the operating system."""
        if self._file is None or self._size >= self._segment_bytes:
            self._new_segment(block)
        self._put(block.stored)
        self.last_written = block.first + block.count - 1

    def sync_file(self) -> None:
        """Make everything written so far durable."""
        if self._file is not None and self.unsynced:
            os.fsync(self._file.fileno())
        self.unsynced = 0

    def close_file(self) -> None:
        try:
            self.sync_file()
        finally:
            if self._file is not None:
                self._file.close()
                self._file = None

    def flush(self) -> None:
        """Take and write."""
        block = self.take()
        if block is not None:
            self._untaken.append(block)
        while self._untaken:
            self.write(self._untaken[0])
            del self._untaken[0]

    def sync(self) -> None:
        """Take and write, and make it durable."""
        self.flush()
        self.sync_file()

    def close(self) -> None:
        try:
            self.sync()
        finally:
            self.close_file()

    def _put(self, data: bytes) -> None:
        assert self._file is not None
        try:
            written = self._file.write(data)
        except OSError:
            self._cut()
            raise
        if written != len(data):
            self._cut()
            raise OSError(28, "the tape's block was written in part")
        self._size += written
        self.unsynced += written

    def _name(self, symbol: str) -> int:
        code = self._symbols[symbol] = len(self._symbols)
        self._body += name_record(code, symbol)
        return code

    def _cut(self) -> None:
        """Take back a block that did not fit, so that the next one follows the last whole one."""
        assert self._file is not None
        self._file.truncate(self._size)
        self._file.seek(self._size)

    def _new_segment(self, block: Block) -> None:
        """Each segment names its symbols again, in a block without inputs, so that it can be read by itself."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None
        path = self._folder / f"{block.first:012d}.tape"
        head = _head(block.first, block.names)
        file = open(path, "wb", buffering=0)  # noqa: SIM115 - kept open
        try:
            if file.write(head) != len(head):
                raise OSError(28, "the tape's segment was begun in part")
        except OSError:
            file.close()
            path.unlink()
            raise
        sync_folder(self._folder)
        self._file, self._size, self.unsynced = file, len(head), len(head)

    def _resume(self, lost: list[bytes]) -> None:
        """Go on behind the last whole block, and behind what the journal kept."""
        files = segments(self._folder)
        for old in files[-1:]:
            reader = _SegmentReader(old)
            reader.read(torn=True, kept=_first_number(lost))
            begun = reader.whole > len(MAGIC)
            known = reader.symbols if begun else _last_names(files[:-1])
            self.next = reader.next
            self._symbols = {symbol: code for code, symbol in sorted(known.items())}
            self._size = reader.whole if begun else 0
            self._file = open(old, "r+b", buffering=0)  # noqa: SIM115 - kept open
            self._cut()
            if not begun:  # the machine stopped before its names were written, and what the journal kept may use them
                self._put(_head(self.next, tuple(self._symbols)))
        for first, count, body in _kept(lost, self.next):
            names = {code: symbol for symbol, code in self._symbols.items()}
            for _ in inputs_of(first, count, body, names, self._folder):
                pass
            self._symbols = {symbol: code for code, symbol in names.items()}
            self.write(Block(first, count, body, tuple(self._symbols)))
            self.next = first + count
        self.sync_file()


def segments(folder: Path) -> list[Path]:
    """The files of a tape, oldest first."""
    return sorted(folder.glob("*.tape"))


def read_tape(folder: Path, lost: Iterable[bytes] = ()) -> Iterator[tuple[int, Input]]:
    """All inputs with their numbers, oldest first; a torn end of the last segment does not exist. `lost` are blocks that the
    journal kept: they go on where the files end.

    Raises StateError for damage, a gap in the numbers, and tapes of another version.
    """
    expected = 1
    files, kept = segments(folder), list(lost)
    symbols: dict[int, str] = {}
    for file in files:
        reader = _SegmentReader(file)
        last = file is files[-1]
        for block in reader.blocks(torn=last, kept=_first_number(kept) if last else None):
            for number, item in block:
                if number != expected:
                    raise damaged(file, f"input {number} follows {expected - 1}")
                expected += 1
                yield number, item
        symbols |= reader.symbols
    for first, count, body in _kept(kept, expected):
        for number, item in inputs_of(first, count, body, symbols, folder):
            if number != expected:
                raise damaged(folder, f"input {number} follows {expected - 1}")
            expected += 1
            yield number, item


def read_since(folder: Path, ts: int) -> Iterator[tuple[int, Input]]:
    """The inputs from the first one at or after `ts` (epoch ms), read from no earlier than the segment that holds it.

    Raises StateError for damage in there.
    """
    files = segments(folder)
    first = len(files) - 1
    while first > 0 and _begins(files[first]) >= ts:
        first -= 1
    begun = False
    for file in files[max(first, 0) :]:
        for block in _SegmentReader(file).blocks(torn=file is files[-1]):
            for number, item in block:
                begun = begun or time_of(item) >= ts
                if begun:
                    yield number, item


def last_time(folder: Path) -> int | None:
    """The time of the last input of a tape (epoch ms), None of one that has none. Raises StateError for damage near its end."""
    found = None
    for file in segments(folder)[-1:]:
        for block in _SegmentReader(file).blocks(torn=True):
            for _, item in block:
                found = time_of(item)
    return found


def time_of(item: Input) -> int:
    """When an input happened, by its session's clock (epoch ms)."""
    match item:
        case TickInput():
            return item.tick.ts
        case GapInput():
            return item.since
        case _:
            return item.ts


def _begins(segment: Path) -> int:
    """The time of a segment's first input; one that holds none begins with the beginning."""
    for block in _SegmentReader(segment).blocks(torn=True):
        for _, item in block:
            return time_of(item)
    return 0


def read_runs(folder: Path, lost: Iterable[bytes] = ()) -> Iterator[TickRun | tuple[int, Input]]:
    """The same as `read_tape`, with long runs of ticks as columns."""
    expected = 1
    files, kept = segments(folder), list(lost)
    symbols: dict[int, str] = {}
    for file in files:
        reader = _SegmentReader(file)
        last = file is files[-1]
        reader.symbols = symbols
        for item in runs_of(reader.bodies(torn=last, kept=_first_number(kept) if last else None), symbols, file):
            number, count = (item.first, len(item)) if isinstance(item, TickRun) else (item[0], 1)
            if number != expected:
                raise damaged(file, f"input {number} follows {expected - 1}")
            expected += count
            yield item
    for item in runs_of(_kept(kept, expected), symbols, folder):
        number, count = (item.first, len(item)) if isinstance(item, TickRun) else (item[0], 1)
        if number != expected:
            raise damaged(folder, f"input {number} follows {expected - 1}")
        expected += count
        yield item


class _SegmentReader:
    """Reads one segment. `whole` is where the last whole block ends, `next` the number after its last input."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.symbols: dict[int, str] = {}
        self.whole = len(MAGIC)
        self.next = int(path.stem)

    def read(self, *, torn: bool, kept: int | None = None) -> None:
        """Go through it, for its symbols and its end."""
        for block in self.blocks(torn=torn, kept=kept):
            for _ in block:
                pass

    def blocks(self, *, torn: bool, kept: int | None = None) -> Iterator[Iterator[tuple[int, Input]]]:
        """Each whole block's inputs."""
        for first, count, body in self.bodies(torn=torn, kept=kept):
            yield inputs_of(first, count, body, self.symbols, self._path)

    def bodies(self, *, torn: bool, kept: int | None = None) -> Iterator[tuple[int, int, bytes]]:
        """Each whole block: its first number, how many inputs, and their bytes. With `torn` the first unreadable block that
        nothing whole follows ends the segment, and also one that the journal kept, from input `kept` on: a machine that stops
        does not write in order."""
        with open(self._path, "rb") as file:
            mark = file.read(len(MAGIC))
            if mark != MAGIC:
                # The machine stopped before the first line was written; some file systems leave zeros where it was to be.
                if torn and MAGIC.startswith(mark.rstrip(b"\0")) and self._ends(0, kept):
                    self.whole = 0
                    return
                raise damaged(self._path, "it does not begin as a tape of this version")
            while True:
                header = file.read(HEADER.size)
                if not header:
                    return
                body = read_block(header, file)
                if body is None:
                    if torn and self._ends(self.whole + 1, kept):
                        return
                    raise damaged(self._path, f"the block at byte {self.whole} is not whole")
                yield body
                self.whole = file.tell()
                self.next = body[0] + body[1]

    def _ends(self, start: int, kept: int | None) -> bool:
        """Whether nothing that counts stands from a place on: no whole block, or only such as the journal kept too."""
        return (kept is not None and kept <= self.next) or not holds_whole_block(self._path, start)


def _head(first: int, names: tuple[str, ...]) -> bytes:
    """How a segment begins: its mark, and what codes stand for."""
    records = b"".join(name_record(code, symbol) for code, symbol in enumerate(names))
    return MAGIC + Block(first, 0, records, names).stored


def _last_names(files: list[Path]) -> dict[int, str]:
    """What codes stood for at the end of these segments."""
    for file in reversed(files):
        reader = _SegmentReader(file)
        reader.read(torn=False)
        if reader.whole > len(MAGIC):
            return reader.symbols
    return {}


def _kept(lost: Iterable[bytes], following: int) -> Iterator[tuple[int, int, bytes]]:
    """Blocks that the journal kept, from input `following` on. What they hold before it the files have already."""
    for data in lost:
        _, stored, length, count, first, _ = HEADER.unpack_from(data)
        if first >= following:
            body = data[HEADER.size :]
            yield first, count, body if stored == length else zlib.decompress(body)


def _first_number(lost: list[bytes]) -> int | None:
    return HEADER.unpack_from(lost[0])[4] if lost else None


def holds_whole_block(path: Path, start: int) -> bool:
    """Whether a whole block stands anywhere behind a place: then the damage before it is no torn end."""
    data = path.read_bytes()
    at = data.find(BLOCK, start)
    while at >= 0:
        file = io.BytesIO(data)
        file.seek(at)
        if read_block(file.read(HEADER.size), file) is not None:
            return True
        at = data.find(BLOCK, at + 1)
    return False
