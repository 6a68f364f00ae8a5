"""What was tested is what trades: five ways through the same ticks, and one list of trades.

The fast back-test, the back-test that visits every tick, a session of a real engine that reads the same files as a feed, the
same session brought back by another engine, and the replay of what it recorded.
"""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

import qkt
from qkt.backtest.api import moment
from qkt.brokers.paper import ExecutionSettings
from qkt.core.instruments import bare
from qkt.data import open_data
from qkt.data.feeds.replay import ReplayFeed
from qkt.lang import LanguageError
from qkt.ledger import TradeRow
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Done
from qkt.runtime.engine import Engine
from qkt.runtime.markets import OwnFeeds
from qkt.runtime.replay import replay
from qkt.runtime.setup import Terms, load_strategy, read_strategy

SHARED = Path(__file__).parents[3] / "shared"
GOLDEN = SHARED / "golden"
ALL = os.environ.get("QKT_PARITY") == "all"
pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden cases of ../shared are not here")


def cases() -> list[str]:
    found = sorted(path.parent.name for path in GOLDEN.glob("*/case.json")) if GOLDEN.is_dir() else []
    if ALL:
        return found
    # A day of one market takes seconds, three days of several take a minute: those run at night. Of portfolios half a day.
    short = [name for name in found if len(json.loads((GOLDEN / name / "case.json").read_text())["data"]) == 1]
    return [*short, *(name for name in found if name.startswith("portfolio_"))]


def facts_of(name: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((GOLDEN / name / "case.json").read_text())
    if name.startswith("portfolio_") and not ALL:
        day = facts["from"][:10]
        facts["data"] = [file for file in facts["data"] if day in file]
        facts["to"] = f"{day}T12:00:00Z"
    return facts


@pytest.mark.parametrize("name", cases())
def test_back_test_live_session_and_its_replay_make_the_same_trades(name: str, tmp_path: Path) -> None:
    facts = facts_of(name)
    strategy = GOLDEN / name / "strategy.qkt"
    instruments = instrument_file(facts, tmp_path)
    data = [SHARED / "data" / "ticks" / file for file in facts["data"]]

    def back_test(every_tick: bool) -> list[TradeRow]:
        return qkt.backtest(
            strategy,
            data=data,
            start=facts["from"],
            end=facts["to"],
            balance=facts["start_balance"],
            params=facts["params"],
            fills=facts["fills"],
            instruments=instruments,
            every_tick=every_tick,
        ).trades

    try:
        fast = back_test(False)
    except LanguageError as problem:
        pytest.skip(problem.problems[0].message)
    start, end = moment(facts["from"], "from"), moment(facts["to"], "to")
    terms = Terms.with_instruments(
        instruments,
        balance=Decimal(facts["start_balance"]),
        execution=ExecutionSettings.of(fills=facts["fills"]),
        begin=start,
    )
    runnable = load_strategy(str(strategy), read_strategy(strategy), facts["params"], tmp_path)
    symbols = dict.fromkeys(s.symbol for s in runnable.streams if s.fed)

    def feed() -> ReplayFeed:
        files = open_data([str(path) for path in data])
        return ReplayFeed({symbol: files[bare(symbol)] for symbol in symbols}, start=start, end=end)

    live = anyio.run(lived, tmp_path / "state", OwnFeeds(feed), terms, strategy, facts["params"])
    assert live == fast
    assert live
    if ALL:  # brought back
        assert anyio.run(lived, tmp_path / "state", OwnFeeds(feed), terms, strategy, facts["params"]) == fast
    again = replay(tmp_path / "state", "case")
    assert (again.divergence, again.fills, again.way) == (None, len(fast), "back-test")
    assert back_test(True) == fast


async def lived(state: Path, market: OwnFeeds, terms: Terms, strategy: Path, params: dict[str, str]) -> list[TradeRow]:
    """The trades of a session of a real engine: deploy, factory, inbox, tape, journal."""
    async with Engine(state, market, terms=terms) as engine:
        if not engine.hosted:
            given = {name: str(value) for name, value in params.items()}
            command = ask.Deploy(id="deploy-case", author="test", path=str(strategy), name="case", params=given)
            answer = await engine.perform(command, lambda step: None)
            assert isinstance(answer, Done), answer
        hosted = engine.hosted["case"]
        await hosted.pump.ended.wait()
        assert hosted.live.inbox.dropped == 0
        assert hosted.live.machine.failed is None
        return list(hosted.live.machine.session.books.trades)


def instrument_file(facts: dict[str, Any], folder: Path) -> Path:
    """The instruments of ../shared with the case's own terms."""
    table = json.loads((SHARED / "data" / "instruments.json").read_text())
    for entry in table["instruments"]:
        entry |= facts.get("instrument_overrides", {}).get(entry["symbol"], {})
    path = folder / "instruments.json"
    path.write_text(json.dumps(table))
    return path
