"""A portfolio whose children do what a test says: one session on the paper broker, driven quote by quote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import Event, Tick
from qkt.core.instruments import InstrumentRegistry
from qkt.core.terms import OrderKind, Side
from qkt.engine import Session, SessionSettings, TickBoard, assemble
from qkt.engine.traders import ChildFault
from qkt.lang import load_portfolio
from qkt.lang.portfolio import CompiledPortfolio
from qkt.orders import Order
from qkt.portfolio import BookSettings, Portfolio, Supervisor
from qkt.risk import RiskLimits
from qkt.strategy import BracketSpec, CancelSignal, CloseSignal, EnterSignal
from tests.market import GOLD, SILVER, Script, instrument

GATED = "PORTFOLIO p VERSION 1\nSYMBOLS g = SIM:GOLD EVERY 1m\n{imports}RULES\nWHEN g.close > 100 RUN a\nRUN b\n"
FIXED = "PORTFOLIO p VERSION 1 CAPITAL 10000\nSYMBOLS g = SIM:GOLD EVERY 1m\n{imports}RULES RUN a WEIGHT 0.5 RUN b WEIGHT 0.5\n"
REGIMES = """PORTFOLIO p VERSION 1 CAPITAL 10000
SYMBOLS g = SIM:GOLD EVERY 1m
{imports}REGIMES
    NAME mood
    STATE high WHEN g.close > 200
    STATE low WHEN g.close < 50
    STATE mid DEFAULT
ALLOCATE
    METHOD regime_weighted
    high -> a 0.75, b 0.25
    low -> b 1
    mid -> a 0.5, b 0.4, cash 0.1
RULES
    RUN a
    RUN b
"""
CHILD = "STRATEGY c VERSION 1\nSYMBOLS k = SIM:GOLD EVERY 1m\nRULES WHEN k.close < 0 THEN BUY k SIZING 1\n"


def compiled(folder: Path, text: str, children: Sequence[str], hold: Sequence[str]) -> CompiledPortfolio:
    """The portfolio of a text whose `{imports}` are the children, whose own rules never fire."""
    (folder / "c.qkt").write_text(CHILD)
    imports = "".join(f"IMPORT 'c.qkt' AS {child}{' HOLD' if child in hold else ''}\n" for child in children)
    path = folder / "book.qkt"
    path.write_text(text.format(imports=imports))
    return load_portfolio(path)


class Fund:
    """Quotes come a second apart. Children are named by their aliases."""

    def __init__(
        self,
        folder: Path,
        text: str,
        children: Sequence[str] = ("a", "b"),
        book: BookSettings | None = None,
        *,
        hold: Sequence[str] = (),
        on_child_fault: ChildFault | None = None,
        limits: RiskLimits | None = None,
        real: bool = False,
        **terms: object,
    ) -> None:
        loaded = compiled(folder, text, children, hold)
        self.scripts = {child.alias: Script(GOLD, SILVER) for child in loaded.children}
        swapped: Any = [replace(child, strategy=self.scripts[child.alias]) for child in loaded.children]  # type: ignore[arg-type]
        self.portfolio = Portfolio(replace(loaded, children=tuple(swapped)), book)
        for child in self.portfolio.children:
            self.scripts[child.alias].name = child.id
        registry = InstrumentRegistry.standard().with_layer({n: instrument(n, **terms) for n in ("GOLD", "SILVER")})
        self.registry = registry
        clock = EventClock()
        balance = self.portfolio.capital or Decimal(10_000)
        self.session: Session = assemble(
            self.portfolio,
            SessionSettings(balance, instruments=registry, limits=limits or RiskLimits(), audit=True, real=real),
            EventBus(clock),
            clock,
            TickBoard(),
            on_fault=_raise,
            on_child_fault=on_child_fault,
        )
        self.now = 59_000
        self.events: list[Event] = []
        self.session.scope.tap(self.events.append)

    @property
    def supervisor(self) -> Supervisor:
        assert self.session.supervisor is not None
        return self.session.supervisor

    def quote(self, price: object, symbol: str = GOLD, *, at: int | None = None) -> None:
        self.now = self.now + 1_000 if at is None else at
        self.session.on_tick(Tick(symbol, self.now, float(str(price))))

    def close_bar(self, price: object, symbol: str = GOLD) -> None:
        """A candle of one minute that closes at the price, and the tick after it."""
        self.quote(price, symbol, at=self.now + 1)
        self.quote(price, symbol, at=self.now - self.now % 60_000 + 60_000)

    def entry(self, child: str, side: Side, quantity: object, **how: Any) -> EnterSignal:
        symbol = how.pop("symbol", GOLD)
        limit = how.pop("limit", None)
        kind = OrderKind.MARKET if limit is None else OrderKind.LIMIT
        stop_loss = how.pop("stop_loss", None)
        if stop_loss is not None:
            how["bracket"] = BracketSpec(stop_loss, None)
        level = None if limit is None else Decimal(str(limit))
        return EnterSignal(self.id(child), symbol, 0, side, Decimal(str(quantity)), None, kind, level, **how)

    def buy(self, child: str, quantity: object, **how: Any) -> bool:
        return self.fire(child, self.entry(child, Side.BUY, quantity, **how))

    def sell(self, child: str, quantity: object, **how: Any) -> bool:
        return self.fire(child, self.entry(child, Side.SELL, quantity, **how))

    def close(self, child: str, symbol: str = GOLD) -> bool:
        context = self.scripts[child].context
        return self.fire(
            child, CancelSignal(self.id(child), symbol, 0), CloseSignal(self.id(child), symbol, 0, context.legs(symbol))
        )

    def fire(self, child: str, *signals: Any) -> bool:
        return self.scripts[child].context.fire(0, signals)

    def id(self, child: str) -> str:
        return self.scripts[child].name

    def net(self, child: str, symbol: str = GOLD) -> Decimal:
        return self.session.books.net_quantity(self.id(child), symbol)

    def working(self, child: str) -> list[Order]:
        return [order for order in self.session.orders.live_orders() if order.strategy == self.id(child)]

    def told(self, kind: type[Event]) -> list[Any]:
        return sorted((event for event in self.events if type(event) is kind), key=lambda event: event.seq)


def _raise(problem: Exception) -> None:
    raise problem
