"""Times as files write them, to epoch milliseconds UTC."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from qkt.core.errors import UsageError
from qkt.core.timeframe import HOUR_MS, MINUTE_MS
from qkt.data.tables import Ints

if TYPE_CHECKING:
    import pyarrow as pa

# What cannot be read as a time becomes this; no market data is as old as the epoch.
UNREADABLE = 0

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

CLOCK = r"(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)"


@dataclass(frozen=True, slots=True)
class EpochTime:
    """A whole number of units since the epoch; a millisecond has `per_ms` of them, or a unit `ms` milliseconds."""

    name: str
    per_ms: int = 1
    ms: int = 1

    def to_ms(self, values: Ints) -> Ints:
        if self.ms == self.per_ms:
            return values
        ms: Ints = values * self.ms // self.per_ms
        return ms


@dataclass(frozen=True, slots=True)
class TextTime:
    """A date and a time of day; `pattern` recognises it and `iso` rewrites it as ISO 8601."""

    name: str
    pattern: str
    iso: str


TimeFormat = EpochTime | TextTime

SECONDS = EpochTime("epoch seconds", ms=1000)
MILLISECONDS = EpochTime("epoch milliseconds")
MICROSECONDS = EpochTime("epoch microseconds", per_ms=1_000)
NANOSECONDS = EpochTime("epoch nanoseconds", per_ms=1_000_000)

TEXT_TIMES = (
    TextTime("ISO 8601", rf"^(\d{{4}}-\d\d-\d\d)[ T]{CLOCK} ?(Z|[+-]\d\d(?::?\d\d)?)?$", r"\1 \2\3"),
    TextTime("DD.MM.YYYY", rf"^(\d\d)\.(\d\d)\.(\d{{4}}) {CLOCK}(?: GMT([+-]\d{{4}}))?$", r"\3-\2-\1 \4\5"),
    TextTime("YYYY.MM.DD", rf"^(\d{{4}})\.(\d\d)\.(\d\d) {CLOCK}$", r"\1-\2-\3 \4"),
    TextTime("ISO date", r"^(\d{4}-\d\d-\d\d)$", r"\1"),
    TextTime("YYYY.MM.DD without a time of day", r"^(\d{4})\.(\d\d)\.(\d\d)$", r"\1-\2-\3"),
    TextTime("YYYYMMDD HHMMSSmmm", r"^(\d{4})(\d\d)(\d\d) (\d\d)(\d\d)(\d\d)(\d{3})$", r"\1-\2-\3 \4:\5:\6.\7"),
    TextTime("YYYYMMDD HHMMSS", r"^(\d{4})(\d\d)(\d\d) (\d\d)(\d\d)(\d\d)$", r"\1-\2-\3 \4:\5:\6"),
)


def time_format(sample: str, name: str = "") -> TimeFormat | None:
    """How a time is written, None when it is none that we know. The size of a number tells its unit, unless the name of its
    column ends in `_ms`."""
    if name.lower().endswith("_ms") and re.fullmatch(r"\d{1,18}", sample):
        return MILLISECONDS
    if re.fullmatch(r"\d{9,19}", sample):
        value = int(sample)
        limits = ((10**11, SECONDS), (10**14, MILLISECONDS), (10**17, MICROSECONDS))
        return next((unit for limit, unit in limits if value < limit), NANOSECONDS)
    return next((form for form in TEXT_TIMES if re.match(form.pattern, sample)), None)


def first_time_format(samples: Iterable[str], name: str = "") -> TimeFormat | None:
    """The format of the first sample that has one."""
    for sample in samples:
        form = time_format(sample, name)
        if form is not None:
            return form
    return None


def carries_offset(sample: str) -> bool:
    """Whether a time says itself how far from UTC it stands."""
    return re.search(r"(Z|[+-]\d\d:?\d\d)$", sample) is not None and time_format(sample) is not None


def parse_utc(text: str) -> int:
    """Epoch ms of an ISO date or time, which is UTC unless it carries an offset. Raises UsageError."""
    try:
        stamp = dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"'{text}' is no time", expected="an ISO date or time such as 2024-01-10 or 2024-01-10T14:30"
        ) from None
    stamp = stamp.replace(tzinfo=stamp.tzinfo or dt.UTC)
    return int((stamp - EPOCH) // dt.timedelta(milliseconds=1))


class Zone:
    """A zone of wall-clock times: an IANA name, an offset (`+02:00`), or both (`America/New_York+07:00`, the server time
    of many MetaTrader brokers: midnight at 17:00 New York)."""

    def __init__(self, text: str) -> None:
        """Raises UsageError for a zone that does not exist."""
        zone, ahead = _zone_info(text), 0
        match = re.fullmatch(r"(.*?)([+-])(\d{1,2})(?::(\d\d))?", text)
        if zone is None and match is not None:
            zone = _zone_info(match[1] or "UTC")
            ahead = (int(match[3]) * 60 + int(match[4] or 0)) * (-1 if match[2] == "-" else 1)
        if zone is None:
            raise UsageError(f"'{text}' is no time zone", expected="a name such as Europe/Athens, or an offset such as +02:00")
        self._zone = zone
        self._ahead_ms = ahead * MINUTE_MS

    def to_utc(self, wall: Ints) -> Ints:
        """Epoch ms of wall-clock times that are given as if they were UTC. In a repeated hour the first one is meant."""
        local = wall - self._ahead_ms
        if self._zone.key == "UTC" or not len(local):
            return local
        quarters, index = np.unique(local // (HOUR_MS // 4), return_inverse=True)
        offsets = np.array([_offset_ms(self._zone, int(quarter) * (HOUR_MS // 4)) for quarter in quarters])
        utc: Ints = local - offsets[index]
        return utc


def _zone_info(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return None


@lru_cache(maxsize=65536)
def _offset_ms(zone: ZoneInfo, wall_ms: int) -> int:
    wall = dt.datetime(1970, 1, 1, tzinfo=zone) + dt.timedelta(milliseconds=wall_ms)
    offset = wall.utcoffset()
    return int(offset.total_seconds()) * 1000 if offset is not None else 0


def filled(cells: Any, value: int) -> Any:
    """An arrow column with a number where it has none. A column without gaps stays, for which arrow need not go and look
    whether pandas is installed."""
    return cells.fill_null(value) if cells.null_count else cells


def text_to_ms(text: pa.Array | pa.ChunkedArray, form: TextTime, zone: Zone) -> Ints:
    """Epoch ms of a column of texts; times without an offset of their own are of the zone. UNREADABLE where it fails."""
    import pyarrow as pa
    import pyarrow.compute as pc

    iso = pc.replace_substring_regex(text, form.pattern, form.iso)
    for kind, local in ((pa.timestamp("us"), True), (pa.timestamp("us", "UTC"), False)):
        try:
            stamps = iso.cast(kind).cast(pa.int64())
        except pa.ArrowInvalid:
            continue
        known = stamps.is_valid().to_numpy(zero_copy_only=False) if stamps.null_count else None
        ms = filled(stamps, 0).to_numpy() // 1000
        ms = zone.to_utc(ms) if local else ms
        return ms if known is None else np.where(known, ms, UNREADABLE)
    return _one_by_one(iso.to_pylist(), zone)


def _one_by_one(texts: list[str | None], zone: Zone) -> Ints:
    """For columns in which some texts are broken or only some carry an offset."""
    ms = np.full(len(texts), UNREADABLE, np.int64)
    wall = np.zeros(len(texts), bool)
    for row, text in enumerate(texts):
        try:
            stamp = dt.datetime.fromisoformat(text or "")
        except ValueError:
            continue
        wall[row] = stamp.tzinfo is None
        ms[row] = (stamp.replace(tzinfo=stamp.tzinfo or dt.UTC) - EPOCH) // dt.timedelta(milliseconds=1)
    ms[wall] = zone.to_utc(ms[wall])
    return ms
