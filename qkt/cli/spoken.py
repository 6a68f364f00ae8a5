"""`qkt status --watch`: an engine in sentences, one after the other and none drawn twice, for whoever listens to a screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from qkt.cli.errors import say
from qkt.core.instruments import bare

if TYPE_CHECKING:
    from qkt.runtime.control.client import ControlClient
    from qkt.runtime.control.frames import Snapshot
    from qkt.runtime.control.rows import Line, StrategyRow

EVERY = 60_000
"""How often money is said (ms)."""
HAPPENED = ("fill", "halt", "operator", "feed")
GRAVE = ("WARN", "ERROR")
STATES = {
    "WARM": "warms up",
    "RUN": "runs",
    "STOPPING": "stops",
    "STOPPED": "is stopped",
    "FAULT": "has failed",
    "DOWN": "is down",
}


async def watch(client: ControlClient, name: str | None) -> None:
    """Say what is, then what happens, until the engine ends; money once a minute. `name` narrows it to one session."""
    from qkt.runtime.control.frames import Bye, Delta, Lines, Snapshot, Subscribe, fold

    teller: Teller | None = None
    async with client.stream(Subscribe(rate=1, tables=("strategies",))) as stream:
        async for frame in stream:
            match frame:
                case Snapshot():
                    teller = Teller(frame, name)
                    _print(teller.news())
                case Delta() if teller is not None:
                    teller.state = fold(teller.state, frame)
                    _print(teller.news())
                case Lines():
                    _print(happening(line) for line in frame.lines if heard(line, name))
                case Bye():
                    say(frame.reason)
                    return
                case _:
                    pass


class Teller:
    """Knows what it has said of each session."""

    def __init__(self, state: Snapshot, name: str | None) -> None:
        self.state = state
        self._name = name
        self._said: Mapping[str, str] = {}
        self._due = 0

    def news(self) -> Iterator[str]:
        """States that differ from what was said of them; once a minute all of them, with money."""
        rows = _meant(self.state, self._name)
        standing = {row.name: state_of(row) for row in rows}
        if self.state.ts >= self._due:
            self._due = self.state.ts + EVERY
            yield from (f"{standing[row.name]} {money_of(row)}" for row in rows)
        else:
            yield from (sentence for name, sentence in standing.items() if self._said.get(name) != sentence)
        yield from (f"{name} is gone." for name in self._said if name not in standing)
        self._said = standing


def heard(line: Line, name: str | None) -> bool:
    """Whether a line is worth saying."""
    mine = name is None or line.scope == name or line.scope.startswith(f"{name}/")
    return mine and (line.kind in HAPPENED or line.level in GRAVE)


def happening(line: Line) -> str:
    """A line as a sentence."""
    from qkt.cli.tables import exact, signed

    fill = line.fill
    if fill is None:
        return f"{line.scope}: {line.text.rstrip('.')}."
    done = f"{'bought' if fill.side == 'BUY' else 'sold'} {exact(fill.quantity)} {bare(fill.symbol)} at {exact(fill.price)}"
    return f"{line.scope} {done}{f', realised {signed(fill.realised)}' if fill.realised else ''}."


def state_of(row: StrategyRow) -> str:
    """A session's state as a sentence."""
    halted = {"daily": "halted for the day", "persistent": "halted until resumed", "operator": "halted by an operator"}
    state = STATES[row.state] if row.halt is None or row.state != "RUN" else f"is {halted[row.halt]}"
    why = (row.reason or row.blocked or "").rstrip(".")
    return f"{row.name} {state}{f': {why}' if why else ''}."


def money_of(row: StrategyRow) -> str:
    """What a session is worth and holds as a sentence. A hyphen is not heard: what is not known is said in a word."""
    from qkt.cli.tables import money, signed

    profit = row.open_pnl if row.positions else None
    parts = [
        f"Equity {'unknown' if row.equity is None else money(row.equity)}",
        f"today {'unknown' if row.day_pnl is None else signed(row.day_pnl)}",
        _held(row.positions, "position") + ("" if profit is None else f" at {signed(profit)}"),
        _held(row.orders, "order"),
    ]
    return f"{', '.join(parts)}."


def _held(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def _meant(state: Snapshot, name: str | None) -> list[StrategyRow]:
    from qkt.cli.reach import known

    rows = state.tables.strategies
    if name is not None:
        return [rows[known(name, rows)]]
    return [row for row in rows.values() if row.parent is None]


def _print(sentences: Iterable[str]) -> None:
    from qkt.cli.tables import printable

    for sentence in sentences:
        print(printable(sentence), flush=True)
