"""A portfolio as the engine runs it: its streams, its children, and what is configured for its book."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from qkt.core.calendars import calendar_for
from qkt.core.errors import StrategyError
from qkt.core.timeframe import MINUTE_MS
from qkt.portfolio.settings import BookSettings, Method
from qkt.strategy import StreamSpec

if TYPE_CHECKING:
    from qkt.lang.portfolio import Child, CompiledPortfolio


class Portfolio:
    """`streams` are those of the session: first the portfolio's own under their aliases, then every market and timeframe that
    a child declares, once, under a name that no alias can have. Series of equity stand with the child that declares them.

    `capital` is what sizes and limits of the book refer to, None where neither the file nor the settings give any.
    Raises StrategyError for settings that need capital without any, and for a method beside ALLOCATE.
    """

    def __init__(self, compiled: CompiledPortfolio, book: BookSettings | None = None) -> None:
        self.compiled = compiled
        self.name = compiled.name
        self.book = book or BookSettings()
        self.capital: Decimal | None = self.book.capital or compiled.capital
        self._check()
        self.streams: Sequence[StreamSpec] = tuple(self._streams())

    @property
    def children(self) -> tuple[Child, ...]:
        return self.compiled.children

    @property
    def wants_ticks(self) -> bool:
        return any(child.strategy.wants_ticks for child in self.children)

    @property
    def wants_volume(self) -> bool:
        return any(child.strategy.wants_volume for child in self.children)

    @property
    def own_streams(self) -> tuple[StreamSpec, ...]:
        return tuple(self.compiled.gates.streams)

    @property
    def method(self) -> Method:
        """How risk is divided between the children."""
        return Method.REGIME_WEIGHTED if self.compiled.allocation is not None else self.book.method

    @property
    def sampled(self) -> str:
        """The stream whose closes sample the book: the portfolio's first, without any that of the first child."""
        return self.streams[0].alias

    @property
    def samples_per_year(self) -> float:
        """Closes of that stream while its market trades."""
        stream = self.streams[0]
        return calendar_for(stream.symbol).minutes_per_year * MINUTE_MS / stream.timeframe.ms

    def traded(self) -> list[str]:
        """The markets that children declare, in the order of their declaration."""
        return list(dict.fromkeys(s.symbol for child in self.children for s in child.strategy.streams if s.traded))

    def heirs(self) -> dict[str, list[tuple[Child, str]]]:
        """Who hears the candles of each session stream, and under which of its own aliases, in IMPORT order."""
        found: dict[str, list[tuple[Child, str]]] = {}
        for child in self.children:
            for stream in child.strategy.streams:
                if stream.fed:
                    found.setdefault(shared_name(stream), []).append((child, stream.alias))
        return found

    def _streams(self) -> Iterator[StreamSpec]:
        yield from self.own_streams
        declared = [stream for child in self.children for stream in child.strategy.streams]
        for name in dict.fromkeys(shared_name(stream) for stream in declared if stream.fed):
            same = [stream for stream in declared if shared_name(stream) == name]
            yield replace(same[0], alias=name, needs_volume=any(stream.needs_volume for stream in same))
        yield from (stream for stream in declared if not stream.fed)

    def _check(self) -> None:
        if self.capital is None and self.book.needs_capital:
            raise StrategyError(
                f"{self.book.needs_capital} of its book is configured, and it has no capital to measure it by",
                where=self.name,
                remedy="add CAPITAL to the PORTFOLIO, or capital to [book_risk]",
            )
        if self.compiled.allocation is not None and self.book.method is not Method.FIXED:
            raise StrategyError(
                f"ALLOCATE divides its risk, and [book_risk] asks for {self.book.method}",
                where=self.name,
                remedy="keep one of them",
            )


def alias_of(strategy: str) -> str | None:
    """The alias in the id of a portfolio's child, None for a strategy that is alone."""
    return strategy.partition(":")[2] or None


def shared_name(stream: StreamSpec) -> str:
    """What a child's stream is called in its session."""
    return f"{stream.symbol} {stream.timeframe.text}"
