"""Fills: those of running sessions from their books, the others and what books let go of from the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from qkt.core.latest import first_of
from qkt.ledger import TradeRow
from qkt.portfolio import alias_of
from qkt.runtime.control.rows import FillRow
from qkt.runtime.session import LiveSession
from qkt.runtime.views.positions import digits_of
from qkt.runtime.views.sessions import account_of

if TYPE_CHECKING:
    from qkt.runtime.engine import Engine
    from qkt.runtime.journal import Registration
    from qkt.runtime.machine import SessionMachine

SHOWN = 100
"""Fills of a session that a snapshot has."""

WHOLE = set(FillRow.model_fields)
"""Which of its fields a row was given: one set for all rows, as a set for each took as much as the row."""


def session_fills(live: LiveSession, limit: int) -> Iterator[FillRow]:
    """The latest fills of a session that runs, oldest first, of those that its books still have."""
    trades = live.machine.session.books.trades
    for at in range(max(len(trades) - limit, first_of(trades)), len(trades)):
        yield fill_row(live.machine, account_of(live.registration), at, trades[at])


def fill_row(machine: SessionMachine, account: str, at: int, row: TradeRow) -> FillRow:
    """The fill at a place of the session's books."""
    return _fill_row(
        machine.name,
        account,
        at + 1,
        row.timestamp,
        row.order_id,
        row.symbol,
        row.side.value,
        row.quantity,
        row.price,
        row.realized,
        row.commission + row.fees,
        row.slippage,
        row.purpose,
        alias_of(row.strategy),
        digits_of(machine, row.symbol),
    )


def fill_rows(engine: Engine, session: str | None, limit: int) -> list[FillRow]:
    """Fills ever made, the latest `limit`, oldest first."""
    found: list[FillRow] = []
    book, _, child = (session or "").partition("/")
    for name in engine.known() if session is None else [book]:
        hosted = engine.hosted.get(name)
        if hosted is not None:
            own = list(session_fills(hosted.live, limit))
            earlier = first_of(hosted.live.machine.session.books.trades)
            if earlier and len(own) < limit:
                digits = partial(digits_of, hosted.live.machine)
                rows = _journaled(engine, hosted.live.registration, limit, digits)
                found += (row for row in rows if row.number <= earlier)
            found += own
        else:
            found += _journaled(engine, engine.registration(name), limit)
    if child:
        found = [row for row in found if row.child == child]
    found.sort(key=lambda row: row.ts)
    return found[-limit:] if limit else []


def _journaled(
    engine: Engine, registration: Registration, limit: int, digits: Callable[[str], int] | None = None
) -> Iterator[FillRow]:
    """`digits` says how many decimals the price of a symbol has, where that is known."""
    rows = engine.journal.of_kind(registration.run, ["fill"], limit)
    before = engine.journal.count(registration.run, "fill") - len(rows)
    for number, (_, effect) in enumerate(rows, before + 1):
        value = effect.value
        known = None if digits is None else digits(value["symbol"])
        yield recorded_row(registration.name, account_of(registration), number, value, known)


def recorded_row(name: str, account: str, number: int, v: dict[str, Any], digits: int | None = None) -> FillRow:
    """The fill of a record, which is the number-th of its session."""
    exact = {key: Decimal(v[key]) for key in ("quantity", "price", "realized", "commission", "fees", "slippage")}
    return _fill_row(
        name,
        account,
        number,
        v["timestamp"],
        v["order_id"],
        v["symbol"],
        v["side"],
        exact["quantity"],
        exact["price"],
        exact["realized"],
        exact["commission"] + exact["fees"],
        exact["slippage"],
        v["purpose"],
        alias_of(v["strategy"]),
        digits,
    )


def _fill_row(
    name: str,
    account: str,
    number: int,
    ts: int,
    order: str,
    symbol: str,
    side: str,
    quantity: Decimal,
    price: Decimal,
    realised: Decimal,
    cost: Decimal,
    slippage: Decimal,
    purpose: str,
    child: str | None,
    digits: int | None,
) -> FillRow:
    return FillRow.model_construct(
        WHOLE,
        session=name,
        account=account,
        number=number,
        ts=ts,
        order=order,
        symbol=symbol,
        side=cast("Literal['BUY', 'SELL']", side),
        quantity=quantity,
        price=price,
        realised=realised,
        cost=cost,
        slippage=slippage,
        purpose=purpose,
        child=child,
        digits=digits,
    )


class ShownFills:
    """The latest fills of one session as a table, to which new ones are added."""

    def __init__(self) -> None:
        self._rows: dict[str, FillRow] = {}
        self._count = 0

    def of(self, live: LiveSession) -> Mapping[str, FillRow]:
        trades = live.machine.session.books.trades
        if len(trades) != self._count:
            for at in range(max(self._count, len(trades) - SHOWN, first_of(trades)), len(trades)):
                row = fill_row(live.machine, account_of(live.registration), at, trades[at])
                self._rows[row.key] = row
            self._count = len(trades)
            while len(self._rows) > SHOWN:
                del self._rows[next(iter(self._rows))]
        return self._rows
