"""What values of a configuration are made of: numbers as they are written, durations, times of day, zones."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _exact(value: Any) -> Any:
    return repr(value) if isinstance(value, float) else value


# Numbers of a file are read as they are written: 0.1 is a tenth.
Number = Annotated[Decimal, BeforeValidator(_exact), Field(allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0)]
Percent = Annotated[Number, Field(gt=0, le=100)]
Count = Annotated[int, Field(gt=0, strict=True)]


def _span(value: Any) -> Any:
    """A duration such as 30m as milliseconds."""
    found = re.fullmatch(r"(\d+)(ms|s|m|h|d)", value) if isinstance(value, str) else None
    if found is None or not int(found[1]):
        raise ValueError("expected a duration such as 90s, 30m or 4h")
    return int(found[1]) * {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}[found[2]]


def _time_of_day(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError("expected a time of day such as 17:00")
    return value


def _zone(value: Any) -> Any:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(value).key
    except (KeyError, ValueError, TypeError, OSError):
        raise ValueError("no such time zone, expected a name such as America/New_York") from None


# Milliseconds.
Span = Annotated[int, BeforeValidator(_span)]
TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]
Zone = Annotated[str, BeforeValidator(_zone)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
