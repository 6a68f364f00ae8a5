"""A strategy on the simulated account trades as on paper when the market has no spread."""

from decimal import Decimal

import pytest

from qkt.brokers.factory import BrokerKind, VenueTerms
from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import Tick
from qkt.engine import Session, SessionSettings, TickBoard, assemble
from qkt.lang.loader import load_text
from qkt.ledger import TradeRow
from tests.runtime.samples import CROSS, ticks

LIMITS = """STRATEGY limits VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m
LET quick = ema(eu.close, 3),
    calm = ema(eu.close, 8)
RULES
    WHEN quick CROSSES ABOVE calm AND POSITION.eu = 0
    THEN BUY eu SIZING 0.3 ORDER_TYPE = LIMIT AT eu.close - 0.0002 BRACKET { STOP LOSS BY 0.0008, TAKE PROFIT RR 1.5 }
    WHEN quick CROSSES BELOW calm
    THEN SELL eu SIZING 0.2
    WHEN POSITION.eu < -0.5
    THEN CLOSE eu
"""


def traded(text: str, kind: BrokerKind, market: list[Tick], hedging: bool = True) -> Session:
    clock = EventClock()
    strategy = load_text(text, "parity.qkt", {}).strategy
    settings = SessionSettings(venue=VenueTerms(kind, hedging=hedging), audit=True)
    session = assemble(strategy, settings, EventBus(clock), clock, TickBoard(), on_fault=_raise)
    for tick in market:
        session.on_tick(Tick(tick.symbol, tick.ts, tick.price, tick.bid, tick.ask, tick.volume))
    return session


def _raise(problem: Exception) -> None:
    raise problem


def without_spread(count: int = 6_000) -> list[Tick]:
    return [Tick(t.symbol, t.ts, round(t.price, 5), round(t.price, 5), round(t.price, 5), t.volume) for t in ticks(count)]


@pytest.mark.parametrize("text", [CROSS, LIMITS], ids=["stops and trails", "limits and netting"])
@pytest.mark.parametrize("hedging", [True, False], ids=["hedging", "netting"])
def test_trades_are_those_of_paper(text: str, hedging: bool) -> None:
    market = without_spread()
    paper, simulated = traded(text, BrokerKind.PAPER, market), traded(text, BrokerKind.MT5_SIM, market, hedging)
    assert len(paper.books.trades) > 20
    if not hedging:
        assert simulated.books.trades == paper.books.trades
    assert _orders(simulated.books.trades) == _orders(paper.books.trades)
    assert simulated.books.realized == pytest.approx(paper.books.realized, abs=Decimal("0.01"))


def _orders(rows: list[TradeRow]) -> list[tuple[object, ...]]:
    """Fills of one order at one instant together: on a hedging account a leg that several entries built is several positions,
    and each is closed by itself."""
    found: dict[tuple[object, ...], Decimal] = {}
    for row in rows:
        key = (row.order_id, row.timestamp, row.side, row.price, row.purpose, row.order_type, row.slippage)
        found[key] = found.get(key, Decimal(0)) + row.quantity
    return [(*key, lots) for key, lots in found.items()]
