"""What an operator can do, in one register: it feeds keys, footer, palette, help and the `[keys]` of the user.

Small letters look; capitals change what trades. No control chord is ever required.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tui.viewmodel import View

SCREENS: Mapping[str, str] = {
    "overview": "Overview",
    "strategy": "Strategy",
    "orders": "Orders",
    "chart": "Chart",
    "market": "Market",
    "portfolio": "Portfolio",
    "risk": "Risk",
    "logs": "Logs",
    "backtest": "Back-test",
    "system": "System",
}
FLEET = "fleet"
"""The screen of all engines. It has a letter, as the digits are taken by those of one engine."""

About = Literal[
    "any", "session", "halted", "stopped", "live", "position", "order", "alert", "order-or-position", "run", "recorded"
]


@dataclass(frozen=True, slots=True)
class Focus:
    """What the focused row is about."""

    session: str | None = None
    position: str | None = None
    order: str | None = None
    symbol: str | None = None
    account: str | None = None
    alert: str | None = None
    run: str | None = None
    # Another engine than the one that is shown.
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do. `key` as Textual names it, `shown` as a person reads it; `safe` changes are allowed while locked."""

    id: str
    key: str
    title: str
    group: Literal["look", "move", "change"]
    screens: tuple[str, ...] = ()
    about: About = "any"
    safe: bool = False
    shown: str = ""
    aliases: tuple[str, ...] = ()
    # The word in the footer; without one it does not stand there.
    footer: str = ""

    @property
    def label(self) -> str:
        return self.shown or self.key

    @property
    def changes(self) -> bool:
        return self.group == "change"

    def on(self, screen: str) -> bool:
        return not self.screens or screen in self.screens

    def fits(self, focus: Focus, view: View) -> bool:
        """Whether the focused row is something this action can act on."""
        row = view.tables.strategies.get(focus.session or "")
        match self.about:
            case "any":
                return True
            case "session":
                return row is not None and row.state not in ("STOPPED", "DOWN")
            case "halted":
                return row is not None and row.halt is not None
            case "live":
                return is_live(view)
            case "stopped":
                return row is not None and (row.state in ("STOPPED", "DOWN") or row.operator_stopped)
            case "position":
                return focus.position in view.tables.positions
            case "order":
                return focus.order in view.tables.orders
            case "order-or-position":
                return focus.order in view.tables.orders or focus.position in view.tables.positions
            case "alert":
                return any(alert.acknowledged is None for alert in view.tables.alerts.values())
            case "run":
                return focus.run is not None
            case "recorded":
                return row is not None or focus.run is not None


def is_live(view: View) -> bool:
    """Whether real money is at stake anywhere."""
    hello = view.hello
    return (hello is not None and hello.mode == "LIVE") or any(row.mode == "LIVE" for row in view.tables.accounts.values())


def _screens() -> list[Action]:
    return [
        Action(f"show('{name}')", str(number % 10), title, "look", shown=str(number % 10))
        for number, (name, title) in enumerate(SCREENS.items(), 1)
    ]


ACTIONS: tuple[Action, ...] = (
    *_screens(),
    Action(f"show('{FLEET}')", "o", "Fleet: all engines and accounts", "look"),
    Action("palette", "colon", "Commands", "look", shown=":", aliases=("ctrl+p",), footer="commands"),
    Action("help", "question_mark", "Help", "look", shown="?", aliases=("f1",), footer="help"),
    Action("filter", "slash", "Filter as you type", "look", shown="/", footer="filter"),
    Action("next_match", "n", "Next match", "look"),
    Action("goto", "g", "Go to a strategy, symbol or order", "look"),
    Action("jump", "apostrophe", "Jump to a pane by its letter", "look", shown="'"),
    Action("open", "enter", "Open", "look", shown="Enter", footer="open"),
    Action("back", "escape", "Back", "look", shown="Esc", aliases=("backspace",)),
    Action("previous", "left_square_bracket", "Previous strategy or symbol", "look", shown="["),
    Action("next", "right_square_bracket", "Next strategy or symbol", "look", shown="]"),
    Action("sort_left", "less_than_sign", "Sort by the column to the left", "look", shown="<"),
    Action("sort_right", "greater_than_sign", "Sort by the column to the right", "look", shown=">"),
    Action("reverse", "s", "Reverse the order", "look"),
    Action("zoom", "z", "Maximise the pane, and back", "look"),
    Action("columns", "w", "Next set of columns", "look"),
    Action("freeze", "v", "Freeze the view, and back", "look"),
    Action("follow", "f", "Follow the log", "look"),
    Action("plus", "plus", "Zoom in; more of the log", "look", shown="+"),
    Action("minus", "minus", "Zoom out; less of the log", "look", shown="-"),
    Action("timeframe", "t", "Next timeframe", "look", screens=("chart",)),
    Action("compare", "equals_sign", "Compare runs", "look", screens=("backtest",), shown="="),
    Action("copy", "y", "Copy the row", "look"),
    Action("inspect", "i", "Inspect the row", "look"),
    Action("replay", "r", "Replay: walk through what was recorded", "look", about="recorded"),
    Action("units", "u", "Units: money, points, R, %", "look"),
    Action("thrift", "b", "Low bandwidth", "look"),
    Action("account", "backslash", "Next account, ALL", "look", shown="\\"),
    Action("leave", "q", "Leave", "look", footer="quit"),
    Action("repaint", "ctrl+l", "Repaint", "look", shown="ctrl+l"),
    Action("copy_or_leave", "ctrl+c", "Copy, else say how to leave", "look", shown="ctrl+c"),
    Action("deploy", "D", "Deploy a strategy file", "change", footer="deploy"),
    Action("stop", "X", "Stop: keep or flatten positions", "change", about="session", footer="stop"),
    Action("halt", "H", "Halt: cancel entry orders, block new ones", "change", safe=True, footer="halt"),
    Action("resume", "R", "Resume", "change", about="halted", footer="resume"),
    Action("flatten", "F", "Flatten a position, a strategy or all", "change", footer="flatten"),
    Action("cancel", "C", "Cancel an order or a run", "change", footer="cancel"),
    Action(
        "modify", "M", "Move stop or target, break even, close a part", "change", about="order-or-position", footer="modify"
    ),
    Action("resync", "E", "Resync from the edited file", "change", about="session"),
    Action("start", "S", "Start what is stopped", "change", about="stopped", footer="start"),
    Action("new_backtest", "N", "New back-test", "change", safe=True),
    Action("acknowledge", "A", "Acknowledge alerts", "change", about="alert", safe=True, footer="acknowledge"),
    Action("kill", "K", "Kill switch", "change", safe=True, footer="KILL"),
    Action("lock", "L", "Lock, unlock", "change", about="live", safe=True, footer="unlock"),
)

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}
BY_KEY: Mapping[str, Action] = {key: action for action in ACTIONS for key in (action.key, *action.aliases)}

# Always works: whatever the size, the lock, or the state of the link.
ALWAYS = ("leave", "halt", "kill")


def available(screen: str, focus: Focus, view: View, *, locked: bool, read_only: bool) -> Iterable[Action]:
    """What applies here and now, in the order of the register."""
    for action in ACTIONS:
        if not action.on(screen) or not action.fits(focus, view) or (action.changes and focus.engine is not None):
            continue
        if action.changes and (read_only or (locked and not action.safe)):
            continue
        if action.changes and not view.linked and action.id not in ALWAYS:
            continue
        yield action


def why_not(action: Action, screen: str, focus: Focus, view: View, *, locked: bool, read_only: bool) -> str | None:
    """Why this action does nothing now, in a sentence; None when it does."""
    if not action.on(screen):
        return f"only on {', '.join(SCREENS[name] for name in action.screens)}"
    if action.changes and read_only:
        return "read-only: this dashboard changes nothing"
    if action.changes and focus.engine is not None:
        return f"{focus.engine} is another engine than this dashboard's: Enter shows its own"
    if action.changes and not view.linked and action.id not in ALWAYS:
        return "no link to the engine"
    if action.changes and locked and not action.safe:
        return "locked: L unlocks"
    if not action.fits(focus, view):
        return _NEEDS[action.about]
    return None


_NEEDS: Mapping[About, str] = {
    "any": "",
    "session": "choose a running strategy first",
    "halted": "nothing is halted there",
    "live": "paper is never locked",
    "stopped": "choose a stopped strategy first",
    "position": "choose a position first",
    "order": "choose an order first",
    "order-or-position": "choose a position or an order first",
    "alert": "no alert is open",
    "run": "choose a run first",
    "recorded": "choose a strategy or a run first",
}


def rebound(keys: Mapping[str, str]) -> dict[str, str]:
    """The user's `[keys]`, id to key, as Textual's key map. Raises ValueError for an unknown id or a clash."""
    for name in keys:
        if name not in BY_ID:
            raise ValueError(f"[keys] has no action '{name}'; qkt's help lists them")
    taken = {action.id: keys.get(action.id, action.key) for action in ACTIONS}
    seen: dict[str, str] = {}
    for name, key in taken.items():
        if key in seen:
            raise ValueError(f"[keys] gives '{key}' to both {seen[key]} and {name}")
        seen[key] = name
    return {name: ",".join((key, *BY_ID[name].aliases)) for name, key in taken.items()}


def bound(keys: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """As `rebound`, or the standard keys and why the user's cannot hold: no engine is left alone for a typo."""
    try:
        return rebound(keys), ""
    except ValueError as problem:
        return rebound({}), f"{problem} - the standard keys hold"
