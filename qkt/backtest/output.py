"""Files of a run: trades, round trips, equity. Equal runs write equal bytes, and no reader ever sees half a file."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import fields
from decimal import Decimal
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from qkt.core.errors import QktError
from qkt.core.numbers import plain
from qkt.ledger import RoundTrip, TradeRow

if TYPE_CHECKING:
    from qkt.backtest.curve import EquityCurve


def write_trades(path: Path, rows: Iterable[TradeRow]) -> None:
    """One line for each fill: the columns are the fields of `TradeRow` in their order.

    Raises QktError when the file cannot be written.
    """
    _write_rows(path, TradeRow, rows)


def write_round_trips(path: Path, rows: Iterable[RoundTrip]) -> None:
    """One line for each leg that came back to flat: the columns are the fields of `RoundTrip` in their order."""
    _write_rows(path, RoundTrip, rows)


def write_equity(path: Path, curve: EquityCurve) -> None:
    """Every sample: `timestamp` (epoch ms) and `equity`. A name that ends in `.parquet` gets a Parquet file."""
    if path.suffix == ".parquet":
        _replace(path, lambda target: _write_parquet(target, curve))
        return
    samples = zip(curve.times.tolist(), curve.values.tolist(), strict=True)
    _write_csv(path, ("timestamp", "equity"), ((str(ts), repr(value)) for ts, value in samples))


def write_text(path: Path, text: str) -> None:
    """The text alone, in UTF-8."""

    def write(target: Path) -> None:
        target.write_text(text, encoding="utf-8")

    _replace(path, write)


def require_writable(path: Path) -> None:
    """Raise QktError now rather than after a long run when nothing can be written at `path`."""
    folder = path.absolute().parent
    if path.is_dir():
        raise _cannot(path, "it is a folder", "give the name of a file")
    if not folder.is_dir():
        raise _cannot(path, f"there is no folder {folder}", "create it first")
    if not _is_device(path) and not os.access(folder, os.W_OK):
        raise _cannot(path, "permission denied", "choose a folder that you may write to")


def as_text(value: object) -> str:
    """How files write a value: decimals without exponent and without a sign on zero."""
    if isinstance(value, Decimal):
        return plain(value) if value else plain(value.copy_abs())
    return str(value)


def _write_rows(path: Path, kind: type[TradeRow] | type[RoundTrip], rows: Iterable[TradeRow | RoundTrip]) -> None:
    names = tuple(field.name for field in fields(kind))
    _write_csv(path, names, ([as_text(getattr(row, name)) for name in names] for row in rows))


def _write_csv(path: Path, header: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    def write(target: Path) -> None:
        with target.open("w", encoding="utf-8", newline="") as file:
            _csv(file, header, lines)

    _replace(path, write)


def _csv(file: TextIO, header: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)


def _write_parquet(target: Path, curve: EquityCurve) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"timestamp": curve.times, "equity": curve.values}), target)


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    """Write beside the file, then put it in its place; a pipe or a device is written directly."""
    final = path if _is_device(path) else path.resolve()
    target = final if _is_device(path) else draft_of(final)
    try:
        write(target)
        if target != final:
            target.replace(final)
    except OSError as problem:
        raise _cannot(path, (problem.strerror or str(problem)).lower()) from None
    finally:
        if target != final:
            with suppress(OSError):
                target.unlink()


def draft_of(target: Path) -> Path:
    """Where to write a file or a folder that takes the place of `target` when it is whole: beside it, under a name that no
    other process uses. What processes left there that were killed as they wrote is removed."""
    for left in target.parent.glob(f".{escape(target.name)}.*.part"):
        number = left.name.split(".")[-2]
        if number.isdecimal() and _is_gone(int(number)):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                with suppress(OSError):
                    left.unlink()
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def _is_gone(process: int) -> bool:
    """Whether there is certainly no such process. Windows has no way to ask that does nothing else."""
    if os.name != "posix":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _cannot(path: Path, why: str, remedy: str | None = None) -> QktError:
    return QktError(f"cannot be written ({why})", where=str(path), remedy=remedy)
