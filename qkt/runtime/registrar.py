"""A strategy file and its parameters become a session that is written down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from qkt.brokers.factory import BrokerKind
from qkt.runtime.journal import Registration
from qkt.runtime.setup import Terms, load_strategy, read_strategy, source_hash
from qkt.runtime.venues import new_owner

if TYPE_CHECKING:
    from qkt.runtime.engine import Engine


async def compiled(engine: Engine, path: Path, params: dict[str, str]) -> tuple[str, Terms]:
    """The text of a strategy file, and the terms of a session of it. Raises a QktError for one that does not compile."""
    source = await anyio.to_thread.run_sync(read_strategy, path)
    scratch = engine.state / "scratch"
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    strategy = await anyio.to_thread.run_sync(load_strategy, str(path), source, params, scratch, engine.defaults.book)
    terms = engine.defaults.of(source)
    if terms.broker is BrokerKind.MT5:
        symbols = list(dict.fromkeys(stream.symbol for stream in strategy.streams if stream.traded))
        instruments = await engine.venues.instruments(symbols, terms.currency)
        terms = terms.at_venue(new_owner(), instruments)
    return source, terms


def registered(engine: Engine, path: Path, name: str, source: str, params: dict[str, str], terms: Terms) -> Registration:
    """Write the session down."""
    return engine.journal.register(
        name,
        file=str(path),
        source=source,
        source_hash=source_hash(source),
        params=params,
        settings=terms.as_json(),
        created_at=engine.wall.now(),
    )


def changes(old: Registration, source: str, params: dict[str, str]) -> str:
    """In words what differs from a registered session, empty when nothing does."""
    found = ["the source" if source_hash(source) != old.source_hash else "", "parameters" if params != old.params else ""]
    different = " and ".join(filter(None, found))
    return f"{different} changed" if different else ""
