"""What a back-test was asked to do, as plain data, so that the very same run can be done again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from qkt.brokers.paper import ExecutionSettings
from qkt.portfolio import BookSettings
from qkt.risk import RiskLimits, limits_from_json, limits_json


@dataclass(frozen=True)
class Recipe:
    """The arguments of `qkt.backtest` that a run from a file had. Paths are absolute, so that it can be done again from
    anywhere; what the files hold is not kept."""

    strategy: str
    data: tuple[str, ...] = ()
    store: str | bool = False
    start: int | None = None
    end: int | None = None
    balance: Decimal | None = None
    currency: str = "USD"
    params: Mapping[str, str] | None = None
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    instruments: str | None = None
    columns: Mapping[str, str] | None = None
    zone: str | None = None
    every_tick: bool = False
    book: BookSettings | None = None
    limits: RiskLimits | None = None
    broker: Literal["paper", "mt5-sim"] = "paper"

    def arguments(self) -> dict[str, Any]:
        """As keyword arguments of `qkt.backtest`, without the strategy."""
        store = Path(self.store) if isinstance(self.store, str) else self.store
        instruments = None if self.instruments is None else Path(self.instruments)
        names = (
            "data",
            "start",
            "end",
            "balance",
            "currency",
            "params",
            "execution",
            "columns",
            "zone",
            "every_tick",
            "book",
            "limits",
            "broker",
        )
        return {"store": store, "instruments": instruments, **{name: getattr(self, name) for name in names}}

    def as_json(self) -> dict[str, Any]:
        """What differs from the defaults, as values that JSON has."""
        plain = Recipe(self.strategy)
        told: dict[str, Any] = {name: value for name, value in vars(self).items() if value != getattr(plain, name)}
        told["strategy"] = self.strategy
        for name, write in _WRITERS.items():
            if name in told:
                told[name] = write(told[name])
        return told

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """Raises KeyError, TypeError or ValueError for what is none."""
        given = dict(value)
        for name, read in _READERS.items():
            if name in given:
                given[name] = read(given[name])
        return cls(**given)


_WRITERS: dict[str, Any] = {
    "data": list,
    "balance": str,
    "params": dict,
    "execution": lambda one: {"fills": one.fills, **one.changed()},
    "columns": dict,
    "book": BookSettings.as_json,
    "limits": limits_json,
}
_READERS: dict[str, Any] = {
    "data": tuple,
    "balance": Decimal,
    "execution": lambda value: ExecutionSettings(**value),
    "book": BookSettings.from_json,
    "limits": limits_from_json,
}


def absolute(specs: Sequence[str | Path] | str | Path) -> tuple[str, ...]:
    """Arguments of `--data` from the root of the disk on: files, folders, and SYMBOL=PATH."""
    return tuple(_absolute(str(spec)) for spec in ([specs] if isinstance(specs, str | Path) else specs))


def _absolute(spec: str) -> str:
    symbol, equals, path = spec.partition("=")
    if equals and not Path(spec).exists():
        return f"{symbol}={Path(path).absolute()}"
    return str(Path(spec).absolute())
