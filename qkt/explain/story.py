"""Why a fill happened: from the rule that fired, over size and risk, to the price it got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from qkt.backtest.result import as_data
from qkt.core.errors import RecordingError
from qkt.core.events import OrderFilled
from qkt.core.numbers import EXACT, plain, q8, to_decimal
from qkt.core.terms import Purpose
from qkt.engine import Stage
from qkt.explain.life import Step, life, lots
from qkt.explain.recording import Recording
from qkt.explain.witness import Firing, Heard, Witness
from qkt.lang.looking import LookedAt
from qkt.orders import Order
from qkt.portfolio import SignalSized, SignalSuppressed


@dataclass(frozen=True, slots=True)
class Cause:
    """The rule behind an order: its number from 1, its text, the bar's end and the moment (epoch ms), its terms, the outer
    before the inner."""

    rule: int
    text: str
    bar: int
    at: int
    terms: tuple[LookedAt, ...]


@dataclass(frozen=True, slots=True)
class Against:
    """A fill beside the market: the quote, what the order was meant to get, and what the difference cost a unit of it (positive
    when it cost). Prices in quote currency."""

    price: Decimal
    bid: Decimal | None
    ask: Decimal | None
    meant: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Explained:
    """One order: where it comes from, how its size came about, what risk and the book said, what became of it. `cause` is None
    for what no rule asked for, which `origin` then says."""

    order_id: str
    origin: str
    cause: Cause | None
    sizing: tuple[str, ...]
    decisions: tuple[str, ...]
    life: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A fill, by its number from 1: the order that was filled, the quote it met, and, of one that closes, the entry of what it
    closed."""

    run: str
    number: int
    fill: Mapping[str, Any]
    order: Explained
    against: Against
    entry: Explained | None

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**as_data(self), "fill": dict(self.fill)}


def explain(recording: Recording, number: int) -> Explanation:
    """Do the run again, twice: to find what led to the fill, and to look at it closely.

    Raises RecordingError for a fill that there is not, and where the run no longer comes to the same fill.
    """
    count = recording.fills
    if not 1 <= number <= count:
        expected = f"one of {count:,} fills, from 1" if count else "a run with fills"
        raise RecordingError(f"there is no fill {number}", where=recording.name, expected=expected)
    found = _attended(recording)
    wanted = recording.fill(number)
    order_id = wanted["order_id"]
    if len(found.fills) < number or found.fills[number - 1] != order_id:
        raise _changed(recording, number)
    chain = [order_id]
    opener = found.origins[order_id].opener
    if opener and opener != order_id:
        chain.append(opener)
    firings = {found.origins[one].firing for one in chain} - {None}
    witness = _attended(recording, tuple(chain), tuple(one for one in firings if one is not None))
    return _told(recording, number, witness, chain)


def _attended(recording: Recording, watched: tuple[str, ...] = (), firings: tuple[int, ...] = ()) -> Witness:
    witnesses = []

    def attend(stage: Stage) -> None:
        witnesses.append(Witness(stage.session, stage.board, watched, firings))

    recording.play(attend)
    return witnesses[0]


def _told(recording: Recording, number: int, witness: Witness, chain: list[str]) -> Explanation:
    order_id = chain[0]
    nth = witness.fills[:number].count(order_id)
    fills = [one for one in witness.heard.get(order_id, []) if isinstance(one.event, OrderFilled)]
    heard = fills[nth - 1]
    assert isinstance(heard.event, OrderFilled)
    if not _same(heard.event, recording.fill(number)):
        raise _changed(recording, number)
    entry = _explained(witness, chain[1]) if len(chain) > 1 else None
    return Explanation(recording.name, number, recording.fill(number), _explained(witness, order_id), _against(heard), entry)


def _same(fill: OrderFilled, written: Mapping[str, Any]) -> bool:
    told = (fill.at, fill.side.value, fill.quantity, fill.price)
    return told == (
        int(written["timestamp"]),
        str(written["side"]),
        Decimal(written["quantity"]),
        Decimal(written["price"]),
    )


def _changed(recording: Recording, number: int) -> RecordingError:
    return RecordingError(
        f"done again the run comes to another fill {number}",
        where=recording.name,
        remedy="strategy, data or program have changed since; run it again",
    )


def _explained(witness: Witness, order_id: str) -> Explained:
    origin, order = witness.origins[order_id], witness.asked.get(order_id)
    firing = None if origin.firing is None else witness.seen.get(origin.firing)
    follows = bool(origin.opener) and order is not None and order.purpose is Purpose.ENTRY
    decisions = () if origin.firing is None else tuple(map(_decision, witness.decided.get(origin.firing, ())))
    return Explained(
        order_id,
        _origin(order, firing, origin.opener),
        None if firing is None or follows else Cause(firing.rule + 1, firing.text, firing.time, firing.at, firing.terms),
        () if order is None or firing is None or follows else tuple(_sizing(order, firing, witness.orders[order_id])),
        decisions,
        life(witness.heard.get(order_id, [])),
    )


def _origin(order: Order | None, firing: Firing | None, opener: str) -> str:
    """What asked for the order."""
    if order is None:
        return "the engine"
    if order.purpose is Purpose.ENTRY and opener:
        return f"follows {opener}"
    if order.purpose in (Purpose.STOP_LOSS, Purpose.TAKE_PROFIT):
        return f"protects what {opener} opened" if opener else "protects a position"
    if firing is not None:
        return f"rule {firing.rule + 1} of {firing.strategy}"
    if order.purpose is Purpose.ENTRY:
        return f"{order.strategy} itself: a latch, a hook, a schedule, or Python"
    return f"a close ({order.purpose.value}) that no rule asked for"


def _sizing(order: Order, firing: Firing, sent: Order) -> Iterator[str]:
    """The arithmetic of the one action of a rule that the order can come from; of each where there are several. `sent` is the
    order as it is now."""
    side = order.side if order.purpose is Purpose.ENTRY else None
    for sizing in firing.sizes:
        if sizing.size.symbol == order.symbol and sizing.size.side is side:
            yield from (f"{one.text} = {one.value or 'undefined'}" for one in sizing.size.terms)
            yield from sizing.steps(order.signal)
    rounded = "" if sent.quantity == order.quantity else f", {lots(sent.quantity)} in steps that the market knows"
    yield f"{lots(order.quantity)} lots ordered{rounded}"


def _decision(event: SignalSized | SignalSuppressed) -> str:
    if isinstance(event, SignalSuppressed):
        return f"suppressed: {event.reason}"
    regime = f" in regime {event.regime}" if event.regime else ""
    numbers = f"asked {lots(event.asked)} * ladder {plain(event.ladder)} * weight {plain(event.weight)}"
    return (
        f"the book gives {lots(event.sized)} lots: {numbers} ({event.method}{regime}), net of the book {lots(event.book_net)}"
    )


def _against(heard: Heard) -> Against:
    fill, quote = heard.event, heard.quote
    assert isinstance(fill, OrderFilled)
    bid, ask = (None, None) if quote is None else (_price(quote.bid), _price(quote.ask))
    cost = EXACT.multiply(EXACT.subtract(fill.price, fill.reference), Decimal(fill.side.sign))
    return Against(fill.price, bid, ask, fill.reference, cost)


def _price(value: float | None) -> Decimal | None:
    return None if value is None else q8(to_decimal(value))
