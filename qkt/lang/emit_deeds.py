"""Actions as Python text: each one is a call of the firing that collects them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum

from qkt.core.terms import OrderKind, TimeInForce
from qkt.lang.deeds import (
    ArmLatch,
    CancelOrders,
    CloseEverything,
    CloseOne,
    Deed,
    Enter,
    EnterBasket,
    EnterOne,
    Layer,
    Parts,
    Protection,
    ResizePosition,
    Size,
    StopLoss,
    Trailing,
    WriteLog,
)
from qkt.lang.emit import Emitter
from qkt.lang.fingerprint import fingerprint
from qkt.lang.frame import Frame
from qkt.lang.values import Expression, Read
from qkt.strategy import ExitHooks


def deed_text(frame: Frame, deed: Deed, number: int) -> str:
    """The method of the firing with its arguments; what they are made of must be prepared. `number` is the action's place."""
    symbols = frame.module.symbols
    match deed:
        case Enter():
            return f"enter({number}, {_ticket(frame, deed)})"
        case EnterOne(first=first, second=second):
            return f"enter_one({number}, {_ticket(frame, first)}, {_ticket(frame, second)})"
        case EnterBasket():
            return _enter_basket(frame, deed, number)
        case ArmLatch():
            return _arm(frame, deed, number)
        case CloseOne(size=None, members=(_, *_) as members):
            listed = ", ".join(f"({symbols[alias]!r}, {close_text(frame, alias)})" for alias in members)
            return f"close_each(({listed},))"
        case CloseOne(alias=alias, size=size):
            if size is None:
                return f"close({symbols[alias]!r}, {close_text(frame, alias)})"
            return f"reduce({number}, {symbols[alias]!r}, {close_text(frame, alias)}, {size_text(frame, size)})"
        case CloseEverything():
            return f"close_all({_declared(frame)!r})"
        case ResizePosition(alias=alias, size=size, min_step=min_step):
            args = [str(number), repr(symbols[alias]), close_text(frame, alias), size_text(frame, size)]
            if min_step is not None:
                args.append(_text(frame, min_step))
            return f"resize({', '.join(args)})"
        case CancelOrders(alias=alias, including_protection=including):
            named = deed.members or (() if alias is None else (alias,))
            which = tuple(dict.fromkeys(symbols[one] for one in named)) or _declared(frame)
            return f"cancel({which!r}, {including})"
        case WriteLog():
            told = ", ".join(f"{field!r}: {_text(frame, value)}" for field, value in deed.fields)
            return f"log({deed.level!r}, {deed.text!r}, {{{told}}})"


# ---------------------------------------------------------------- entries


def _ticket(frame: Frame, deed: Enter) -> str:
    order = deed.order
    args = [
        spelled(deed.side),
        repr(frame.module.symbols[deed.alias]),
        close_text(frame, deed.alias),
        size_text(frame, deed.size),
    ]
    if order.kind is not OrderKind.MARKET:
        args.append(f"kind={spelled(order.kind)}")
    for key, value in (("price", order.price), ("limit", order.limit)):
        if value is not None:
            args.append(f"{key}={_text(frame, value)}")
    if order.trail is not None:
        args.append(f"trail={spelled(order.trail)}")
    if order.tif is not TimeInForce.GTC:
        args.append(f"tif={spelled(order.tif)}")
    if order.until is not None:
        args.append(f"until={_text(frame, order.until)}")
    if deed.stop_loss is not None:
        args.append(f"stop_loss={_stop(frame, deed.stop_loss)}")
    match deed.take_profit:
        case Protection() as leg:
            args.append(f"take_profit={_leg(frame, leg)}")
        case Parts(parts=parts):
            listed = ", ".join(f"({_constant(frame, 'part', fraction)}, {_leg(frame, leg)})" for fraction, leg in parts)
            args.append(f"parts=({listed},)")
        case None:
            pass
    if deed.layers is not None:
        listed = ", ".join(_layer(frame, layer) for layer in deed.layers.layers)
        args.append(f"layers=({listed},), within_ms={deed.layers.within_ms}")
    if deed.tiers:
        args.append(f"tiers={_constant(frame, 'tiers', deed.tiers)}")
    if deed.on_fill:
        listed = ", ".join(_ticket(frame, child) for child in deed.on_fill)
        args.append(f"on_fill=({listed},)")
    if deed.hooks is not None:
        reasons = frozenset(reason for reason, _ in deed.hooks.deeds)
        hooks = ExitHooks(frame.module.hooked(deed.hooks), reasons, fingerprint(deed.hooks))
        args.append(f"hooks={_constant(frame, 'hooks', hooks)}")
    if deed.time_exit_ms is not None:
        args.append(f"time_exit_ms={deed.time_exit_ms}")
    return f"Ticket({', '.join(args)})"


def _stop(frame: Frame, stop: StopLoss) -> str:
    match stop:
        case Protection():
            return _leg(frame, stop)
        case Trailing(form=form, value=value):
            return f"({'TRAIL ' + form.value!r}, {_text(frame, value)})"
        case _:
            return _constant(frame, "stop", stop)


def _leg(frame: Frame, leg: Protection) -> str:
    return f"({leg.form.value!r}, {_text(frame, leg.value)})"


def _layer(frame: Frame, layer: Layer) -> str:
    size = "None" if layer.size is None else size_text(frame, layer.size)
    args = [size, spelled(layer.kind), *(_constant(frame, "layer", p) for p in (layer.price, layer.limit) if p is not None)]
    return f"LayerTicket({', '.join(args)})"


def _enter_basket(frame: Frame, deed: EnterBasket, number: int) -> str:
    """The money is parted equally among the members. Their quotes are taken to be in the currency of the money."""
    symbols = frame.module.symbols
    money = frame.temporary()
    share = f"{money} / {float(len(deed.members))!r} if {money} is not None else None"
    frame.body.add(f"{money} = {_text(frame, deed.money)}")
    frame.body.add(f"{money} = {share}")
    tickets = ", ".join(
        f"Ticket({spelled(deed.side)}, {symbols[alias]!r}, {close_text(frame, alias)}, ('share', {money}))"
        for alias in deed.members
    )
    return f"enter_each({number}, ({tickets},))"


def _arm(frame: Frame, deed: ArmLatch, number: int) -> str:
    symbol = frame.module.symbols[deed.alias]
    reference = close_text(frame, deed.alias) if deed.reference is None else _text(frame, deed.reference)
    confirm = "None" if deed.confirm is None else _constant(frame, "confirm", deed.confirm)
    latch = frame.module.latched(deed)
    where = f"{number}, {symbol!r}, {latch}, {deed.alias!r}"
    return f"arm({where}, {reference}, {_text(frame, deed.offset)}, {deed.arm_ms}, {confirm})"


# ---------------------------------------------------------------- pieces


def size_text(frame: Frame, size: Size) -> str:
    return f"({size.form!r}, {_text(frame, size.value)})"


def close_text(frame: Frame, alias: str) -> str:
    """The latest close of the stream, from which a market order's price is estimated."""
    return _text(frame, Read(alias, "close"))


def _text(frame: Frame, value: Expression) -> str:
    return Emitter(frame).value(value).text


def _declared(frame: Frame) -> tuple[str, ...]:
    return frame.module.markets


def _constant(frame: Frame, wish: str, value: object) -> str:
    """The variable that holds a constant made once."""
    return frame.module.made_once(wish, spelled(value))


def spelled(value: object) -> str:
    """The Python text of a constant."""
    match value:
        case Decimal():
            return f"Decimal('{value}')"
        case Enum():
            return f"{type(value).__name__}.{value.name}"
        case tuple():
            return f"({', '.join(spelled(part) for part in value)}{',' if len(value) == 1 else ''})"
        case frozenset():
            return f"frozenset({{{', '.join(sorted(spelled(part) for part in value))}}})"
        case _ if is_dataclass(value):
            return f"{type(value).__name__}({', '.join(spelled(getattr(value, f.name)) for f in fields(value))})"
        case _:
            return repr(value)
