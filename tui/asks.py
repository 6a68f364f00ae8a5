"""What is asked before money moves: what is touched, what stays, and what it takes to agree. Pure: a view in, an Ask out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from qkt.runtime import control
from tui import format as fmt
from tui.actions import Focus
from tui.moves import Move
from tui.tables.positions import order_type
from tui.viewmodel import View

if TYPE_CHECKING:
    from qkt.runtime.control.commands import Command
    from qkt.runtime.control.rows import OrderRow, PositionRow, StrategyRow

Stamp = dict[str, Any]
"""Id, author and the version that was seen: what every command carries."""

Chosen = frozenset[str]


@dataclass(frozen=True, slots=True)
class Option:
    """Something that can be ticked before agreeing."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A question. Without `word` it takes y; with it, the word typed in full. Enter alone never agrees."""

    title: str
    lines: Sequence[str]
    command: Callable[[Chosen, Stamp], Command]
    # The headless command to type elsewhere, when no answer comes.
    elsewhere: str
    word: str = ""
    options: Sequence[Option] = ()
    warning: str = ""
    # What was true when it was asked, to be shown when it has changed.
    facts: Sequence[str] = field(default_factory=tuple)
    # What it is about: the legs, orders and halts that were there when it was asked.
    rests_on: frozenset[str] = frozenset()


def whose(view: View, rows: Sequence[StrategyRow]) -> str:
    """Mode and accounts, by name: what a question is about is always said with whose money it is."""
    accounts = list(dict.fromkeys((row.mode, fmt.account(row.account)) for row in rows))
    if not accounts and view.hello is not None:
        return view.hello.mode
    shown = ", ".join(f"{mode} {account}" for mode, account in accounts[:12])
    return shown + (f" and {len(accounts) - 12} more" if len(accounts) > 12 else "")


def running(view: View) -> list[StrategyRow]:
    """Sessions that can trade; children go with their book."""
    rows = view.tables.strategies.values()
    return sorted((r for r in rows if r.parent is None and r.state not in ("STOPPED", "DOWN")), key=lambda r: r.name)


def positions_of(view: View, names: Sequence[str]) -> list[PositionRow]:
    return [row for row in view.tables.positions.values() if _within(row.session, names)]


def orders_of(view: View, names: Sequence[str]) -> list[OrderRow]:
    return [row for row in view.tables.orders.values() if _within(row.session, names)]


def _within(session: str, names: Sequence[str]) -> bool:
    return session in names or session.partition("/")[0] in names


def protective(order: OrderRow) -> bool:
    return order.protective


def holdings(rows: Sequence[PositionRow]) -> str:
    if not rows:
        return "no positions"
    pnl = sum((row.pnl or Decimal(0) for row in rows), Decimal(0))
    return f"{_count(len(rows), 'position')} (open P&L {fmt.gain(pnl)})"


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}" + ("" if number == 1 else "s")


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _losing(number: int, holder: str) -> str:
    return f"{_count(number, 'position')} {'loses' if number == 1 else 'lose'} a stop that only this {holder} holds."


# ------------------------------------------------------------------- questions


def halt(view: View, name: str | None) -> Ask:
    """Of one session, or of all."""
    rows = [view.tables.strategies[name]] if name is not None else running(view)
    names = [row.name for row in rows]
    entries = [order for order in orders_of(view, names) if not protective(order)]
    whom = name or f"all {len(rows)} sessions"
    return Ask(
        title=f"HALT {whom} -- {whose(view, rows)}",
        lines=(
            f"Blocks new entries and cancels {_count(len(entries), 'entry order')}.",
            f"Stay: {holdings(positions_of(view, names))}, their stops and targets; exits go on.",
        ),
        command=lambda chosen, stamp: control.commands.Halt(name=name, **stamp),
        elsewhere=f"qkt halt {name or ''}".strip(),
        facts=_facts(view, names),
        rests_on=_rests_on(view, names),
    )


def kill(view: View) -> Ask:
    """Of everything this engine runs."""
    rows = running(view)
    names = [row.name for row in rows]
    orders = orders_of(view, names)
    entries = sum(not protective(order) for order in orders)
    return Ask(
        title=f"KILL SWITCH -- {whose(view, rows)}",
        lines=(
            f"Blocks new entries in {'all ' if len(rows) > 1 else ''}{_count(len(rows), 'session')} "
            f"and cancels {_count(entries, 'entry order')} now.",
            f"Stay: {holdings(positions_of(view, names))}, {_count(len(orders) - entries, 'protective order')}, the sessions.",
        ),
        command=lambda chosen, stamp: control.commands.Kill(flatten="flatten" in chosen, **stamp),
        elsewhere="qkt kill",
        word="KILL",
        options=(Option("flatten", "also flatten everything and wait for proof (up to 10 s)"),),
        facts=_facts(view, names),
        rests_on=_rests_on(view, names),
    )


def stop(view: View, name: str) -> Ask:
    """With positions it takes the name; without, y."""
    row = view.tables.strategies[name]
    held, orders = positions_of(view, [name]), orders_of(view, [name])
    guarding = sum(protective(order) for order in orders)
    exposed = [position for position in held if position.engine_held]
    lines = [
        f"Ends the session and cancels {_count(len(orders), 'working order')}"
        + (f", of which {guarding} protect positions." if held and guarding else "."),
        f"Stay: {holdings(held)}." if held else "It holds no positions.",
    ]
    warning = ""
    if exposed:
        warning = _losing(len(exposed), "session")
    return Ask(
        title=f"STOP {name} -- {whose(view, [row])}",
        lines=lines,
        command=lambda chosen, stamp: control.commands.Stop(
            name=name,
            flatten="flatten" in chosen,
            leave_unprotected=bool(exposed) and "flatten" not in chosen,
            **stamp,
        ),
        elsewhere=f"qkt stop {name}",
        word=name if held else "",
        options=(Option("flatten", "flatten its positions first and wait for proof"),) if held else (),
        warning=warning,
        facts=_facts(view, [name]),
        rests_on=_rests_on(view, [name]),
    )


def resume(view: View, name: str) -> Ask:
    row = view.tables.strategies[name]
    halts = [halt for halt in view.tables.halts.values() if halt.scope == name]
    lines = [f"Clears: {fmt.clean(halt.reason)} ({halt.kind})." for halt in halts] or ["Nothing is halted."]
    by_risk = any(halt.kind != "operator" for halt in halts)
    return Ask(
        title=f"RESUME {name} -- {whose(view, [row])}",
        lines=[*lines, "Entries are allowed again from the next signal."],
        command=lambda chosen, stamp: control.commands.Resume(name=name, **stamp),
        elsewhere=f"qkt resume {name}",
        word=name if by_risk else "",
        facts=_facts(view, [name]),
        rests_on=_rests_on(view, [name]),
    )


def flatten(view: View, focus: Focus) -> Ask:
    """The position under the cursor, else the strategy, else everything."""
    position = view.tables.positions.get(focus.position or "")
    if position is not None:
        return _flatten_leg(view, position)
    if focus.session is not None and focus.session in view.tables.strategies:
        return _flatten_session(view, focus.session)
    return flatten_all(view)


def _flatten_leg(view: View, position: PositionRow) -> Ask:
    name = position.session
    row = view.tables.strategies.get(name)
    return Ask(
        title=f"FLATTEN ONE -- {whose(view, [row] if row else [])}",
        lines=(
            f"Closes at market: {position.side} {fmt.quantity(position.quantity)} {fmt.symbol(position.symbol)} of {name}.",
            f"Entry {fmt.price(position.entry)}, mark {fmt.price(position.mark)}, P&L {fmt.gain(position.pnl)}.",
        ),
        command=lambda chosen, stamp: control.commands.Flatten(name=name, leg=position.leg, **stamp),
        elsewhere=f"qkt kill {name} --flatten",
        word=name,
        facts=_facts(view, [name]),
        rests_on=_rests_on(view, [name]),
    )


def _flatten_session(view: View, name: str) -> Ask:
    row = view.tables.strategies[name]
    return Ask(
        title=f"FLATTEN {name} -- {whose(view, [row])}",
        lines=(f"Closes at market: {holdings(positions_of(view, [name]))}.", "The session goes on and may enter again."),
        command=lambda chosen, stamp: control.commands.Flatten(name=name, **stamp),
        elsewhere=f"qkt kill {name} --flatten",
        word=name,
        facts=_facts(view, [name]),
        rests_on=_rests_on(view, [name]),
    )


def flatten_all(view: View) -> Ask:
    """A live account also wants its last two digits."""
    rows = running(view)
    names = [row.name for row in rows]
    live = [row.account for row in rows if row.mode == "LIVE"]
    digits = f" {fmt.account(live[0])[-2:]}" if live else ""
    return Ask(
        title=f"FLATTEN ALL -- {whose(view, rows)}",
        lines=(f"Closes at market in all {len(rows)} sessions: {holdings(positions_of(view, names))}.", "The sessions go on."),
        command=lambda chosen, stamp: control.commands.Flatten(**stamp),
        elsewhere="qkt kill --flatten",
        word=f"FLATTEN{digits}",
        facts=_facts(view, names),
        rests_on=_rests_on(view, names),
    )


def cancel(view: View, focus: Focus) -> Ask | None:
    """The order under the cursor, else all of the strategy."""
    order = view.tables.orders.get(focus.order or "")
    if order is not None:
        row = view.tables.strategies.get(order.session)
        level = order.stop if order.stop is not None else order.price
        guards = " It guards a position." if protective(order) else ""
        return Ask(
            title=f"CANCEL ORDER -- {whose(view, [row] if row else [])}",
            lines=(
                f"{order.side} {order_type(order.kind, order.purpose)} {fmt.quantity(order.quantity)} "
                f"{fmt.symbol(order.symbol)} at {fmt.price(level)} of {order.session}.{guards}",
            ),
            command=lambda chosen, stamp: control.commands.Cancel(name=order.session, order=order.order, **stamp),
            elsewhere=f"qkt orders {order.session}",
            facts=_facts(view, [order.session]),
            rests_on=_rests_on(view, [order.session]),
        )
    name = focus.session
    if name is None or name not in view.tables.strategies:
        return None
    orders = orders_of(view, [name])
    if not orders:
        return None
    guarding = sum(protective(one) for one in orders)
    return Ask(
        title=f"CANCEL ALL ORDERS of {name} -- {whose(view, [view.tables.strategies[name]])}",
        lines=(f"Cancels {_count(len(orders), 'working order')}, of which {guarding} protect positions.",),
        command=lambda chosen, stamp: control.commands.Cancel(name=name, **stamp),
        elsewhere=f"qkt orders {name}",
        word=name,
        facts=_facts(view, [name]),
        rests_on=_rests_on(view, [name]),
    )


def modify(view: View, key: str, move: Move) -> Ask | None:
    """A position or an order that is still there."""
    position, order = view.tables.positions.get(key), view.tables.orders.get(key)
    row = position or order
    if row is None:
        return None
    session = view.tables.strategies.get(row.session)
    what = f"{row.side} {fmt.quantity(row.quantity)} {fmt.symbol(row.symbol)}"
    changes = {
        "stop": f"moves the stop to {fmt.price(move.stop)}",
        "target": f"moves the target to {fmt.price(move.target)}",
        "close": f"closes {fmt.quantity(move.close)} lots at market",
        "level": f"moves the price to {fmt.price(move.level)}",
    }
    said = [words for name, words in changes.items() if getattr(move, name) is not None]
    said += ["moves the stop to break-even"] if move.break_even else []
    moves_stop = move.stop is not None or move.break_even
    still = " A stop that moved by itself stands still from then on." if moves_stop else ""
    return Ask(
        title=f"MODIFY {what} -- {whose(view, [session] if session else [])}",
        lines=(_sentence("; ".join(said)), f"Of {row.session}.{still}"),
        command=lambda chosen, stamp: control.commands.Modify(
            name=row.session,
            leg=position.leg if position is not None else None,
            order=order.order if order is not None and position is None else None,
            stop=move.stop,
            target=move.target,
            break_even=move.break_even,
            close=move.close,
            level=move.level,
            **stamp,
        ),
        elsewhere=f"qkt modify {row.session}",
        facts=_facts(view, [row.session]),
        rests_on=_rests_on(view, [row.session]),
    )


def start(view: View, name: str) -> Ask:
    row = view.tables.strategies[name]
    return Ask(
        title=f"START {name} -- {whose(view, [row])}",
        lines=(f"Starts it again from {fmt.clean(row.file)}.",),
        command=lambda chosen, stamp: control.commands.Start(name=name, **stamp),
        elsewhere=f"qkt start {name}",
        word=name if row.mode == "LIVE" else "",
    )


def resync(view: View, name: str) -> Ask:
    row = view.tables.strategies[name]
    return Ask(
        title=f"RESYNC {name} -- {whose(view, [row])}",
        lines=(
            f"Compiles {fmt.clean(row.file)} and puts it in the place of the running session.",
            holdings(positions_of(view, [name])),
        ),
        command=lambda chosen, stamp: control.commands.Resync(path=row.file, name=name, **stamp),
        elsewhere=f"qkt resync {row.file}",
        word=name,
        facts=_facts(view, [name]),
        rests_on=_rests_on(view, [name]),
    )


def deploy(view: View, path: str, name: str, params: dict[str, str]) -> Ask:
    """On paper it takes y, live the name."""
    live = view.hello is not None and view.hello.mode == "LIVE"
    given = ", ".join(f"{key}={value}" for key, value in params.items())
    return Ask(
        title=f"DEPLOY {name} -- {'LIVE' if live else 'PAPER'}",
        lines=(fmt.clean(path), f"with {fmt.clean(given)}" if given else "with the parameters of the file"),
        command=lambda chosen, stamp: control.commands.Deploy(path=path, name=name, params=params, **stamp),
        elsewhere=f"qkt deploy {path} --as {name}",
        word=name if live else "",
    )


def shutdown(view: View) -> Ask:
    """Leaving a hosted engine for good."""
    rows = running(view)
    names = [row.name for row in rows]
    held = positions_of(view, names)
    exposed = sum(bool(row.engine_held) for row in held)
    return Ask(
        title=f"STOP THE ENGINE -- {whose(view, rows)}",
        lines=(f"Ends {_count(len(rows), 'session')}; they come back with the next start.", f"Stay: {holdings(held)}."),
        command=lambda chosen, stamp: control.commands.Shutdown(leave_unprotected=exposed > 0, **stamp),
        elsewhere="qkt daemon stop",
        rests_on=_rests_on(view, names),
        word="STOP" if held else "",
        warning=_losing(exposed, "engine") if exposed else "",
    )


def _facts(view: View, names: Sequence[str]) -> tuple[str, ...]:
    """What the question rests on, in words."""
    held, orders = positions_of(view, names), orders_of(view, names)
    return (holdings(held), _count(len(orders), "working order"))


def _rests_on(view: View, names: Sequence[str]) -> frozenset[str]:
    """The same without what moves with every quote: as long as this is equal, nothing has happened to what is asked about."""
    legs = (f"{row.key} {row.quantity} {row.stop} {row.target}" for row in positions_of(view, names))
    orders = (f"{row.key} {row.quantity} {row.filled} {row.stop} {row.price}" for row in orders_of(view, names))
    rows = (view.tables.strategies[name] for name in names if name in view.tables.strategies)
    return frozenset((*legs, *orders, *(f"{row.key} {row.state} {row.halt} {row.reason}" for row in rows)))
