"""What an account tells of itself: its equity, read on a poll, and when its day begins."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from qkt.brokers.dispatch import Report, What
from qkt.brokers.mt5.server_time import ServerClock
from qkt.core.daily import DailyBoundary
from qkt.core.events import MarginRead
from tests.brokers.mt5.rig import Rig
from tests.brokers.mt5.test_live import PROFILE, Account
from tests.runtime.samples import strategy_file, ticks


def test_equity_and_balance_are_read_every_five_seconds_and_recorded() -> None:
    rig = Rig(1)
    heard: list[MarginRead] = []
    rig.session.scope.subscribe(MarginRead, heard.append)
    for _ in range(31):
        rig.quote(Decimal(100), Decimal("0.02"), 1_000)
    assert [(one.equity, one.balance) for one in heard] == [(100_000, 100_000)] * 7
    reports = [item for _, item in rig.inputs if isinstance(item, Report) and item.what is What.MARGIN]
    assert [Report.from_json(one.as_json()) for one in reports] == reports


def moment(text: str) -> int:
    return round(dt.datetime.fromisoformat(text).timestamp() * 1000)


def test_the_server_s_next_day_begins_at_its_midnight_through_a_change_of_clocks() -> None:
    athens, new_york = ServerClock("Europe/Athens"), ServerClock("new_york_close")
    assert athens.next_midnight(moment("2024-03-30T12:00Z")) == moment("2024-03-30T22:00Z")
    assert athens.next_midnight(moment("2024-03-31T12:00Z")) == moment("2024-03-31T21:00Z")
    assert new_york.next_midnight(moment("2024-03-09T12:00Z")) == moment("2024-03-09T22:00Z")
    assert new_york.next_midnight(moment("2024-03-10T12:00Z")) == moment("2024-03-10T21:00Z")


@pytest.mark.parametrize(
    ("server", "day", "said"),
    [
        ("UTC", DailyBoundary(), None),
        ("Europe/Athens", DailyBoundary("Europe/Athens"), None),
        ("new_york_close", DailyBoundary("America/New_York", 17 * 60), None),
        ("Europe/Athens", DailyBoundary(), 'day_zone = "Europe/Athens" and day_starts = "00:00"'),
        ("new_york_close", DailyBoundary(), 'day_zone = "America/New_York" and day_starts = "17:00"'),
        # One but for the weeks in which only one of the two has changed its clocks.
        ("new_york_close", DailyBoundary("Europe/London", 22 * 60), "the server's at 2024-03-13 21:00 UTC"),
    ],
)
def test_a_day_of_limits_that_is_not_the_server_s_is_told(server: str, day: DailyBoundary, said: str | None) -> None:
    told = ServerClock(server).other_day(day, moment("2024-01-10T10:00Z"))
    assert (told is None) if said is None else (told is not None and said in told), told


@pytest.mark.anyio
async def test_whoever_deploys_on_an_account_with_another_day_is_warned(tmp_path: Path) -> None:
    account = Account()
    account.package.clock = ServerClock("Europe/Athens")
    profile = replace(PROFILE, server_time_zone="Europe/Athens")
    async with account.engine(tmp_path / "state", list(ticks(20)), profile) as engine:
        await engine.deploy(strategy_file(tmp_path), "cross", {})
        told = [(row.level, row.source, row.scope) for row in engine.alerts if "day_zone" in row.text]
    assert told == [("WARN", "risk", "cross")]
