"""The children of a portfolio that lives: started, stopped, and made flat when the portfolio is."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from qkt.portfolio import ChildState, Supervisor
from qkt.runtime.session import LiveSession


async def start_child(live: LiveSession, state: ChildState, author: str) -> str:
    """Take back what keeps a child from trading besides its gate. Returns how it stands then."""
    await live.command("start_child", author, child=state.child.id)
    how = "trades" if state.obstacle is None else f"waits: {state.obstacle}"
    return f"{live.name}/{state.child.alias} {how}"


async def stopped_child(
    live: LiveSession, state: ChildState, author: str, within: float, *, flatten: bool
) -> tuple[str, bool | None]:
    """Stop a child, which gets out of what it has unless it is one that holds; with `flatten` in any case. Returns what came
    of it, and whether it is proven flat within so many seconds, None where it is to keep what it has."""
    name, supervisor = f"{live.name}/{state.child.alias}", _supervisor(live)
    before = supervisor.legs(state)
    await live.command("stop_child", author, child=state.child.id)
    if flatten and state.child.hold:
        await live.flatten(author, child=state.child.id)
    if state.child.hold and not flatten:
        return f"{name} is stopped by {author} and holds {_legs(supervisor.legs(state))}", None
    flat = await _until(lambda: supervisor.out(state), within)
    return f"{name} is stopped by {author}, {_legs(before)} closed", flat


async def wound_down(live: LiveSession, author: str, within: float) -> tuple[str, bool]:
    """Let the children without HOLD of a portfolio that stops get out. Returns what came of each, and whether they did."""
    supervisor = _supervisor(live)
    effects = await live.command("wind_down", author)
    rows = [effect.value for effect in effects if effect.kind == "wound_down"]
    leaving = [state for state in supervisor.children.values() if not state.child.hold]
    flat = await _until(lambda: all(supervisor.out(state) for state in leaving), within)
    parts = []
    for row in rows:
        alias = supervisor.children[row["child"]].child.alias
        if row["held"]:
            parts.append(f"{alias} holds {_legs(row['held'])}")
        elif row["closed"]:
            parts.append(f"{alias} closed {_legs(row['closed'])}")
    return f"{live.name} stopped: {', '.join(parts) if parts else 'nothing was open'}", flat


def stays(live: LiveSession, leg: str) -> bool:
    """Whether a leg is still there when the session has been stopped without being flattened."""
    supervisor = live.machine.session.supervisor
    if supervisor is None:
        return True
    books = live.machine.session.books.strategies
    held = (books[name] for name, state in supervisor.children.items() if state.child.hold)
    return any(str(one.id) == leg for book in held for legs in book.open_books() for one in legs)


def _supervisor(live: LiveSession) -> Supervisor:
    supervisor = live.machine.session.supervisor
    assert supervisor is not None
    return supervisor


async def _until(done: Callable[[], bool], within: float) -> bool:
    with anyio.move_on_after(within):
        while not done():
            await anyio.sleep(0.02)
    return done()


def _legs(count: int) -> str:
    return f"{count} position{'' if count == 1 else 's'}"
