"""What a session is made of, as it is registered: the source, its parameters, and everything else its results depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from qkt.brokers.paper import ExecutionSettings
from qkt.core.errors import StrategyError
from qkt.core.instruments import InstrumentRegistry
from qkt.engine import SessionSettings
from qkt.risk import RiskLimits, limits_from_json, limits_json
from qkt.strategy import RunnableStrategy


@dataclass(frozen=True)
class Terms:
    """Money and market terms that an engine gives its sessions. `instruments` is the text of a file and its name's ending."""

    balance: Decimal = Decimal(10_000)
    currency: str = "USD"
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    limits: RiskLimits = field(default_factory=RiskLimits)
    instruments: tuple[str, str] | None = None
    begin: int | None = None
    markets: tuple[str, ...] = ()

    @classmethod
    def with_instruments(cls, path: Path, **values: Any) -> Terms:
        """Terms with an instrument file, which is read now and kept with the session."""
        return cls(instruments=(path.read_text(encoding="utf-8"), path.suffix), **values)

    def as_json(self) -> dict[str, Any]:
        """All of it as values that JSON has."""
        return {
            "balance": str(self.balance),
            "currency": self.currency,
            "execution": {"fills": self.execution.fills, **self.execution.changed()},
            "limits": limits_json(self.limits),
            "instruments": None if self.instruments is None else list(self.instruments),
            "begin": self.begin,
            "markets": list(self.markets),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Terms:
        instruments = value["instruments"]
        return cls(
            Decimal(value["balance"]),
            value["currency"],
            ExecutionSettings(**value["execution"]),
            limits_from_json(value["limits"]),
            None if instruments is None else (instruments[0], instruments[1]),
            value["begin"],
            tuple(value["markets"]),
        )

    def settings(self, folder: Path) -> SessionSettings:
        """The settings of the session; its instruments are laid down in its folder."""
        registry = InstrumentRegistry.standard()
        if self.instruments is not None:
            text, suffix = self.instruments
            path = folder / f"instruments{suffix}"
            path.write_text(text, encoding="utf-8")
            registry = InstrumentRegistry.load(path)
        return SessionSettings(
            self.balance, self.currency, registry, self.execution, self.limits, begin=self.begin, markets=self.markets
        )


def source_hash(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def read_strategy(path: Path) -> str:
    """The text of a strategy file. Raises StrategyError for anything but a readable `.qkt` or `.py` file."""
    if path.suffix not in (".qkt", ".py"):
        raise StrategyError("is no strategy", where=str(path), expected="a .qkt or .py file")
    from qkt.lang.source import read_source

    return read_source(path)


def load_strategy(file: str, source: str, params: Mapping[str, str], folder: Path) -> RunnableStrategy:
    """The strategy of a registered source. `file` is where it came from, which names it in messages.

    Raises LanguageError with every problem, StrategyError for Python that cannot be used.
    """
    if Path(file).suffix == ".py":
        from qkt.strategy.loader import load_python

        copy = folder / Path(file).name
        copy.write_text(source, encoding="utf-8")
        return load_python(copy, params)
    from qkt.lang.loader import load_text

    return load_text(source, file, params).strategy
