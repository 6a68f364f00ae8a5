"""What a session recorded can be done again from its files alone, and a difference is shown."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from qkt.cli.main import main
from qkt.core.events import Tick
from qkt.runtime.control import commands as ask
from qkt.runtime.engine import Engine
from qkt.runtime.markets import OwnFeeds
from qkt.runtime.replay import replay
from qkt.runtime.state import StateLock
from qkt.runtime.tape import read_tape
from tests.runtime.samples import START, ListFeed, strategy_file, ticks


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of an engine with two sessions; somebody halted the second one on the way."""
    folder = tmp_path_factory.mktemp("lived")
    source = list(ticks(1500))
    anyio.run(_live, folder, source)
    return folder / "state"


async def _live(folder: Path, source: list[Tick]) -> None:
    go = anyio.Event()
    async with Engine(folder / "state", OwnFeeds(lambda: ListFeed(source, {700: go}))) as engine:
        for name in ("plain", "halted"):
            path = str(strategy_file(folder))
            await engine.perform(ask.Deploy(id=f"deploy-{name}", author="me", path=path, name=name), lambda step: None)
        while engine.hosted["halted"].live.feed_number < 700:
            await anyio.sleep(0.005)
        await engine.perform(ask.Halt(id="halt-it-now", author="me", name="halted"), lambda step: None)
        go.set()
        for name in ("plain", "halted"):
            await engine.hosted[name].pump.ended.wait()


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0), capsys.readouterr().out


def test_ticks_go_through_the_back_test_and_commands_input_by_input(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, way in (("plain", "back-test"), ("halted", "inputs")):
        code, out = said(capsys, "replay", name, "--state-dir", str(state), "--json")
        found = json.loads(out)
        assert (code, found["divergence"], found["way"], found["ticks"]) == (0, None, way, 1500)
        assert found["fills"] > 2


def test_a_session_that_goes_on_meanwhile_is_replayed_as_far_as_was_known(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(state, copy)
    run = 1
    with sqlite3.connect(copy / "journal.sqlite", isolation_level=None) as db:
        (half,) = db.execute("select input from commits where run = ? order by input limit 1 offset 9", (run,)).fetchone()
        for table in ("commits", "effects"):
            db.execute(f"create table late_{table} as select * from {table} where run = {run} and input > {half}")
            db.execute(f"delete from {table} where run = {run} and input > {half}")

    def read(*given: Any) -> Iterator[Any]:
        """The tape is longer than what the journal knew, and the journal goes on before it is compared."""
        yield from read_tape(*given)
        with sqlite3.connect(copy / "journal.sqlite", isolation_level=None) as later:
            for table in ("commits", "effects"):
                later.execute(f"insert into {table} select * from late_{table}")

    monkeypatch.setattr("qkt.runtime.replay.read_tape", read)
    with StateLock(copy):
        found = replay(copy, "plain")
    assert (found.divergence, found.inputs, found.way) == (None, half, "back-test")
    assert found.fills > 0


def test_a_day_without_fills_has_none_to_compare(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys, "replay", "plain", "--state-dir", str(state), "--day", "2024-01-11", "--json")
    assert (code, json.loads(out)["fills"]) == (0, 0)
    code, out = said(capsys, "replay", "plain", "--state-dir", str(state), "--day", "2024-01-10", "--json")
    assert START // 86_400_000 == 19732
    assert json.loads(out)["fills"] > 2


def test_a_state_is_inspected_copied_and_verified_and_damage_is_found(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    assert said(capsys, "state", "backup", str(copy), "--state-dir", str(state))[0] == 0
    code, out = said(capsys, "state", "inspect", "--state-dir", str(copy), "--json")
    assert [(one["name"], one["wanted"]) for one in json.loads(out)["sessions"]] == [
        ("plain", "running"),
        ("halted", "running"),
    ]
    assert said(capsys, "state", "verify", "--state-dir", str(copy))[0] == 0
    with sqlite3.connect(copy / "journal.sqlite") as db:
        db.execute("""update effects set data = replace(data, '"price":"1.', '"price":"2.') where kind = 'fill'""")
    code, out = said(capsys, "state", "verify", "--state-dir", str(copy), "--json")
    found = json.loads(out)["problems"]
    assert code == 1
    assert [one["where"] for one in found] == ["plain", "halted"]
    assert all("price was '2." in one["found"] for one in found)
    assert said(capsys, "replay", "plain", "--state-dir", str(copy))[0] == 1


def test_what_is_not_there_is_said_so(tmp_path: Path, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ("replay", "nobody", "--state-dir", str(state)),
        ("replay", "plain", "--state-dir", str(tmp_path)),
        ("state", "inspect", "--state-dir", str(tmp_path)),
        ("state", "backup", str(state), "--state-dir", str(state)),
    ):
        assert said(capsys, *words)[0] == 1
