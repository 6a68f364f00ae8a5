"""Only the clock reads the machine's time, so that the same ticks always mean the same run."""

import re
from pathlib import Path

QKT = Path(__file__).parents[2] / "qkt"
READS = re.compile(r"\btime\.(time|time_ns|localtime|gmtime)\(|datetime\.(now|utcnow|today)\(|date\.today\(")

# File -> why it may.
ALLOWED = {
    "core/clock.py": "is the clock",
}


def test_no_file_reads_the_wall_clock_but_those_allowed() -> None:
    readers = {path.relative_to(QKT).as_posix() for path in QKT.rglob("*.py") if READS.search(path.read_text(encoding="utf-8"))}
    assert readers == set(ALLOWED), "a new reader of the wall clock, or an entry that is no longer needed"
