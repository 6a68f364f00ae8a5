"""The shape of a user's instrument file, checked where it enters."""

from __future__ import annotations

import datetime as dt
import difflib
from dataclasses import fields
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from qkt.core.errors import InstrumentError
from qkt.core.instruments import Instrument, quote_code
from qkt.core.numbers import ZERO
from qkt.core.swaps import Rollovers, SwapMode, SwapRate

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
NO_DAY = "NONE"
PLAIN_FIELDS = [field.name for field in fields(Instrument)]
RATE_FIELDS = {
    SwapMode.POINTS: {"swap_long_points", "swap_short_points"},
    SwapMode.PERCENT: {"swap_long_percent", "swap_short_percent"},
    SwapMode.FUNDING: {"funding_percent"},
}
Positive = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
Signed = Annotated[Decimal, Field(allow_inf_nan=False)]


class DatedRate(BaseModel):
    """A financing rate from a date (or UTC time) on: long and short, or the funding rate that longs pay to shorts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Annotated[dt.datetime, Field(alias="from")]
    long: Signed | None = None
    short: Signed | None = None
    rate: Signed | None = None

    @property
    def funding(self) -> bool | None:
        """Which form it has, None for neither."""
        if self.rate is not None:
            return None if self.long is not None or self.short is not None else True
        return None if self.long is None or self.short is None else False

    @field_validator("since")
    @classmethod
    def _in_utc(cls, value: dt.datetime) -> dt.datetime:
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value

    def terms(self) -> SwapRate:
        since = round(self.since.timestamp() * 1000)
        if self.long is not None and self.short is not None:
            return SwapRate(since, self.long, self.short)
        assert self.rate is not None
        return SwapRate(since, -self.rate, self.rate)


class InstrumentEntry(BaseModel):
    """One instrument as written by a user; numbers may be strings, which keeps them exact."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    symbol: Annotated[str, Field(min_length=1)]
    contract_size: Positive
    digits: Annotated[int, Field(ge=0, le=12)]
    point_size: Positive | None = None
    volume_min: Positive = Decimal("0.01")
    volume_step: Positive = Decimal("0.01")
    volume_max: Positive | None = None
    stops_level_points: Annotated[int, Field(ge=0)] = 0
    commission_per_lot: NotNegative = ZERO
    slippage_points: NotNegative = ZERO
    spread_points: NotNegative = ZERO
    swap_long_points: Signed = ZERO
    swap_short_points: Signed = ZERO
    swap_rollover_hour_utc: Annotated[int, Field(ge=0, le=23)] = 21
    swap_triple_day: str = "WEDNESDAY"
    quote_currency: str | None = None
    swap_mode: SwapMode = SwapMode.POINTS
    swap_long_percent: Signed = ZERO
    swap_short_percent: Signed = ZERO
    swap_year_days: Literal[360, 365] = 360
    swap_rollover_zone: str | None = None
    swap_rollover_time: dt.time | None = None
    swap_weekends: bool = False
    swap_rates: tuple[DatedRate, ...] = ()
    funding_percent: Signed = ZERO
    funding_hours: Literal[1, 2, 3, 4, 6, 8, 12, 24] = 8
    average_daily_volume: Positive | None = None

    @field_validator("swap_triple_day")
    @classmethod
    def _a_weekday(cls, value: str) -> str:
        matches = [day for day in (*DAYS, NO_DAY) if day.startswith(value.upper()) and len(value) >= 3]
        if len(matches) != 1:
            raise ValueError(f"expected one of {', '.join(DAYS)}, {NO_DAY}")
        return matches[0]

    @field_validator("swap_rollover_zone")
    @classmethod
    def _a_zone(cls, value: str | None) -> str | None:
        try:
            return value and ZoneInfo(value).key
        except (KeyError, ValueError, OSError):
            raise ValueError("expected a time zone such as America/New_York") from None

    @model_validator(mode="after")
    def _financing_fits(self) -> InstrumentEntry:
        if (self.swap_rollover_zone is None) != (self.swap_rollover_time is None):
            raise ValueError("swap_rollover_zone and swap_rollover_time belong together, such as America/New_York and 17:00")
        if self.swap_rollover_zone is not None and "swap_rollover_hour_utc" in self.model_fields_set:
            raise ValueError("the rollover is given twice, by swap_rollover_hour_utc and by swap_rollover_zone")
        allowed = RATE_FIELDS[self.swap_mode]
        wrong = sorted(self.model_fields_set & (set().union(*RATE_FIELDS.values()) - allowed))
        if wrong:
            raise ValueError(
                f"{wrong[0]} does not belong to swap_mode {self.swap_mode.value}, expected {', '.join(sorted(allowed))}"
            )
        funding = self.swap_mode is SwapMode.FUNDING
        if any(rate.funding is not funding for rate in self.swap_rates):
            raise ValueError(f"swap_rates in swap_mode {self.swap_mode.value} have {'rate' if funding else 'long and short'}")
        dates = [rate.since for rate in self.swap_rates]
        if any(later <= earlier for earlier, later in pairwise(dates)):
            raise ValueError("swap_rates are not in order of time")
        return self

    def terms(self) -> Instrument:
        values: dict[str, Any] = self.model_dump(include=set(PLAIN_FIELDS))
        values["swap_triple_day"] = None if self.swap_triple_day == NO_DAY else DAYS.index(self.swap_triple_day)
        values["point_size"] = self.point_size or Decimal(1).scaleb(-self.digits)
        values["quote_currency"] = self.quote_currency or quote_code(self.symbol)
        values["swap_rates"] = (*self._constant_rate(), *(rate.terms() for rate in self.swap_rates))
        values["swap_rollovers"] = self._rollovers()
        return Instrument(**values)

    def _constant_rate(self) -> list[SwapRate]:
        """The rate that a percent mode has before its dated ones, none when it is zero."""
        long, short = self.swap_long_percent, self.swap_short_percent
        if self.swap_mode is SwapMode.FUNDING:
            long, short = -self.funding_percent, self.funding_percent
        return [SwapRate(0, long, short)] if long or short else []

    def _rollovers(self) -> Rollovers | None:
        if self.swap_mode is SwapMode.FUNDING:
            return Rollovers(minute=0, every_minutes=60 * self.funding_hours, weekends=True)
        if self.swap_rollover_zone is None or self.swap_rollover_time is None:
            daily = Rollovers(minute=60 * self.swap_rollover_hour_utc, weekends=self.swap_weekends)
            return daily if self.swap_weekends else None
        minute = 60 * self.swap_rollover_time.hour + self.swap_rollover_time.minute
        return Rollovers(self.swap_rollover_zone, minute, weekends=self.swap_weekends)


class InstrumentFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")

    instruments: list[InstrumentEntry]
    description: str = ""

    @classmethod
    def parse(cls, where: str, data: object) -> InstrumentFile:
        try:
            return cls.model_validate(data)
        except ValidationError as problem:
            raise InstrumentError(_first_sentence(problem, data), where=where) from None

    def instruments_as_terms(self) -> list[Instrument]:
        return [entry.terms() for entry in self.instruments]


def _first_sentence(problem: ValidationError, data: object) -> str:
    """The first complaint, with the entry's symbol instead of its number."""
    error = problem.errors(include_url=False)[0]
    path = [str(part) for part in error["loc"]]
    if len(path) >= 2 and path[0] == "instruments" and isinstance(data, dict):
        entry = data["instruments"][int(path[1])]
        symbol = entry.get("symbol") if isinstance(entry, dict) else None
        path = [str(symbol or f"entry {int(path[1]) + 1}"), *path[2:]]
    message = error["msg"].removeprefix("Value error, ")
    found = "" if isinstance(error["input"], dict) else f", found {error['input']!r}"
    text = f"{' '.join(path)}: {message}{found}" if path else message
    if error["type"] == "extra_forbidden":
        known = list(InstrumentEntry.model_fields)
        close = difflib.get_close_matches(path[-1], known, n=1)
        text = f"{' '.join(path[:-1])}: unknown field '{path[-1]}'"
        text += f", did you mean '{close[0]}'?" if close else f", expected one of {', '.join(known)}"
    return text
