"""`qkt status`, `logs`, `positions`, `orders`, `trades`: what a running engine does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.errors import say
from qkt.cli.options import JsonOption, SomeArgument, StateDirOption, new_app
from qkt.cli.reach import ask, known, print_word, print_words

if TYPE_CHECKING:
    from qkt.runtime.control.client import ControlClient
    from qkt.runtime.control.frames import Snapshot
    from qkt.runtime.control.rows import Line, StrategyRow

app = new_app()


@app.command()
def status(
    name: SomeArgument = None,
    deep: Annotated[bool, typer.Option("--deep", help="Say whether all is well. Exit code 1 when it is not.")] = False,
    watching: Annotated[
        bool, typer.Option("--watch", help="Go on in sentences, for a screen reader: what happens, and money once a minute.")
    ] = False,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """The state of the engine, or of one session."""
    if watching:
        _watch(name, state_dir, otherwise=deep or as_json)
        return
    if deep:
        _health(name, state_dir, as_json=as_json)
        return
    snapshot = ask(state_dir, lambda client: client.snapshot())
    if name is not None:
        row = snapshot.tables.strategies[known(name, snapshot.tables.strategies)]
        if as_json:
            print_word(row)
        else:
            _show_session(row, snapshot)
    elif as_json:
        print_word(snapshot)
    else:
        _show_engine(snapshot)


@app.command()
def logs(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The session, or 'engine'.")],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with new lines as they come.")] = False,
    lines: Annotated[int, typer.Option(min=0, max=10_000, metavar="N", help="How many of the past.")] = 200,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Not before this moment (ISO, UTC).")] = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """What a session has said and done. With --follow each line is a JSON document under --json."""
    from qkt.data.times import parse_utc

    first = None if since is None else parse_utc(since)

    async def past(client: ControlClient) -> Sequence[Line]:
        if name != "engine":
            known(name, (await client.snapshot()).tables.strategies)
        return await client.lines(session=name, since=first, limit=lines)

    if not follow:
        found = ask(state_dir, past)
        if as_json:
            print_words(found)
        else:
            _print_lines(found)
        return

    async def follow_on(client: ControlClient) -> None:
        found = await past(client)
        _print_lines(found, as_json=as_json)
        await _follow(client, name, found[-1].number if found else None, as_json=as_json)

    try:
        ask(state_dir, follow_on)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@app.command()
def positions(name: SomeArgument = None, state_dir: StateDirOption = None, as_json: JsonOption = False) -> None:
    """Open positions, leg by leg."""
    from qkt.cli.tables import exact, print_table, signed, span

    snapshot = ask(state_dir, lambda client: client.snapshot())
    sessions = _meant(name, snapshot)
    rows = [row for row in snapshot.tables.positions.values() if row.session in sessions]
    if as_json:
        print_words(rows)
        return
    header = ("SESSION", "SYMBOL", "SIDE", "QTY", "ENTRY", "MARK", "P&L", "STOP", "TARGET", "HELD", "ENGINE-HELD")
    cells = [
        (
            row.session,
            row.symbol,
            row.side,
            exact(row.quantity),
            exact(row.entry),
            exact(row.mark),
            signed(row.pnl),
            exact(row.stop),
            exact(row.target),
            span(_now(row.session, snapshot) - row.opened),
            ", ".join(row.engine_held) or "-",
        )
        for row in rows
    ]
    print_table(header, cells, right=header[3:10], empty="no open positions")


@app.command()
def orders(name: SomeArgument = None, state_dir: StateDirOption = None, as_json: JsonOption = False) -> None:
    """Working orders."""
    from qkt.cli.tables import exact, print_table, span

    snapshot = ask(state_dir, lambda client: client.snapshot())
    sessions = _meant(name, snapshot)
    rows = [row for row in snapshot.tables.orders.values() if row.session in sessions]
    if as_json:
        print_words(rows)
        return
    header = ("SESSION", "SYMBOL", "SIDE", "TYPE", "PURPOSE", "QTY", "PRICE", "STOP", "TIF", "STATUS", "AGE", "ORDER")
    cells = [
        (
            row.session,
            row.symbol,
            row.side,
            row.kind,
            row.purpose,
            exact(row.quantity),
            exact(row.price),
            exact(row.stop),
            row.time_in_force,
            row.status,
            span(_now(row.session, snapshot) - row.placed),
            row.order,
        )
        for row in rows
    ]
    print_table(header, cells, right=("QTY", "PRICE", "STOP", "AGE"), empty="no working orders")


@app.command()
def trades(
    name: SomeArgument = None,
    limit: Annotated[int, typer.Option("--lines", min=1, max=10_000, metavar="N", help="How many, the latest.")] = 200,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fills, oldest first."""
    from qkt.cli.tables import exact, moment, print_table, signed

    fills = ask(state_dir, lambda client: client.fills(name, limit=limit))
    if as_json:
        print_words(fills)
        return
    header = ("TIME", "SESSION", "SYMBOL", "SIDE", "QTY", "PRICE", "REALISED", "COST", "PURPOSE", "ORDER")
    cells = [
        (
            moment(fill.ts),
            fill.session,
            fill.symbol,
            fill.side,
            exact(fill.quantity),
            exact(fill.price),
            signed(fill.realised),
            exact(fill.cost),
            fill.purpose,
            fill.order,
        )
        for fill in fills
    ]
    print_table(header, cells, right=header[4:8], empty="no fills yet")


def _watch(name: str | None, state_dir: Path | None, *, otherwise: bool) -> None:
    from qkt.cli.spoken import watch
    from qkt.core.errors import UsageError

    if otherwise:
        raise UsageError("--watch says sentences", expected="neither --deep nor --json with it")
    try:
        ask(state_dir, lambda client: watch(client, name))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _now(session: str, snapshot: Snapshot) -> int:
    """The time by a session's own clock, which a replayed feed drives."""
    return snapshot.tables.strategies[session].last_tick or snapshot.ts


def _meant(name: str | None, snapshot: Snapshot) -> set[str]:
    """The session that is asked for and its children, or all. Raises UnknownSessionError."""
    sessions = snapshot.tables.strategies
    if name is None:
        return set(sessions)
    return {known(name, sessions), *(one for one in sessions if one.startswith(f"{name}/"))}


def _health(name: str | None, state_dir: Path | None, *, as_json: bool) -> None:
    health = ask(state_dir, lambda client: client.health())
    issues = list(health.issues)
    if name is not None:
        row = next((one for one in health.sessions if one.name == name), None)
        known(name, [one.name for one in health.sessions])
        assert row is not None
        issues = [f"{name}: {one}" for one in (row.blocked, "halted" if row.halted else None) if one]
    if as_json:
        print_word(health)
    else:
        print("UNHEALTHY" if issues else "HEALTHY")
        for issue in issues:
            say(issue)
    if issues:
        raise typer.Exit(1)


def _show_session(row: StrategyRow, snapshot: Snapshot) -> None:
    from qkt.cli.deployments import state_of
    from qkt.cli.tables import moment, money, percent, printable, signed, span

    facts = [
        ("state", state_of(row)),
        ("why", row.reason or row.blocked or ""),
        ("account", f"{row.account} {row.mode}"),
        ("file", row.file),
        ("symbols", ", ".join(row.symbols)),
        ("up", span(snapshot.ts - row.started)),
        ("equity", money(row.equity)),
        ("day P&L", signed(row.day_pnl)),
        ("open P&L", signed(row.open_pnl)),
        ("drawdown", f"{percent(row.drawdown_pct)}, worst {percent(row.max_drawdown_pct)}"),
        ("positions", str(row.positions)),
        ("orders", str(row.orders)),
        ("trades", str(row.trades)),
        ("last fill", moment(row.last_fill)),
        ("last tick", moment(row.last_tick)),
        ("dropped", f"{row.dropped} ticks" if row.dropped else ""),
        *fidelity_facts(row),
    ]
    print(row.name)
    for label, value in facts:
        if value:
            print(f"  {label:<10} {printable(value)}")


def fidelity_facts(row: StrategyRow) -> list[tuple[str, str]]:
    """How faithful a session is to its recording, in words."""
    from qkt.cli.tables import moment, signed

    found = row.fidelity
    if found is None:
        return []
    if found.state == "unknown":
        return [("fidelity", f"unknown: {found.reason}")]
    share = "nothing to compare yet" if found.parity_pct is None else f"{found.parity_pct}% of {found.records:,} records"
    behind = f", {found.behind:,} inputs behind" if found.behind else ""
    facts = [
        ("fidelity", f"{share}, as of {moment(found.as_of)}{behind}"),
        ("differs", found.difference or ""),
        ("fills", f"{found.missed} missed, {found.extra} that paper had not"),
    ]
    for label, got in (("decision", found.against_decision), ("quote", found.against_quote), ("paper", found.against_paper)):
        if got is not None:
            mean, worst = f"{got.mean_points:+.2f}", f"{got.worst_points:+.2f}"
            facts.append((label, f"fills got {mean} points beyond it, worst {worst}; {signed(got.money)} in all"))
    return facts


def _show_engine(snapshot: Snapshot) -> None:
    from qkt.cli.tables import moment, money, print_table, signed

    tables = snapshot.tables
    header = ("ACCOUNT", "MODE", "EQUITY", "DAY P&L", "OPEN P&L", "LINK")
    accounts = [
        (row.account, row.mode, f"{money(row.equity)} {row.currency}", signed(row.day_pnl), signed(row.open_pnl), row.link)
        for row in tables.accounts.values()
    ]
    print_table(header, accounts, right=header[2:5], empty="no accounts")
    print()
    header = ("FEED", "STATE", "SYMBOLS", "SESSIONS", "TICKS", "DROPPED")
    feeds = [
        (row.feed, row.state, str(row.symbols), str(row.sessions), f"{row.ticks:,}", str(row.dropped))
        for row in tables.feeds.values()
    ]
    print_table(header, feeds, right=header[2:], empty="no feeds are open")
    print()
    running = sum(row.state == "RUN" and row.halt is None for row in tables.strategies.values())
    print(
        f"sessions {len(tables.strategies)}, running {running}, positions {len(tables.positions)}, orders {len(tables.orders)}"
    )
    print(f"version {snapshot.version}")
    for halt in tables.halts.values():
        until = f"until {moment(halt.until)}" if halt.until is not None else "until resumed"
        print(f"HALT {halt.scope}: {halt.reason} ({halt.kind}, {until})")


def _print_lines(lines: Sequence[Line], *, as_json: bool = False) -> None:
    from qkt.cli.tables import moment, printable

    for line in lines:
        if as_json:
            print(line.model_dump_json())
        else:
            print(f"{moment(line.ts)} {line.level:<5} {printable(line.text)}", flush=True)


async def _follow(client: ControlClient, name: str, after: int | None, *, as_json: bool) -> None:
    from qkt.runtime.control.frames import Bye, Lines, Subscribe

    async with client.stream(Subscribe(tables=(), after=after)) as stream:
        async for frame in stream:
            match frame:
                case Lines():
                    if frame.missed:
                        say(f"{frame.missed} lines were missed")
                    _print_lines([line for line in frame.lines if line.scope == name], as_json=as_json)
                case Bye():
                    say(frame.reason)
                    return
                case _:
                    pass
