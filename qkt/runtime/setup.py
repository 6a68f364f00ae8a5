"""What a session is made of, as it is registered: the source, its parameters, and everything else its results depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from qkt.brokers.factory import BrokerKind, VenueTerms
from qkt.brokers.paper import ExecutionSettings
from qkt.core.errors import StrategyError
from qkt.core.instruments import Instrument, InstrumentRegistry
from qkt.engine import Runnable, SessionSettings
from qkt.portfolio import BookSettings, Portfolio
from qkt.risk import RiskLimits, limits_from_json, limits_json
from qkt.runtime.bundle import bundled, reading, unbundled


@dataclass(frozen=True)
class Terms:
    """Money and market terms that an engine gives its sessions. `instruments` is the text of a file and its name's ending,
    `broker` who executes, `owner` the mark of the session's orders at a real venue."""

    balance: Decimal = Decimal(10_000)
    currency: str = "USD"
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    limits: RiskLimits = field(default_factory=RiskLimits)
    instruments: tuple[str, str] | None = None
    begin: int | None = None
    markets: tuple[str, ...] = ()
    book: BookSettings = field(default_factory=BookSettings)
    broker: BrokerKind = BrokerKind.PAPER
    owner: str = ""

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
            "book": self.book.as_json(),
            "broker": self.broker,
            "owner": self.owner,
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
            BookSettings.from_json(value.get("book", {})),
            BrokerKind(value.get("broker", BrokerKind.PAPER)),
            value.get("owner", ""),
        )

    def of(self, source: str) -> Terms:
        """The terms of a session of this source: the account of a portfolio with capital starts with that."""
        capital = _capital(source)
        return self if capital is None else replace(self, balance=self.book.capital or capital)

    def settings(self, folder: Path) -> SessionSettings:
        """The settings of the session; its instruments are laid down in its folder."""
        registry = InstrumentRegistry.standard()
        if self.instruments is not None:
            text, suffix = self.instruments
            path = folder / f"instruments{suffix}"
            path.write_text(text, encoding="utf-8")
            registry = InstrumentRegistry.load(path)
        return SessionSettings(
            self.balance,
            self.currency,
            registry,
            self.execution,
            self.limits,
            begin=self.begin,
            markets=self.markets,
            real=self.broker is BrokerKind.MT5,
            venue=VenueTerms(self.broker, self.owner),
        )

    def at_venue(self, owner: str, instruments: Mapping[str, Instrument]) -> Terms:
        """The terms of a session whose orders bear this mark, on instruments as its venue has them."""
        fields_ = ("contract_size", "digits", "point_size", "volume_min", "volume_step", "volume_max", "stops_level_points")
        rows = []
        for symbol, one in instruments.items():
            values = {name: getattr(one, name) for name in fields_}
            row = {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in values.items()}
            rows.append({"symbol": symbol, **row, "quote_currency": one.quote_currency})
        return replace(self, owner=owner, instruments=(json.dumps({"instruments": rows}), ".json"))


def source_hash(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def read_strategy(path: Path) -> str:
    """The text of a strategy file, of a portfolio with those of its children. Raises StrategyError for anything but a readable
    `.qkt` or `.py` file, LanguageError for a portfolio whose children cannot be told."""
    if path.suffix not in (".qkt", ".py"):
        raise StrategyError("is no strategy", where=str(path), expected="a .qkt or .py file")
    from qkt.lang.source import is_portfolio, read_source

    source = read_source(path)
    if not is_portfolio(source):
        return source
    from qkt.lang.portfolio_loader import load_portfolio_text

    imports: dict[str, str] = {}

    def read(written: str, target: Path) -> str:
        imports[written] = read_source(target)
        return imports[written]

    load_portfolio_text(source, path, read=read)
    return bundled(source, imports, str(path))


def load_strategy(
    file: str, source: str, params: Mapping[str, str], folder: Path, book: BookSettings | None = None
) -> Runnable:
    """The strategy or portfolio of a registered source. `file` is where it came from, which names it in messages, `book` what
    is configured for the book of a portfolio.

    Raises LanguageError with every problem, StrategyError for Python that cannot be used.
    """
    if Path(file).suffix == ".py":
        from qkt.strategy.loader import load_python

        copy = folder / Path(file).name
        copy.write_text(source, encoding="utf-8")
        return load_python(copy, params)
    from qkt.lang.loader import load_text
    from qkt.lang.source import is_portfolio

    if is_portfolio(source):
        from qkt.lang.portfolio_loader import load_portfolio_text

        text, imports = unbundled(source)
        return Portfolio(load_portfolio_text(text, Path(file), params, reading(imports)), book)
    return load_text(source, file, params).strategy


def _capital(source: str) -> Decimal | None:
    """The CAPITAL of a portfolio, None of anything else."""
    from qkt.lang.source import is_portfolio

    if not is_portfolio(source):
        return None
    from qkt.lang import tree
    from qkt.lang.parser import parse

    file = parse(unbundled(source)[0], "").file
    return file.capital if isinstance(file, tree.Portfolio) else None
