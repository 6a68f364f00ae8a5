"""What `--data` names, as sources."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qkt.core.errors import DataError
from qkt.core.instruments import bare, quote_code
from qkt.data.files import DataFile, FileBars, FileTicks, Reading, open_file
from qkt.data.ordering import TOLERANCE_MS
from qkt.data.sources import BarSource, TickSource

SUFFIXES = (".csv", ".csv.gz", ".parquet")


@dataclass(slots=True)
class _Found:
    """Files of one symbol, with the symbol to pick from them (None: all rows) and what to say about it."""

    ticks: list[DataFile] = field(default_factory=list)
    bars: list[DataFile] = field(default_factory=list)
    key: str | None = None
    notes: list[str] = field(default_factory=list)


def open_data(
    specs: Sequence[str],
    *,
    column_mapping: Mapping[str, str] | None = None,
    zone: str | None = None,
    tolerance_ms: int = TOLERANCE_MS,
    bars_first: bool = False,
    finest_ms: Mapping[str, int] | None = None,
) -> dict[str, TickSource | BarSource]:
    """Sources by bare symbol for arguments that are each a file, a folder of files, or SYMBOL=PATH.

    The symbol of a file is the one given; else that of its symbol column, of which there may be several; else the one its
    name begins with (`eurusd-2024-01-10.csv.gz`); else empty, which stands for the single stream of a run. Files of one
    symbol are joined in order of time and must not overlap. Where a symbol has ticks and bars, the ticks are taken, or the
    bars with `bars_first`. Of bars of several lengths the longest is taken that divides the symbol's `finest_ms`.
    Raises DataError for what cannot be read or recognised; row by row the sources do so while they are read.
    """
    reading = Reading(column_mapping, zone, tolerance_ms)
    found: dict[str, _Found] = {}
    for spec in specs:
        given, paths = _paths(spec)
        for path in paths:
            file = open_file(path, reading)
            for symbol, key, note in _symbols(file, given):
                entry = found.setdefault(symbol, _Found())
                entry.key = entry.key or key
                entry.notes += [note] if note else []
                (entry.bars if file.layout.bars else entry.ticks).append(file)
    sources: dict[str, TickSource | BarSource] = {}
    for symbol, entry in found.items():
        ticks = bool(entry.ticks) and not (bars_first and entry.bars)
        if entry.ticks and entry.bars:
            entry.notes.append(f"there are ticks and bars, the {'ticks' if ticks else 'bars'} are taken")
        if ticks:
            sources[symbol] = FileTicks(symbol, entry.ticks, reading, entry.key, entry.notes)
        else:
            sources[symbol] = _bars(symbol, entry, reading, (finest_ms or {}).get(symbol))
    return sources


def _bars(symbol: str, entry: _Found, reading: Reading, finest: int | None) -> FileBars:
    """The bars of one length: the longest that divides `finest` (ms), the shortest of all without one."""
    by_length: dict[int, list[DataFile]] = {}
    for file in entry.bars if len(entry.bars) > 1 else ():
        length = FileBars(symbol, [file], reading, entry.key, ()).timeframe_ms
        by_length.setdefault(length, []).append(file)
    if len(by_length) <= 1:
        return FileBars(symbol, entry.bars, reading, entry.key, entry.notes)
    fitting = [length for length in by_length if finest is not None and finest % length == 0]
    taken = max(fitting) if fitting else min(by_length)
    note = f"there are bars of {len(by_length)} lengths, those of {taken // 1000} s are taken"
    return FileBars(symbol, by_length[taken], reading, entry.key, [*entry.notes, note])


def symbol_in_name(path: Path) -> str | None:
    """The symbol that a file's name begins with: letters that end in a currency, after three to five of the base."""
    name = re.sub(r"^DAT_(ASCII|MT|NT|XLSX)_", "", path.name, flags=re.IGNORECASE)
    match = re.match(r"[A-Za-z]{6,9}(?![A-Za-z0-9])", name)
    if match is None:
        return None
    symbol = match[0].upper()
    code = quote_code(symbol)
    return symbol if code is not None and 3 <= len(symbol) - len(code) <= 5 else None


def _paths(spec: str) -> tuple[str | None, list[Path]]:
    """The symbol, if given, and the files of one argument."""
    given: str | None = None
    text = spec
    if "=" in spec and not Path(spec).exists():
        symbol, _, text = spec.partition("=")
        given = bare(symbol.strip()).upper() or None
    path = Path(text).expanduser()
    if not path.exists():
        raise DataError("there is no such file or folder", where=text or spec)
    if not path.is_dir():
        return given, [path]
    files = sorted(file for file in path.iterdir() if file.is_file() and file.name.lower().endswith(SUFFIXES))
    if not files:
        remedy = "give the store with --store" if (path / "manifest.json").exists() else None
        raise DataError("the folder has no data files", where=text, expected=" ".join(SUFFIXES), remedy=remedy)
    return given, files


def _symbols(file: DataFile, given: str | None) -> list[tuple[str, str | None, str | None]]:
    """Symbol, the name to pick rows by, and a remark, for each symbol that a file provides."""
    named = file.symbols()
    if given is not None:
        if not named or named == [given]:
            return [(given, None, None)]
        if given in named:
            return [(given, given, None)]
        if len(named) == 1:
            return [(given, None, f"{file.path.name} calls the symbol {named[0]}")]
        raise DataError(f"there is no {given}", where=str(file.path), expected=f"one of {', '.join(named)}")
    if named:
        return [(bare(name), name if len(named) > 1 else None, None) for name in named]
    guess = symbol_in_name(file.path)
    if guess is not None:
        return [(guess, None, f"the symbol is taken from the name {file.path.name}")]
    return [("", None, f"{file.path.name} names no symbol, it serves the single stream")]
