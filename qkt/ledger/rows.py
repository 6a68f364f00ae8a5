"""What remains of a fill, of a finished position and of a night: the rows of trade files and reports."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.core.events import OrderFilled, VenueBooked
from qkt.core.numbers import ONE, ZERO, exact, q8, quotient, to_decimal, total
from qkt.core.terms import LegRole, Purpose, Side
from qkt.ledger.legs import Leg

# How a leg ends that an entry of the opposite side nets away.
OPPOSITE = "OPPOSITE"
# The mode of financing that no rate of ours stands behind.
AT_VENUE = "VENUE"


@dataclass(slots=True)
class TradeRow:
    """One fill. Money in account currency; `realized` is net of the fill's costs, 0 for an opening fill without any.

    `position_effect` describes the strategy's own position: OPEN, INCREASE, REDUCE, CLOSE with _LONG or _SHORT, or
    REVERSE_TO_LONG / REVERSE_TO_SHORT. `slippage` is the price lost against the order's reference, positive when it cost.
    `gross` is before costs, of a venue that tells its own figure that one; `native_gross` is in `native_currency`; `fees`
    and `swap` are what the venue billed with the fill. `opened` and `closed` are the lots that went into legs and out of
    them, which tell an entry from an exit also where opposite legs stand side by side.
    """

    timestamp: int
    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    realized: Decimal
    position_effect: str
    order_type: str
    order_id: str
    purpose: str
    commission: Decimal
    slippage: Decimal
    gross: Decimal
    native_currency: str
    fx_rate: Decimal
    position_before: Decimal
    position_after: Decimal
    native_gross: Decimal = ZERO
    fees: Decimal = ZERO
    swap: Decimal = ZERO
    opened: Decimal = ZERO
    closed: Decimal = ZERO


@dataclass(slots=True)
class RoundTrip:
    """The life of one leg from open to flat. Prices are volume-weighted over its fills, quantity is all that was entered.

    `gross` excludes costs, `net` is `gross - commission - fees + swap`; `native_gross` is in `native_currency`. `mfe` and
    `mae` are price distances from the entry, restarted when the leg grew. `initial_risk` is the account currency between
    the entries and the first place of their stops, None unless every entry had one; `mfe_r` and `mae_r` measure in that
    stop distance, `r_multiple` is net / initial_risk. `entry_slippage` and `exit_slippage` are the price lost to what the
    strategy saw when it decided, positive when it cost. `bars_held` counts the bars of the symbol's shortest stream that
    closed between entry and exit. `stop` is where the stops of the entries stood first, volume-weighted, None unless every
    entry had one. `exit_reason` is the purpose of the order that closed the leg, OPPOSITE for an entry against it.
    """

    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    entry_time: int
    entry_price: Decimal
    exit_time: int
    exit_price: Decimal
    gross: Decimal
    commission: Decimal
    swap: Decimal
    net: Decimal
    mfe: Decimal
    mae: Decimal
    exit_reason: str
    fees: Decimal = ZERO
    native_gross: Decimal = ZERO
    native_currency: str = ""
    initial_risk: Decimal | None = None
    r_multiple: Decimal | None = None
    mfe_r: Decimal | None = None
    mae_r: Decimal | None = None
    entry_slippage: Decimal = ZERO
    exit_slippage: Decimal = ZERO
    holding_seconds: Decimal = ZERO
    bars_held: int = 0
    role: LegRole = LegRole.PRIMARY
    leg_id: int = 0
    stop: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FinancingRow:
    """One leg's financing at one rollover. `amount` in account currency and `native_amount` in quote currency, positive a
    credit; `rate` in the unit of `mode`, `nights` how often it counted.

    In mode `VENUE` it is what a venue booked without a fill: costs of positions that closed one another, and what its gains
    are more than those reckoned here. It is of no leg (0), and both amounts are in account currency."""

    timestamp: int
    strategy: str
    symbol: str
    leg_id: int
    side: Side
    quantity: Decimal
    mode: str
    rate: Decimal
    nights: int
    native_amount: Decimal
    native_currency: str
    fx_rate: Decimal
    amount: Decimal


def venue_row(event: VenueBooked, amount: Decimal, account: str) -> FinancingRow:
    """The row of what a venue booked without a fill, `account` its currency."""
    return FinancingRow(
        timestamp=event.at,
        strategy=event.strategy,
        symbol=event.symbol,
        leg_id=0,
        side=event.side,
        quantity=event.quantity,
        mode=AT_VENUE,
        rate=ZERO,
        nights=0,
        native_amount=amount,
        native_currency=account,
        fx_rate=ONE,
        amount=amount,
    )


def position_effect(before: Decimal, after: Decimal) -> str:
    """What a fill did to a signed position."""
    if before == 0:
        return "OPEN_LONG" if after > 0 else "OPEN_SHORT"
    name = "LONG" if before > 0 else "SHORT"
    if after == 0:
        return f"CLOSE_{name}"
    if (after > 0) != (before > 0):
        return "REVERSE_TO_LONG" if after > 0 else "REVERSE_TO_SHORT"
    return f"INCREASE_{name}" if abs(after) > abs(before) else f"REDUCE_{name}"


def net_of(leg: Leg) -> Decimal:
    """What the leg earned so far, after its costs, account currency."""
    return total((leg.gross, -leg.commission, -leg.fees, leg.swap))


def round_trip(leg: Leg, last: OrderFilled, native_currency: str, bars_held: int) -> RoundTrip:
    """The row of a leg that its `last` fill closed."""
    net = net_of(leg)
    mfe, mae = q8(to_decimal(leg.mfe)), q8(to_decimal(leg.mae))
    distance = None if not leg.risked else quotient(leg.risked, leg.entered)
    risk = None if distance is None else leg.risk
    entry = quotient(leg.entered_value, leg.entered)
    return RoundTrip(
        strategy=last.strategy,
        symbol=leg.symbol,
        side=leg.side,
        quantity=leg.entered,
        entry_time=leg.opened_at,
        entry_price=q8(entry),
        exit_time=last.at,
        exit_price=q8(quotient(leg.exited_value, leg.exited)),
        gross=leg.gross,
        commission=leg.commission,
        swap=leg.swap,
        net=net,
        mfe=mfe,
        mae=mae,
        exit_reason=OPPOSITE if last.purpose is Purpose.ENTRY else last.purpose.value,
        fees=leg.fees,
        native_gross=leg.native_gross,
        native_currency=native_currency,
        initial_risk=risk,
        r_multiple=_ratio(net, risk),
        mfe_r=_ratio(mfe, distance),
        mae_r=_ratio(mae, distance),
        entry_slippage=_lost(leg.entered_value - leg.entry_seen, leg.entered, leg.sign),
        exit_slippage=_lost(leg.exit_seen - leg.exited_value, leg.exited, leg.sign),
        holding_seconds=Decimal(last.at - leg.opened_at).scaleb(-3),
        bars_held=bars_held,
        role=leg.role,
        leg_id=leg.id,
        stop=None if distance is None else q8(entry - distance * leg.sign),
    )


def _ratio(amount: Decimal, unit: Decimal | None) -> Decimal | None:
    return q8(quotient(amount, unit)) if unit else None


def _lost(value: Decimal, lots: Decimal, sign: int) -> Decimal:
    return q8(quotient(exact(value, Decimal(sign)), lots))
