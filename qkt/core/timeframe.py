"""Timeframes and the UTC grid of their windows."""

from __future__ import annotations

from dataclasses import dataclass

from qkt.core.errors import UsageError

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
UNITS_MS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": WEEK_MS}

# The epoch was a Thursday; weeks start on Monday 1970-01-05.
FIRST_MONDAY_MS = 4 * DAY_MS


@dataclass(frozen=True, slots=True)
class Timeframe:
    """A bar length. Windows are aligned to multiples of it since the epoch; those of whole weeks to Mondays."""

    text: str
    ms: int

    @classmethod
    def parse(cls, text: str) -> Timeframe:
        """`5m`, `4h`, `1d`, `1w`. Raises UsageError for anything else."""
        digits, unit = text[:-1], text[-1:]
        if unit not in UNITS_MS or not (digits.isascii() and digits.isdigit()) or int(digits) == 0:
            raise UsageError(f"'{text}' is no timeframe", expected="a whole number and one of s m h d w, such as 5m")
        return cls(text, int(digits) * UNITS_MS[unit])

    @property
    def offset(self) -> int:
        """Where the grid starts, in ms after the epoch."""
        return FIRST_MONDAY_MS if self.text.endswith("w") else 0

    def window_start(self, ts: int) -> int:
        """Start of the window that holds `ts`."""
        return ts - (ts - self.offset) % self.ms
