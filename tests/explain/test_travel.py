"""A run can be walked through, to any of its inputs and back, and what is shown there is what was."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import anyio
import pytest

import qkt
from qkt.core.errors import RecordingError
from qkt.explain import BacktestRecording, Stride, Travel
from qkt.explain.words import sections
from qkt.runtime.recording import SessionRecording
from tests.explain.samples import SIZED, result_of
from tests.explain.test_explain import live
from tests.runtime.samples import ticks


@pytest.fixture(scope="module")
def travel(tmp_path_factory: pytest.TempPathFactory) -> Travel:
    return Travel(BacktestRecording.read(result_of(tmp_path_factory.mktemp("run"))))


def test_each_place_shows_what_the_run_had_come_to_by_then(travel: Travel, tmp_path: Path) -> None:
    """Against a back-test of the quotes up to there."""
    market = list(ticks(3000))
    (tmp_path / "sized.qkt").write_text(SIZED)
    assert travel.length == len(market)
    for place in (1, 400, travel.place_of(Stride.FILL, 3), 2217, travel.length):
        part = tmp_path / "part.csv"
        rows = (f"{tick.ts},{tick.bid},{tick.ask}" for tick in market[:place])
        part.write_text("\n".join(["timestamp,bid,ask", *rows]) + "\n")
        run = qkt.backtest(tmp_path / "sized.qkt", data=[f"EURUSD={part}"], start="2024-01-10", every_tick=True).record
        scene = travel.scene(place)
        assert (scene.at, scene.fills, scene.place) == (market[place - 1].ts, len(run.trades), place)
        assert scene.equity == run.balance + run.realized + run.unrealized
        assert [(one.quantity, one.profit) for one in scene.holdings] == [
            (one.quantity, one.unrealized) for one in run.open_positions
        ]
        assert len(scene.orders) == len(run.working_orders)
        assert (scene.markets[0].bid, scene.markets[0].ask) == (market[place - 1].bid, market[place - 1].ask)


def test_steps_go_to_the_next_bar_fill_and_rule_and_back(travel: Travel) -> None:
    assert travel.count(Stride.FILL) > 10
    for stride, words in ((Stride.BAR, "a bar of eu closes"), (Stride.FILL, "filled: "), (Stride.RULE, "fires")):
        first, second = travel.place_of(stride, 2), travel.place_of(stride, 3)
        assert travel.step(first, stride, 1) == second
        assert travel.step(second, stride, -1) == first
        assert travel.step(first + 1, stride, -1) == first
        assert travel.step(second - 1, stride, 1) == second
        assert any(words in step.text for step in travel.scene(second).happened)
    assert travel.step(500, Stride.TICK, 3) == 503
    assert travel.step(1, Stride.TICK, -1) == travel.step(1, Stride.FILL, -1) == 1
    assert travel.step(travel.length, Stride.TICK, 1) == travel.step(travel.length, Stride.BAR, 1) == travel.length


def test_rules_show_what_they_were_worth_there(travel: Travel) -> None:
    place = travel.place_of(Stride.RULE, 1)
    before, then = travel.scene(place - 1), travel.scene(place)
    fired = next(step.text for step in then.happened if "fires" in step.text)
    rule = next(one for one in then.rules if fired == f"rule {one.number} of sized fires")
    assert (rule.armed, rule.terms[0].value) == (False, "TRUE")
    assert {one.armed for one in before.rules} == {True}


def test_a_scene_reads_as_text_and_as_data(travel: Travel) -> None:
    scene = travel.scene(travel.place_of(Stride.FILL, 1))
    found = {one.title: one.lines for one in sections(scene, 80)}
    assert any("filled: " in line for line in found["Happened"])
    assert any(line.startswith("SELL ") for line in found["Positions"])
    assert max(len(line) for lines in found.values() for line in lines) <= 100
    assert Decimal(scene.as_dict()["equity"]) == scene.equity


def test_a_session_is_walked_through_by_its_inputs(travel: Travel, tmp_path: Path) -> None:
    anyio.run(live, tmp_path)
    lived = Travel(SessionRecording(tmp_path / "state", "sized"))
    assert lived.count(Stride.FILL) == travel.count(Stride.FILL)
    for number in (1, 4):
        one = lived.scene(lived.place_of(Stride.FILL, number))
        other = travel.scene(travel.place_of(Stride.FILL, number))
        assert (one.at, one.equity, one.fills, one.markets, one.rules) == (
            other.at,
            other.equity,
            other.fills,
            other.markets,
            other.rules,
        )


def test_places_that_there_are_not_are_refused(travel: Travel) -> None:
    for ask in (lambda: travel.scene(0), lambda: travel.scene(9999), lambda: travel.place_of(Stride.FILL, 999)):
        with pytest.raises(RecordingError, match="expected one of"):
            ask()
