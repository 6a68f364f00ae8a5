"""Damaged files of ticks: `python -m tests.data.fuzz COUNT [SEED]`.

Each is refused in a sentence, or read with every row handed on or counted as left out. Exit code 1 when one brought
down its reader, or a row got lost without a word.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet

from qkt.core.errors import QktError
from qkt.data import open_data
from qkt.runtime.tape import TapeWriter, read_tape, segments
from tests.runtime.samples import ticks

ROWS = 300
KINDS = (".csv", ".csv.gz", ".parquet", ".tape")
SHOWN = 10


def sound(folder: Path) -> dict[str, bytes]:
    """A file of each kind, as bytes."""
    rows = list(ticks(ROWS))
    columns = {"timestamp": [t.ts for t in rows], "bid": [t.bid for t in rows], "ask": [t.ask for t in rows]}
    lines = zip(*columns.values(), strict=True)
    text = "timestamp,bid,ask\n" + "".join(f"{ts},{bid},{ask}\n" for ts, bid, ask in lines)
    table = pa.table(columns)
    pyarrow.parquet.write_table(table, folder / "a.parquet")
    writer = TapeWriter(folder / "tape")
    for place, tick in enumerate(rows, 1):
        writer.append_tick(tick, place)
        if place % 40 == 0:
            writer.flush()
    writer.close()
    tape, parquet = segments(folder / "tape")[0].read_bytes(), (folder / "a.parquet").read_bytes()
    return {".csv": text.encode(), ".csv.gz": gzip.compress(text.encode(), mtime=0), ".tape": tape, ".parquet": parquet}


def damaged(rng: Random, data: bytes) -> bytes:
    """Bytes changed, cut off, taken out, doubled, or put in."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        at, length = rng.randrange(len(found) or 1), rng.choice((1, 1, 2, 8, 64))
        match rng.randrange(5):
            case 0 if found:
                found[at] = rng.randrange(256)
            case 1:
                del found[at:]
            case 2:
                del found[at : at + length]
            case 3:
                found[at:at] = found[at : at + length]
            case _:
                found[at:at] = rng.choice((b"\0", b"\n", b",", b"nan", b"-1", b"1e400", b'"', bytes([255]), b"9" * 30))
    return bytes(found)


def tried(folder: Path, kind: str, data: bytes) -> str:
    """What became of a damaged file: `refused`, `read`, or `cut off` for a tape that lacks its end. Raises AssertionError for
    rows that got lost, and whatever brought the reader down."""
    try:
        return _taped(folder, data) if kind == ".tape" else _read(folder / f"ticks{kind}", data)
    except QktError as problem:
        refusal = str(problem)
    assert "\n" not in refusal, f"no sentence: {refusal}"
    return "refused"


def _read(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    (source,) = open_data([f"SIM:EURUSD={path}"]).values()
    handed = sum(len(table) for table in source.tables())
    report = source.report
    assert handed == report.good, f"{handed} rows were handed on, {report.good} are counted"
    assert report.good + report.bad == report.rows, f"{report.rows} rows, {report.good} good, {report.bad} left out"
    return "read"


def _taped(folder: Path, data: bytes) -> str:
    """A tape is a prefix of what was written, each tick as it was, or it is refused."""
    tape = folder / "damaged"
    tape.mkdir(exist_ok=True)
    (tape / "000000000001.tape").write_bytes(data)
    found = [(number, item) for number, item in read_tape(tape)]
    for (number, item), tick in zip(found, ticks(ROWS), strict=False):
        assert getattr(item, "tick", None) == tick, f"input {number} is another one"
    assert len(found) <= ROWS
    return "read" if len(found) == ROWS else "cut off"


def fuzz(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """What became of so many files, and those that were mistreated."""
    became: Counter[str] = Counter()
    mistreated: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = sound(folder)
        for number in range(seed, seed + count):
            kind = KINDS[number % len(KINDS)]
            try:
                became[f"{kind} {tried(folder, kind, damaged(Random(number), files[kind]))}"] += 1
            except Exception as problem:
                became["mistreated"] += 1
                mistreated.append(f"{kind}, seed {number}: {''.join(traceback.format_exception(problem)[-2:]).strip()}")
    return became, mistreated


def main() -> int:
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    became, mistreated = fuzz(count, seed)
    for told in mistreated[:SHOWN]:
        print(told)
    print(", ".join(f"{number} {what}" for what, number in sorted(became.items())))
    return int(bool(mistreated))


if __name__ == "__main__":
    sys.exit(main())
