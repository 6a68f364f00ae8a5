"""A session on replayed files trades as the back-test of the files does, also where symbols tick in the same millisecond."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

import qkt
from qkt.data import open_data
from qkt.data.feeds import ReplayFeed
from qkt.data.synthetic import synthesize
from qkt.runtime.control import commands as ask
from qkt.runtime.engine import Engine
from qkt.runtime.markets import OwnFeeds
from tests.runtime.samples import strategy_file

pytestmark = pytest.mark.anyio

# The strategy names gold first, the folder the euro.
PAIR = """STRATEGY pair VERSION 1
SYMBOLS
    gold = SIM:XAUUSD EVERY 1m,
    eu = SIM:EURUSD EVERY 1m
RULES
    WHEN eu.close > ema(eu.close, 9) AND gold.close > ema(gold.close, 9) AND POSITION.gold = 0
    THEN BUY gold SIZING 0.1 BRACKET { STOP LOSS BY 1.0, TAKE PROFIT RR 2 }
    WHEN gold.close < ema(gold.close, 9) AND POSITION.eu = 0
    THEN SELL eu SIZING 0.1 BRACKET { STOP LOSS TRAILING 0.0005 AFTER MFE >= 0.0003, TAKE PROFIT BY 0.002 }
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def quotes(folder: Path, symbol: str) -> set[int]:
    """A file of invented quotes in whole seconds; its times."""
    (day,) = synthesize(symbol, 1, 5, ticks_per_day=3_000)
    ts = (day["ts"] // 1000 * 1000).tolist()
    rows = "".join(f"{at},{bid!r},{ask!r}\n" for at, bid, ask in zip(ts, day["bid"].tolist(), day["ask"].tolist(), strict=True))
    (folder / f"{symbol.lower()}.csv").write_text(f"ts,bid,ask\n{rows}", encoding="utf-8")
    return set(ts)


async def test_a_replayed_file_trades_as_its_back_test(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    assert len(quotes(folder, "EURUSD") & quotes(folder, "XAUUSD")) > 80
    file = strategy_file(tmp_path, PAIR, "pair.qkt")
    expected = qkt.backtest(file, data=str(folder)).record.trades
    async with Engine(tmp_path / "state", OwnFeeds(lambda: ReplayFeed(open_data([str(folder)])))) as engine:
        await engine.perform(ask.Deploy(id="test-00000001", author="me", path=str(file)), lambda step: None)
        hosted = engine.hosted["pair"]
        with anyio.fail_after(60):
            await hosted.pump.ended.wait()
        assert list(hosted.live.machine.session.books.trades) == list(expected)
    assert len(expected) > 50
