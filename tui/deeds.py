"""What the actions of the register do that are no screen's own, and what the words of the palette do.

Whatever changes what trades goes through a question of `asks`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from qkt.runtime import control
from tui import asks, opening, palette, papers
from tui.actions import Focus
from tui.clipboard import copy_from
from tui.palette import Entry
from tui.screens.backtest_form import BackTestForm
from tui.screens.deploy import Deploy
from tui.screens.help import Help
from tui.screens.leave import Leave
from tui.screens.modify import Modify
from tui.screens.picker import Picker
from tui.screens.travel import Travel
from tui.table import UNITS
from tui.viewmodel import NOTHING, View
from tui.widgets.log import LEVELS

if TYPE_CHECKING:
    from tui.app import Dashboard

Deed = Callable[["Dashboard"], Awaitable[object] | None]
Verb = Callable[["Dashboard", str], Awaitable[object] | None]

# ----------------------------------------------------------------------- looking


async def open_palette(app: Dashboard) -> None:
    view = app.view
    entries = [*palette.of_actions(app.keyboard.available()), *palette.of_names(view), *palette.of_settings(view)]
    await _choose(app, Picker("Commands", entries, empty="Nothing is called that."))


async def go_to(app: Dashboard) -> None:
    await _choose(app, Picker("Go to", palette.of_names(app.view), empty="Nothing has that name."))


async def _choose(app: Dashboard, picker: Picker) -> None:
    entry: Entry | None = await app.push_screen_wait(picker)
    if entry is not None:
        done = VERBS[entry.verb](app, entry.about)
        if done is not None:
            await done


def show_help(app: Dashboard) -> None:
    app.push_screen(Help())


def next_units(app: Dashboard) -> None:
    units = UNITS[(UNITS.index(app.context.units) + 1) % len(UNITS)]
    app.context = replace(app.context, units=units)
    app.show(NOTHING)
    app.say(f"profit in {'R, units of the risk taken' if units == 'r' else units}")


def next_account(app: Dashboard) -> None:
    app.subject.next_account(app.view)
    chosen = app.subject.account
    app.say("the account of the focused row" if chosen is None else f"account {chosen}")


def replay(app: Dashboard) -> None:
    focus = app.deck.focus_of()
    if focus.run is not None:
        app.push_screen(Travel(f"run:{focus.run}", f"run {focus.run}"))
    elif focus.session is not None:
        session = focus.session.partition("/")[0]
        app.push_screen(Travel(session, session))


def freeze(app: Dashboard) -> None:
    app.freeze()


def thrift(app: Dashboard) -> None:
    app.set_thrifty(not app.pace.thrifty)


def repaint(app: Dashboard) -> None:
    app.refresh(layout=True)


def copy_or_leave(app: Dashboard) -> None:
    if app.screen.get_selected_text():
        copy_from(app, app.screen.get_selected_text() or "")
    else:
        app.say("q leaves; the engine goes on trading", "dim")


async def leave(app: Dashboard) -> None:
    """Attached, at once: the engine does not care. Hosted, only after saying what becomes of it. A tour has nothing to
    lose, and its market is too fast for a question that rests on it; an engine that is still starting is not asked either."""
    if not app.link.hosted:
        app.exit("left")
        return
    answer = await app.push_screen_wait(Leave())
    hello = app.view.hello
    unasked = hello is None or hello.demo
    if answer == "keep":
        app.exit("keep")
    elif answer == "stop" and (unasked or await app.commander.ask(asks.shutdown) is not None):
        app.exit("stop")


# ---------------------------------------------------------------------- changing


def focus(app: Dashboard) -> Focus:
    return app.deck.focus_of()


def _of_session(question: Callable[[View, str], asks.Ask]) -> Deed:
    """A question about the session of the focused row."""

    async def deed(app: Dashboard) -> None:
        name = focus(app).session or ""
        await app.commander.ask(lambda view: question(view, name) if name in view.tables.strategies else None)

    return deed


async def halt(app: Dashboard) -> None:
    name = focus(app).session
    await app.commander.ask(lambda view: asks.halt(view, name if name in view.tables.strategies else None))


async def kill(app: Dashboard) -> None:
    await app.commander.ask(asks.kill)


async def flatten(app: Dashboard) -> None:
    where = focus(app)
    await app.commander.ask(lambda view: asks.flatten(view, where))


async def cancel(app: Dashboard) -> None:
    """An order, a strategy's orders, or a run."""
    where = focus(app)
    if where.run is not None:
        command = control.commands.CancelRun(run=where.run, **app.commander.stamp(app.view))
        await app.commander.perform(command, f"run {where.run}")
        return
    if asks.cancel(app.view, where) is None:
        app.say("choose an order, or a strategy with working orders, first", "warn")
        return
    await app.commander.ask(lambda view: asks.cancel(view, where))


async def modify(app: Dashboard) -> None:
    where = focus(app)
    tables = app.view.tables
    row = tables.positions.get(where.position or "") or tables.orders.get(where.order or "")
    if row is None:
        return
    move = await app.push_screen_wait(Modify(row))
    if move is not None:
        await app.commander.ask(lambda view: asks.modify(view, row.key, move))


async def deploy(app: Dashboard) -> None:
    choice = await app.push_screen_wait(Deploy())
    if choice is not None:
        await app.commander.ask(lambda view: asks.deploy(view, choice.path, choice.name, choice.params))


async def new_backtest(app: Dashboard) -> None:
    row = app.view.tables.strategies.get(focus(app).session or "")
    span = await app.push_screen_wait(BackTestForm("" if row is None else row.file))
    if span is None:
        return
    command = control.commands.Backtest(
        path=span.path, data=span.data, start=span.start, end=span.end, params=span.params, **app.commander.stamp(app.view)
    )
    await app.action_show("backtest")
    await app.commander.perform(command, f"qkt backtest {span.path}")


async def acknowledge(app: Dashboard) -> None:
    """The alert under the cursor, else all of them."""
    number = focus(app).alert
    command = control.commands.Acknowledge(alert=int(number) if number is not None else None, **app.commander.stamp(app.view))
    await app.commander.perform(command, "the dashboard of another terminal")


def lock(app: Dashboard) -> None:
    app.keyboard.lock.turn(open=app.keyboard.locked)
    app.show_lines()


DEEDS: Mapping[str, Deed] = {
    "palette": open_palette,
    "goto": go_to,
    "help": show_help,
    "units": next_units,
    "account": next_account,
    "replay": replay,
    "freeze": freeze,
    "thrift": thrift,
    "repaint": repaint,
    "copy_or_leave": copy_or_leave,
    "leave": leave,
    "deploy": deploy,
    "halt": halt,
    "kill": kill,
    "stop": _of_session(asks.stop),
    "start": _of_session(asks.start),
    "resume": _of_session(asks.resume),
    "resync": _of_session(asks.resync),
    "flatten": flatten,
    "cancel": cancel,
    "modify": modify,
    "new_backtest": new_backtest,
    "acknowledge": acknowledge,
    "lock": lock,
}

# ----------------------------------------------------------- words of the palette


async def _go(app: Dashboard, screen: str) -> None:
    await app.action_show(screen)


async def to_strategy(app: Dashboard, name: str) -> None:
    app.subject.choose(name)
    await app.bring("strategy")


async def to_symbol(app: Dashboard, name: str) -> None:
    app.subject.symbol = name
    await app.bring("chart")


def to_order(app: Dashboard, key: str) -> None:
    row = app.view.tables.orders.get(key)
    if row is not None:
        opening.open_row(app, "orders", row)


def theme(app: Dashboard, name: str) -> None:
    app.use_theme(name)
    app.memory.theme = name
    app.memory.keep()


def rate(app: Dashboard, frames: str) -> None:
    app.pace.chosen = app.memory.rate = int(frames)
    app.memory.keep()
    app.want()
    app.say(f"{frames} frames a second")


def log_level(app: Dashboard, level: str) -> None:
    log = app.deck.log_pane
    if log is None:
        app.say("no log on this screen", "warn")
        return
    log.step_level(LEVELS.index(level) - log.level)


async def halt_all(app: Dashboard, about: str) -> None:
    await app.commander.ask(lambda view: asks.halt(view, None))


async def flatten_all(app: Dashboard, about: str) -> None:
    await app.commander.ask(asks.flatten_all)


async def reconcile(app: Dashboard, name: str) -> None:
    command = control.commands.Reconcile(name=name, **app.commander.stamp(app.view))
    await app.commander.perform(command, f"qkt reconcile {name}")


async def resume(app: Dashboard, name: str) -> None:
    await app.commander.ask(lambda view: asks.resume(view, name) if name in view.tables.strategies else None)


VERBS: Mapping[str, Verb] = {
    "do": lambda app, name: app.action_do(name),
    "strategy": to_strategy,
    "symbol": to_symbol,
    "order": to_order,
    "theme": theme,
    "rate": rate,
    "log level": log_level,
    "export": papers.export_csv,
    "diagnostics": papers.diagnostics,
    "halt all": halt_all,
    "flatten all": flatten_all,
    "reconcile": reconcile,
    "resume": resume,
}

# Palette words that change what trades: refused where their key would be.
CHANGING: Mapping[str, str] = {"halt all": "halt", "flatten all": "flatten", "resume": "resume", "reconcile": "halt"}
