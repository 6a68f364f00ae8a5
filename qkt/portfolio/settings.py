"""What `[book_risk]` configures of a portfolio's book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Method(StrEnum):
    """How new risk is divided between the children."""

    FIXED = "FIXED"
    INVERSE_VOL = "INVERSE_VOL"
    ERC = "ERC"
    REGIME_WEIGHTED = "REGIME_WEIGHTED"


@dataclass(frozen=True, slots=True)
class Rung:
    """From `drawdown` (fraction of the peak) on, new risk counts `factor` of itself; a factor of 0 is kept for `cooldown_bars`
    more samples after the book has recovered."""

    drawdown: Decimal
    factor: Decimal
    cooldown_bars: int = 0


@dataclass(frozen=True, slots=True)
class ExposureCaps:
    """Multiples of the capital: the sum of what all legs are worth, of what each symbol nets to, and of one symbol."""

    gross: Decimal | None = None
    net: Decimal | None = None
    concentration: Decimal | None = None

    def __bool__(self) -> bool:
        return any(cap is not None for cap in (self.gross, self.net, self.concentration))


@dataclass(frozen=True, slots=True)
class BookSettings:
    """`capital` overrides that of the file. Weights are computed anew every `rebalance_every_bars` samples (at least every
    one); `target_vol` is the volatility of the book a year, as a fraction of capital, that weights are scaled to, their sum
    at most `max_leverage`."""

    capital: Decimal | None = None
    method: Method = Method.FIXED
    rebalance_every_bars: int = 0
    target_vol: float | None = None
    max_leverage: float = 4.0
    ladder: tuple[Rung, ...] = ()
    caps: ExposureCaps = ExposureCaps()

    @property
    def weighs(self) -> bool:
        """Whether weights follow from what the children earn."""
        return self.target_vol is not None or self.method in (Method.INVERSE_VOL, Method.ERC)

    @property
    def needs_capital(self) -> str | None:
        """What of it is measured by the capital."""
        if self.caps:
            return "an exposure cap"
        if self.ladder:
            return "a drawdown ladder"
        if self.target_vol is not None:
            return "a volatility target"
        return "an allocation by risk" if self.weighs else None

    def as_json(self) -> dict[str, Any]:
        """What differs from the defaults, as values that JSON has."""
        plain = BookSettings()
        told: dict[str, Any] = {
            "capital": self.capital and str(self.capital),
            "method": self.method.value,
            "rebalance_every_bars": self.rebalance_every_bars,
            "target_vol": self.target_vol,
            "max_leverage": self.max_leverage,
            "ladder": [[str(rung.drawdown), str(rung.factor), rung.cooldown_bars] for rung in self.ladder],
            "caps": {one.name: str(value) for one in fields(self.caps) if (value := getattr(self.caps, one.name)) is not None},
        }
        return {name: value for name, value in told.items() if getattr(self, name) != getattr(plain, name)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> BookSettings:
        given = dict(value)
        if "capital" in given:
            given["capital"] = Decimal(given["capital"])
        if "method" in given:
            given["method"] = Method(given["method"])
        if "ladder" in given:
            given["ladder"] = tuple(Rung(Decimal(at), Decimal(factor), bars) for at, factor, bars in given["ladder"])
        if "caps" in given:
            given["caps"] = ExposureCaps(**{name: Decimal(cap) for name, cap in given["caps"].items()})
        return cls(**given)
