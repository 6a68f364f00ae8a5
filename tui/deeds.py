"""What the actions of the register do. Those that change something go through a question of `asks`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from tui import asks, palette
from tui.actions import Focus
from tui.screens.help import Help
from tui.screens.leave import Leave
from tui.screens.picker import Picker
from tui.table import UNITS

if TYPE_CHECKING:
    from tui.app import Dashboard

Deed = Callable[["Dashboard"], Awaitable[object] | None]

# ----------------------------------------------------------------------- looking


async def open_palette(app: Dashboard) -> None:
    view = app.view
    entries = [*palette.of_actions(app.available()), *palette.of_names(view), *palette.of_settings(view)]
    await _choose(app, Picker("Commands", entries, empty="Nothing is called that."))


async def go_to(app: Dashboard) -> None:
    await _choose(app, Picker("Go to", palette.of_names(app.view), empty="Nothing has that name."))


async def _choose(app: Dashboard, picker: Picker) -> None:
    action = await app.push_screen_wait(picker)
    if action is not None:
        await app.run_action(action)


def show_help(app: Dashboard) -> None:
    app.push_screen(Help())


def next_units(app: Dashboard) -> None:
    units = UNITS[(UNITS.index(app.context.units) + 1) % len(UNITS)]
    app.set_context(units=units)
    app.say(f"profit in {'R, units of the risk taken' if units == 'r' else units}")


def next_account(app: Dashboard) -> None:
    app.next_account()


def freeze(app: Dashboard) -> None:
    app.freeze()


def repaint(app: Dashboard) -> None:
    app.refresh(layout=True)


def copy_or_leave(app: Dashboard) -> None:
    app.say("q leaves; the engine goes on trading", "dim")


async def leave(app: Dashboard) -> None:
    """Attached, at once: the engine does not care. Hosted, only after saying what becomes of it."""
    if not app.link.hosted:
        app.exit("left")
        return
    answer = await app.push_screen_wait(Leave())
    if answer == "keep":
        app.exit("keep")
    elif answer == "stop" and await app.commander.ask(asks.shutdown) is not None:
        app.exit("stop")


# ---------------------------------------------------------------------- changing


def focus(app: Dashboard) -> Focus:
    return app.deck.focus_of()


async def halt(app: Dashboard) -> None:
    name = focus(app).session
    await app.commander.ask(lambda view: asks.halt(view, name if name in view.tables.strategies else None))


async def kill(app: Dashboard) -> None:
    await app.commander.ask(asks.kill)


async def stop(app: Dashboard) -> None:
    name = _session(app)
    await app.commander.ask(lambda view: asks.stop(view, name) if name in view.tables.strategies else None)


async def start(app: Dashboard) -> None:
    name = _session(app)
    await app.commander.ask(lambda view: asks.start(view, name) if name in view.tables.strategies else None)


async def resume(app: Dashboard) -> None:
    name = _session(app)
    await app.commander.ask(lambda view: asks.resume(view, name) if name in view.tables.strategies else None)


async def resync(app: Dashboard) -> None:
    name = _session(app)
    await app.commander.ask(lambda view: asks.resync(view, name) if name in view.tables.strategies else None)


async def flatten(app: Dashboard) -> None:
    where = focus(app)
    await app.commander.ask(lambda view: asks.flatten(view, where))


async def cancel(app: Dashboard) -> None:
    where = focus(app)
    if asks.cancel(app.view, where) is None:
        app.say("choose an order, or a strategy with working orders, first", "warn")
        return
    await app.commander.ask(lambda view: asks.cancel(view, where))


def lock(app: Dashboard) -> None:
    app.set_locked(not app.locked)


def _session(app: Dashboard) -> str:
    return focus(app).session or ""


DEEDS: Mapping[str, Deed] = {
    "palette": open_palette,
    "goto": go_to,
    "help": show_help,
    "units": next_units,
    "account": next_account,
    "freeze": freeze,
    "repaint": repaint,
    "copy_or_leave": copy_or_leave,
    "leave": leave,
    "halt": halt,
    "kill": kill,
    "stop": stop,
    "start": start,
    "resume": resume,
    "resync": resync,
    "flatten": flatten,
    "cancel": cancel,
    "lock": lock,
}
