"""The shape of a user's instrument file, checked where it enters."""

from __future__ import annotations

import difflib
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from qkt.core.errors import InstrumentError
from qkt.core.instruments import Instrument, quote_code
from qkt.core.numbers import ZERO

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
Positive = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
Signed = Annotated[Decimal, Field(allow_inf_nan=False)]


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

    @field_validator("swap_triple_day")
    @classmethod
    def _a_weekday(cls, value: str) -> str:
        matches = [day for day in DAYS if day.startswith(value.upper()) and len(value) >= 3]
        if len(matches) != 1:
            raise ValueError(f"expected one of {', '.join(DAYS)}")
        return matches[0]

    def terms(self) -> Instrument:
        values: dict[str, Any] = self.model_dump()
        values["swap_triple_day"] = DAYS.index(self.swap_triple_day)
        values["point_size"] = self.point_size or Decimal(1).scaleb(-self.digits)
        values["quote_currency"] = self.quote_currency or quote_code(self.symbol)
        return Instrument(**values)


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
    text = f"{' '.join(path)}: {error['msg']}, found {error['input']!r}" if path else error["msg"]
    if error["type"] == "extra_forbidden":
        known = list(InstrumentEntry.model_fields)
        close = difflib.get_close_matches(path[-1], known, n=1)
        text = f"{' '.join(path[:-1])}: unknown field '{path[-1]}'"
        text += f", did you mean '{close[0]}'?" if close else f", expected one of {', '.join(known)}"
    return text
