"""A folder of invented quotes, for examples and tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qkt.core.errors import DataError
from qkt.core.instruments import bare
from qkt.data.synthetic import FIRST_DAY, synthesize
from qkt.data.tick_writer import write_ticks

NOTE = "# Synthetic quotes\n\nInvented by `qkt data synth`: no price here was ever quoted anywhere.\n"


@dataclass(frozen=True, slots=True)
class SampleFile:
    """The invented quotes of one symbol."""

    path: Path
    symbol: str
    rows: int


def write_sample(
    folder: Path | str,
    symbols: Sequence[str] = ("EURUSD", "XAUUSD", "XAGUSD", "BTCUSDT"),
    *,
    days: int = 3,
    seed: int = 7,
    start: dt.date = FIRST_DAY,
    ticks_per_day: int = 20_000,
    prices: Mapping[str, float] | None = None,
) -> list[SampleFile]:
    """Invent quotes of some symbols: a labelled file for each, and a README that says what they are. The same seed gives the
    same files.

    `days` are trading days from `start` on, each with about `ticks_per_day` quotes. `prices` has the first price of symbols for
    which none is known. Raises UsageError for such a symbol without one, DataError when nothing can be written.
    """
    target, names = Path(folder), [bare(symbol).upper() for symbol in symbols]
    written = []
    for name in names:
        blocks = synthesize(name, days, seed, start=start, ticks_per_day=ticks_per_day, price=(prices or {}).get(name))
        path = target / f"{name.lower()}-synthetic.csv.gz"
        written.append(SampleFile(path, name, write_ticks(path, name, blocks)))
    what = f"{', '.join(names)}: {days} days from {start}, about {ticks_per_day:,} quotes a day, seed {seed}.\n"
    _label(target / "README.md", NOTE + what)
    return written


def _label(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise DataError(f"cannot be written ({problem.strerror})", where=str(path)) from None
