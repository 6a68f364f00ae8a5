"""Numbers, times and foreign text as they stand on the screen. Nothing here knows a terminal or a session.

None is what is not known and shows as `-`, never as zero.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from rich.cells import cell_len

UNKNOWN = "-"
# Decimals beyond which no market is quoted.
QUOTED = 6
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


def money(value: Decimal | None, places: int = 2) -> str:
    """An amount without a sign of gain: `10,412.80`."""
    return UNKNOWN if value is None else f"{value:,.{places}f}"


def gain(value: Decimal | None, places: int = 2) -> str:
    """Profit or loss, always with its sign; what rounds to nothing has none: `+7.50`, `-31.80`, `0.00`."""
    if value is None:
        return UNKNOWN
    text = f"{value:+,.{places}f}"
    return text[1:] if not any(digit in "123456789" for digit in text) else text


def percent(value: Decimal | None, places: int = 1) -> str:
    return UNKNOWN if value is None else f"{gain(value, places)}%"


def share(value: Decimal | None, places: int = 1) -> str:
    """A part of a whole, in percent, without a sign."""
    return UNKNOWN if value is None else f"{value:,.{places}f}%"


def price(value: Decimal | None, digits: int | None = None) -> str:
    """A price with the digits of its instrument, or all it has: no digit is cut."""
    if value is None:
        return UNKNOWN
    text = f"{value:f}"
    own = len(text) - text.rfind(".") - 1 if "." in text else 0
    if own == digits and own <= QUOTED:
        return text
    if digits is None or (own > digits and value != round(value, digits)):
        return text if own < 8 else f"{value.normalize():f}"
    text = f"{value:.{digits}f}"
    if digits > QUOTED:  # the step of an instrument that nobody has described, not of its quotes
        whole, _, part = text.partition(".")
        return f"{whole}.{part.rstrip('0'):0<2}"
    return text


def level(value: Decimal | None, digits: int | None) -> str:
    """A price that was calculated, to the step in which its instrument is quoted: it is met by no quote in between."""
    return price(value if value is None or digits is None else round(value, digits), digits)


def quantity(value: Decimal | None) -> str:
    """Lots, at least two decimals, and no trailing zeros beyond them."""
    if value is None:
        return UNKNOWN
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0")
    whole, _, part = text.partition(".")
    return f"{whole}.{part:<02}" if len(part) < 2 else text


def times(value: Decimal | None) -> str:
    """A multiple of the risk taken: `+0.3`."""
    return UNKNOWN if value is None else gain(value, 1)


def count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def age(ms: int | None) -> str:
    """How long ago, in the largest unit that says enough: `0s`, `47s`, `14m`, `3h20m`, `3d04h`."""
    if ms is None:
        return UNKNOWN
    ms = max(ms, 0)
    if ms < MINUTE:
        return f"{ms // SECOND}s"
    if ms < HOUR:
        return f"{ms // MINUTE}m"
    if ms < DAY:
        return f"{ms // HOUR}h{ms % HOUR // MINUTE:02}m"
    return f"{ms // DAY}d{ms % DAY // HOUR:02}h"


@lru_cache(maxsize=4096)
def clock(ts: int | None) -> str:
    """Time of day, UTC."""
    return UNKNOWN if ts is None else f"{datetime.fromtimestamp(ts // 1000, UTC):%H:%M:%S}"


@lru_cache(maxsize=4096)
def minute(ts: int | None) -> str:
    return UNKNOWN if ts is None else f"{datetime.fromtimestamp(ts // 1000, UTC):%H:%M}"


@lru_cache(maxsize=4096)
def moment(ts: int | None) -> str:
    """Date and minute, UTC."""
    return UNKNOWN if ts is None else f"{datetime.fromtimestamp(ts // 1000, UTC):%Y-%m-%d %H:%M}"


def when(ts: int | None, now: int) -> str:
    """Time of day, or the date of another day."""
    if ts is None:
        return UNKNOWN
    return clock(ts) if ts // DAY == now // DAY else f"{datetime.fromtimestamp(ts // 1000, UTC):%m-%d %H:%M}"


def account(name: str) -> str:
    """An account as it may be shown to whoever looks over a shoulder: `5512..89`, and names as they are."""
    bare = name.rpartition(":")[2]
    return f"{bare[:4]}..{bare[-2:]}" if bare.isdigit() and len(bare) > 6 else clean(bare)


def symbol(name: str) -> str:
    """A market id without its venue."""
    return clean(name.rpartition(":")[2])


def clean(text: str) -> str:
    """Text from outside, on one line and without anything that a terminal would obey, hide or draw two cells wide."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


@lru_cache(maxsize=2048)
def _shown(char: str) -> str:
    if char in "\n\r\t" or unicodedata.category(char) == "Zs":
        return " "
    if unicodedata.category(char)[0] in "CM" or not char.isprintable():
        return ""
    return char if cell_len(char) == 1 and ord(char) <= 0x1F000 else "?"


def clip(text: str, width: int) -> str:
    """Words that do not fit end in `..`, so that a cut is seen."""
    if len(text) <= width:
        return text
    return text[: width - 2] + ".." if width > 4 else text[: max(width, 0)]


@lru_cache(maxsize=4096)
def day(ts: int | None) -> str:
    return UNKNOWN if ts is None else f"{datetime.fromtimestamp(ts // 1000, UTC):%Y-%m-%d}"


def size(count: int | None) -> str:
    """Bytes in the unit that reads best."""
    if count is None:
        return UNKNOWN
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return UNKNOWN
