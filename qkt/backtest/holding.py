"""How much of the time and of the money was in the market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

from qkt.backtest.record import RunRecord
from qkt.core.calendars import Calendar
from qkt.core.numbers import exact, q8, quotient, total
from qkt.core.terms import Side
from qkt.ledger import TradeRow


@dataclass(frozen=True, slots=True)
class Holding:
    """`exposure` is the share of the time in session with an open leg. `average_gross` is what the open legs were worth at
    their entries, longs and shorts added, averaged over the time in session, `peak_gross` the most of it; account currency.
    `turnover` is what all fills were worth over the starting balance. None where the run was too short, or where the contract
    size of a traded symbol is not known."""

    exposure: float | None
    average_gross: Decimal | None
    peak_gross: Decimal | None
    turnover: float | None


def holding_of(record: RunRecord, calendar: Calendar, sizes: Mapping[str, Decimal]) -> Holding:
    """`sizes` are the units a lot, by market id."""
    session = calendar.open_ms_between(record.first_ts, record.last_ts)
    exposure = None if session <= 0 else _held_ms(record, calendar) / session
    if any(row.symbol not in sizes for row in record.trades):
        return Holding(exposure, None, None, None)
    worth = [(row, exact(row.price, row.quantity, sizes[row.symbol], row.fx_rate)) for row in record.trades]
    turnover = float(quotient(total(value for _, value in worth), record.balance)) if record.balance else None
    average, peak = _gross(record, calendar, sizes)
    return Holding(exposure, q8(average / session) if session > 0 else None, q8(peak), turnover)


def _held_ms(record: RunRecord, calendar: Calendar) -> int:
    closed = ((trip.entry_time, trip.exit_time) for trip in record.round_trips)
    still_open = ((leg.opened_at, record.last_ts) for leg in record.open_positions)
    held = 0
    until = record.first_ts
    for start, end in sorted(chain(closed, still_open)):
        if end > until:
            held += calendar.open_ms_between(max(start, until), end)
            until = end
    return held


def _gross(record: RunRecord, calendar: Calendar, sizes: Mapping[str, Decimal]) -> tuple[Decimal, Decimal]:
    """The sum of (money held * ms in session), and the most that was held. What a fill takes out of legs leaves at the average
    price at which all legs of that strategy, symbol and side went in."""
    gross = peak = area = Decimal(0)
    held: dict[tuple[str, str, Side], tuple[Decimal, Decimal]] = {}
    at = record.first_ts
    for row in record.trades:
        area += gross * calendar.open_ms_between(at, row.timestamp)
        at = row.timestamp
        gross += _apply(held, row, sizes[row.symbol])
        peak = max(peak, gross)
    return area + gross * calendar.open_ms_between(at, record.last_ts), peak


def _apply(held: dict[tuple[str, str, Side], tuple[Decimal, Decimal]], row: TradeRow, size: Decimal) -> Decimal:
    """Lots and money of the legs after a fill; answers by how much the money changed."""
    change = Decimal(0)
    if row.closed:
        key = (row.strategy, row.symbol, Side.SELL if row.side is Side.BUY else Side.BUY)
        lots, money = held.get(key, (Decimal(0), Decimal(0)))
        gone = money * row.closed / lots if lots > row.closed else money
        held[key] = (max(lots - row.closed, Decimal(0)), money - gone)
        change -= gone
    if row.opened:
        key = (row.strategy, row.symbol, row.side)
        lots, money = held.get(key, (Decimal(0), Decimal(0)))
        worth = row.opened * row.price * size * row.fx_rate
        held[key] = (lots + row.opened, money + worth)
        change += worth
    return change
