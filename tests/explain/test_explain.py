"""Why a fill happened is told from the run itself: what is shown is what counted."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from qkt.cli.main import main
from qkt.core.errors import RecordingError
from qkt.explain import BacktestRecording, Explanation, explain
from qkt.explain.story import Explained
from qkt.runtime.control import commands as ask
from qkt.runtime.engine import Engine
from qkt.runtime.markets import OwnFeeds
from qkt.runtime.recording import SessionRecording
from tests.explain.samples import SIZED, market, result_of
from tests.runtime.samples import STRADDLE, ListFeed, ticks


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return result_of(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def told(result: Path) -> dict[int, Explanation]:
    """Fills of the run by number: of each rule, by stops and by targets, and the last."""
    recording = BacktestRecording.read(result)
    return {number: explain(recording, number) for number in (1, 2, 3, 4, 7, 15, 16, 22, recording.fills)}


def test_every_fill_goes_back_to_a_rule_whose_condition_was_true(told: dict[int, Explanation]) -> None:
    for one in told.values():
        source = one.entry or one.order
        assert source.cause is not None
        assert source.cause.terms[0].value == "TRUE"
        assert source.cause.bar <= source.cause.at <= int(one.fill["timestamp"])
    assert {one.order.cause.rule for one in told.values() if one.order.cause is not None} == {1, 2, 3}


def test_the_arithmetic_of_a_risked_size_comes_to_what_was_ordered(told: dict[int, Explanation]) -> None:
    sized = [one.order for one in told.values() if one.order.cause is not None and one.order.cause.rule == 1]
    assert len(sized) > 2
    for order in sized:
        budget, stop, lots, ordered = order.sizing
        equity, money = (Decimal(word.replace(",", "")) for word in budget.partition(": ")[2].split(" gives "))
        assert abs(equity * Decimal("0.005") - money) <= Decimal("0.01")
        assert stop == "its stop is 0.0006 away: one lot loses 0.0006 * 100000 = 60.00"
        asked = Decimal(lots.partition("= ")[2].split()[0])
        assert abs(asked - money / 60) < Decimal("0.001")
        assert f"{asked:.4f}" in f"{Decimal(ordered.split()[0]):.4f}"


def test_an_exit_tells_its_own_life_and_that_of_its_entry(told: dict[int, Explanation]) -> None:
    stops = [one for one in told.values() if one.fill["purpose"] == "STOP"]
    assert stops
    for one in stops:
        assert one.entry is not None
        assert one.order.cause is None
        assert one.order.origin == f"protects what {one.entry.order_id} opened"
        assert one.order.life[-1].text.startswith("filled: ")
        assert one.entry.life[0].text.startswith("asked for: ")
        assert one.entry.life[-1].at < one.order.life[-1].at


def test_each_side_of_a_pair_is_let_pass_once(tmp_path: Path) -> None:
    recording = BacktestRecording.read(result_of(tmp_path, STRADDLE))
    first = [explain(recording, number).order for number in (1, 3)]
    assert {order.order_id[-1] for order in first} != {"0"}, "the side that waited was filled too"
    for order in first:
        assert [moment.text for moment in order.life].count("risk lets it pass") == 1


def test_a_fill_stands_beside_the_quote_that_it_met(told: dict[int, Explanation]) -> None:
    quotes = {tick.ts: (tick.bid, tick.ask) for tick in ticks(3000)}
    for one in told.values():
        bid, ask = one.against.bid, one.against.ask
        assert bid is not None
        assert ask is not None
        assert (float(bid), float(ask)) == pytest.approx(quotes[int(one.fill["timestamp"])], abs=5e-9)
        assert one.against.cost == Decimal(one.fill["slippage"])


def test_a_session_tells_the_same_as_the_back_test_of_its_market(told: dict[int, Explanation], tmp_path: Path) -> None:
    anyio.run(live, tmp_path)
    recording = SessionRecording(tmp_path / "state", "sized")
    assert recording.fills == max(told)
    for number in (1, 2, 22):
        found, other = explain(recording, number), told[number]
        assert (found.against, _unnamed(found.order)) == (other.against, _unnamed(other.order))
        assert (found.entry is None) == (other.entry is None)


async def live(folder: Path) -> None:
    (folder / "sized.qkt").write_text(SIZED)
    async with Engine(folder / "state", OwnFeeds(lambda: ListFeed(list(ticks(3000)), {}))) as engine:
        asked = ask.Deploy(id="deploy-sized", author="me", path=str(folder / "sized.qkt"), name="sized")
        await engine.perform(asked, lambda step: None)
        await engine.hosted["sized"].pump.ended.wait()


def _unnamed(order: Explained) -> Explained:
    return replace(order, origin=order.origin.replace("sized", ""))


def test_a_run_that_comes_out_differently_is_refused(tmp_path: Path) -> None:
    path = result_of(tmp_path, count=1500)
    recording = BacktestRecording.read(path)
    assert recording.fills > 2
    file = market(tmp_path, 1500)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:1] + lines[200:]) + "\n")
    with pytest.raises(RecordingError, match="comes to another fill 1"):
        explain(recording, 1)


def test_what_cannot_be_explained_is_said_in_a_sentence(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.json").write_text("no json")
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "old.json").write_text('{"trades": []}')
    for run, number, words in (
        (str(result), "0", "there is no fill 0"),
        (str(result), "9999", "there is no fill 9999"),
        (str(tmp_path / "none.json"), "1", "cannot be read: No such file"),
        (str(tmp_path / "text.json"), "1", "is no JSON document"),
        (str(tmp_path / "other.json"), "1", "is no result"),
        (str(tmp_path / "old.json"), "1", "does not tell how it was made"),
    ):
        assert _run(capsys, run, number)[0] == 1
        assert words in _run(capsys, run, number)[2]


def test_a_fill_as_text_and_as_data(result: Path, told: dict[int, Explanation], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, str(result), "2", "--json")
    assert code == 0
    assert json.loads(out) == told[2].as_dict()
    code, out, _ = _run(capsys, str(result), "2")
    assert "run, fill 2: " in out
    assert "the market stood at bid" in out


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["explain-trade", *words])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err
