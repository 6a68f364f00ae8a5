"""What fills got against the quotes, and which of them two runs of one session share."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from qkt.brokers.paper.fills import money
from qkt.core.events import Trade
from qkt.core.numbers import EXACT, ZERO, q8, quotient
from qkt.core.terms import OrderKind, Side
from qkt.orders import SubmitOrder
from qkt.runtime.machine import SessionMachine

WITHIN = 60_000
"""Milliseconds that the same fill of two runs may be apart."""
KEPT = 4096
"""Orders remembered of each sort."""


@dataclass(slots=True)
class Got:
    """Prices of fills against a quote, signed as money: negative when it cost. Points are of each symbol, money in account
    currency; `worst` is the lowest of one fill."""

    fills: int = 0
    points: Decimal = ZERO
    worst_points: Decimal = ZERO
    money: Decimal = ZERO
    worst_money: Decimal = ZERO

    def add(self, points: Decimal, money: Decimal) -> None:
        self.worst_points = points if not self.fills else min(self.worst_points, points)
        self.worst_money = money if not self.fills else min(self.worst_money, money)
        self.fills += 1
        self.points += points
        self.money += money

    def as_json(self) -> dict[str, str] | None:
        if not self.fills:
            return None
        mean = q8(quotient(self.points, Decimal(self.fills)))
        values = (mean, self.worst_points, self.money, self.worst_money)
        names = ("mean_points", "worst_points", "money", "worst_money")
        return {name: f"{value:f}" for name, value in zip(names, values, strict=True)}


class Slippage:
    """Attends a machine, or one `owner` of positions in it. `decision` is against what was decided: the side's quote when a
    market order was sent, the level of any other; `quote` against the side's quote when the fill was booked."""

    def __init__(self, machine: SessionMachine, owner: str | None = None) -> None:
        self.decision, self.quote = Got(), Got()
        self._machine = machine
        self._owner = owner
        self._decided: OrderedDict[str, Decimal] = OrderedDict()
        scope = machine.session.scope
        scope.subscribe_first(SubmitOrder, self._on_submit)
        scope.subscribe(Trade, self._on_trade)

    def _on_submit(self, command: SubmitOrder) -> None:
        order = command.order
        if self._owner not in (None, order.strategy):
            return
        price = self._quoted(order.symbol, order.side)
        if order.kind is OrderKind.MARKET and price is not None:
            self._decided[order.id] = price
            if len(self._decided) > KEPT:
                self._decided.popitem(last=False)

    def _on_trade(self, trade: Trade) -> None:
        fill = trade.fill
        if self._owner not in (None, fill.strategy):
            return
        meant = self._decided.get(fill.order_id, fill.reference)
        quoted = self._quoted(fill.symbol, fill.side)
        self.decision.add(*self._worth(trade, meant))
        if quoted is not None:
            self.quote.add(*self._worth(trade, quoted))
        if fill.complete:
            self._decided.pop(fill.order_id, None)

    def _quoted(self, symbol: str, side: Side) -> Decimal | None:
        quote = self._machine.board.quote(symbol)
        return None if quote is None else money(quote.buy if side is Side.BUY else quote.sell)

    def _worth(self, trade: Trade, wanted: Decimal) -> tuple[Decimal, Decimal]:
        """Points and money that the fill got beyond the wanted price."""
        fill = trade.fill
        return worth(self._machine, fill.symbol, fill.side, fill.quantity, EXACT.subtract(wanted, fill.price), fill.price)


def worth(
    machine: SessionMachine, symbol: str, side: Side, quantity: Decimal, less: Decimal, price: Decimal
) -> tuple[Decimal, Decimal]:
    """Points and account currency that a price lower by `less` is worth to a side; negative when it costs."""
    instrument = machine.settings.instruments.resolve(symbol)
    gained = EXACT.multiply(less, Decimal(side.sign))
    amount = q8(gained * quantity * instrument.contract_size)
    value = machine.session.books.converter.value(amount, symbol, price)
    return q8(quotient(gained, instrument.point_size)), value


@dataclass(slots=True)
class Execution:
    """A filled order: what it was, when its first fill came, at which price, and of how many lots."""

    order: str
    sort: tuple[str, str, str, str]
    ts: int
    price: Decimal
    quantity: Decimal


class Pairs:
    """Fills that happened and fills of paper on the same ticks, brought together: the same order, else the same sort of fill
    within a minute. `missed` are those that paper alone has, `extra` those that paper has not, by owner, `against_paper` what
    the real ones got beyond paper's, of all (None) and by owner."""

    def __init__(self, machine: SessionMachine) -> None:
        self.missed: Counter[str] = Counter()
        self.extra: Counter[str] = Counter()
        self.against_paper: defaultdict[str | None, Got] = defaultdict(Got)
        self._machine = machine
        # Filled orders without their like yet, and those that are settled, by id.
        self._real: OrderedDict[str, Execution] = OrderedDict()
        self._paper: OrderedDict[str, Execution] = OrderedDict()
        self._real_done: OrderedDict[str, None] = OrderedDict()
        self._paper_done: OrderedDict[str, None] = OrderedDict()

    def on_paper(self, trade: Trade) -> None:
        fill = trade.fill
        if fill.order_id in self._paper or fill.order_id in self._paper_done:
            return  # a further part of an order
        sort = fill.strategy, fill.symbol, fill.side.value, fill.purpose.value
        self._paper[fill.order_id] = Execution(fill.order_id, sort, fill.at, fill.price, fill.quantity)

    def real(self, row: Mapping[str, Any]) -> None:
        """A journaled fill."""
        order = row["order_id"]
        if order in self._real or order in self._real_done:
            return
        sort = row["strategy"], row["symbol"], row["side"], row["purpose"]
        self._real[order] = Execution(order, sort, row["timestamp"], Decimal(row["price"]), Decimal(row["quantity"]))

    def settle(self, now: int) -> None:
        """Bring together what there is by the session's time `now`; what stayed alone for so long remains so."""
        for order, real in list(self._real.items()):
            found = self._like(real)
            if found is not None:
                del self._real[order], self._paper[found.order]
                _remember(self._paper_done, found.order)
                _remember(self._real_done, order)
                side = Side(real.sort[2])
                less = EXACT.subtract(found.price, real.price)
                gained = worth(self._machine, real.sort[1], side, real.quantity, less, real.price)
                for whose in (None, real.sort[0]):
                    self.against_paper[whose].add(*gained)
            elif now - real.ts > WITHIN:
                self.extra[real.sort[0]] += 1
                del self._real[order]
                _remember(self._real_done, order)
        for order, paper in list(self._paper.items()):
            if now - paper.ts > WITHIN:
                self.missed[paper.sort[0]] += 1
                del self._paper[order]
                _remember(self._paper_done, order)

    def _like(self, real: Execution) -> Execution | None:
        alike = [one for one in self._paper.values() if one.sort == real.sort and abs(one.ts - real.ts) <= WITHIN]
        return min(alike, key=lambda one: (one.order != real.order, abs(one.ts - real.ts)), default=None)


def _remember(done: OrderedDict[str, None], order: str) -> None:
    done[order] = None
    if len(done) > KEPT:
        done.popitem(last=False)
