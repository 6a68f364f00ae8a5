"""A prepared back-test as one file that any process can open: the strategy's texts, settings, and the market's columns.

The columns lie in the file as they lie in memory, so that a process that maps the file reads them without a copy, and all
processes of a machine share one. That is pickle's protocol 5 with its buffers out of band, aligned, behind the pickle itself.
A parcel is for workers of the same job and version and is thrown away after it; it is no format to keep data in.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import pickle
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from os.path import commonpath
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from qkt.backtest.bar_sources import ResolvedBars, is_bars
from qkt.backtest.market import LoadedMarket, Source
from qkt.backtest.prepared import Prepared, runnable_of
from qkt.core.errors import UsageError
from qkt.data import BarSource, BarTable, DataReport
from qkt.engine import SessionSettings
from qkt.portfolio import Portfolio
from qkt.risk import limits_json

ALIGNMENT = 64
NUMBERS = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class _Contents:
    """`ready` without what cannot travel; `files` are the strategy's texts by their place below `root`."""

    ready: Prepared
    root: Path
    strategy: Path
    files: dict[str, bytes]
    params: dict[str, str]


def write_parcel(ready: Prepared, params: dict[str, str], path: Path) -> None:
    """Write a loaded back-test whose strategy is a file. `params` are values with which it can be compiled.

    Raises UsageError for a strategy that is an object: another process cannot make it.
    """
    files = strategy_files(ready)
    root = Path(commonpath([file.parent for file in files]))
    texts = {str(file.relative_to(root)): file.read_bytes() for file in files}
    bare = replace(ready, made=cast(Any, None), sources=_portable(ready))
    contents = _Contents(bare, root, files[0].relative_to(root), texts, params)
    buffers: list[pickle.PickleBuffer] = []
    body = _pickled(contents, buffers.append)
    with path.open("wb") as out:
        views = [memoryview(body), *(buffer.raw() for buffer in buffers)]
        out.write(NUMBERS.pack(len(views)))
        for view in views:
            out.write(NUMBERS.pack(view.nbytes))
        for view in views:
            out.write(b"\0" * (-out.tell() % ALIGNMENT))
            out.write(view)


def _pickled(value: object, take: Callable[[pickle.PickleBuffer], None]) -> bytes:
    """The pickle of a value, its columns taken out of it."""
    out = io.BytesIO()
    _Pickler(out, protocol=5, buffer_callback=take).dump(value)
    return out.getvalue()


class _Pickler(pickle.Pickler):
    """Knows read-only views of mappings too."""

    def reducer_override(self, value: object) -> Any:
        return (_frozen, (dict(value),)) if isinstance(value, MappingProxyType) else NotImplemented


def _frozen(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(values)


class HeldBars:
    """Bars in memory. Implements `BarSource`."""

    def __init__(self, symbol: str, tables: list[BarTable], timeframe_ms: int, report: DataReport, observed: bool) -> None:
        self.symbol = symbol
        self.volume = True
        self.observed = observed
        self.report = report
        self._tables = tables
        self._timeframe_ms = timeframe_ms

    @property
    def timeframe_ms(self) -> int:
        return self._timeframe_ms

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[BarTable]:
        """See `BarSource`."""
        for table in self._tables:
            part = table.between(start, end)
            if len(part):
                yield part if self.volume else replace(part, volume=None)


def _portable(ready: Prepared) -> LoadedMarket:
    """The market without its files: bars are held too."""
    sources = {name: _held(source, ready.start, ready.end) for name, source in ready.sources.items()}
    return LoadedMarket(sources, ready.start, ready.end)


def _held(source: Source, start: int | None, end: int | None) -> Source:
    if isinstance(source, ResolvedBars):
        return ResolvedBars(cast(BarSource, _held(source.bars, start, end)), source.ticks)
    if not is_bars(source):
        return source
    source.volume = True
    return HeldBars(source.symbol, list(source.tables(start, end)), source.timeframe_ms, source.report, source.observed)


def map_parcel(path: Path) -> memoryview:
    """The file, mapped for reading."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


class OpenParcel:
    """A parcel opened. `ready` runs; the strategy's files stand in a folder, `within` another one where that is named, which
    goes with this object."""

    def __init__(self, data: memoryview, within: Path | None = None) -> None:
        body, *buffers = _views(data)
        contents: _Contents = pickle.loads(body, buffers=buffers)
        self._folder = tempfile.TemporaryDirectory(prefix="qkt-research-", dir=within)
        folder = Path(self._folder.name)
        for name, text in contents.files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)
        strategy = folder / contents.strategy
        made = runnable_of(strategy, contents.params, contents.ready.book)
        self.ready = replace(contents.ready, strategy=strategy, made=made)
        self._places = (str(folder), str(contents.root))

    def named(self, text: str) -> str:
        """A sentence with the strategy's own place in the place of the folder's."""
        return text.replace(*self._places)

    def close(self) -> None:
        self._folder.cleanup()


def _views(data: memoryview) -> Iterator[memoryview]:
    (count,) = NUMBERS.unpack_from(data)
    place = NUMBERS.size * (count + 1)
    for number in range(count):
        (length,) = NUMBERS.unpack_from(data, NUMBERS.size * (number + 1))
        place += -place % ALIGNMENT
        yield data[place : place + length]
        place += length


def strategy_files(ready: Prepared) -> list[Path]:
    """The file of the strategy and those it imports. Raises UsageError for a strategy that is no file."""
    if not isinstance(ready.strategy, str | Path):
        raise UsageError("the strategy is an object, which other processes cannot make", expected="its file")
    children = ready.made[0].children if isinstance(ready.made[0], Portfolio) else ()
    return list(dict.fromkeys(Path(file).resolve() for file in (ready.strategy, *(child.path for child in children))))


def fingerprint(ready: Prepared) -> dict[str, str]:
    """What the results of a job depend on besides its parameters, as short hashes by name: equal ones give equal results."""
    texts = hashlib.blake2b(digest_size=8)
    for file in strategy_files(ready):
        texts.update(file.read_bytes() + b"\0")
    columns = hashlib.blake2b(digest_size=8)

    def take(buffer: pickle.PickleBuffer) -> None:
        columns.update(buffer.raw())

    _pickled(_portable(ready), take)
    return {"strategy": texts.hexdigest(), "data": columns.hexdigest(), "settings": _settings(ready)}


def _settings(ready: Prepared) -> str:
    settings: SessionSettings = ready.settings
    terms = [repr(settings.instruments.resolve(market)) for market in ready.sources]
    told = (settings.balance, settings.currency, settings.execution, settings.venue, terms, ready.start, ready.end, ready.book)
    return hashlib.blake2b(f"{told!r}{limits_json(settings.limits)!r}".encode(), digest_size=8).hexdigest()
