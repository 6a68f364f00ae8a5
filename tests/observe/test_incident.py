"""A bundle tells what happened in its slice of time, also when something of it is damaged."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile

import pytest

from qkt.cli.main import main
from qkt.config import Config
from qkt.core.errors import UsageError
from qkt.core.events import Tick
from qkt.observe.incident import Incident, span
from qkt.runtime.control.errors import UnknownSessionError
from qkt.runtime.errors import StateError
from qkt.runtime.inputs import TickInput
from qkt.runtime.recorder import tape_folder
from qkt.runtime.tape import read_tape, segments, time_of

pytestmark = pytest.mark.anyio
MINUTE = 60_000


def contents(path):
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


@pytest.mark.parametrize(("text", "length"), [("90m", 5_400_000), ("2h", 7_200_000), ("1d", 86_400_000), ("30 s", 30_000)])
def test_spans(text, length):
    assert span(text) == length


@pytest.mark.parametrize("text", ["", "2", "h", "0h", "-1h", "two hours"])
def test_what_is_no_span_is_refused(text):
    with pytest.raises(UsageError, match="such as 90m"):
        span(text)


async def test_it_holds_the_slice_and_what_it_was_made_of(engine, tmp_path):
    run = engine.find("one").registration.run
    engine.find("one").recorder.flush()
    inputs = list(read_tape(tape_folder(engine.state, run)))
    last = time_of(inputs[-1][1])
    target = tmp_path / "i.zip"
    Incident(engine.state, "one", 10 * MINUTE, last + 5 * MINUTE).write(target, Config(), {"health.json": "{}"})
    found = contents(target)
    recorded = [json.loads(line) for line in found["recording.jsonl"].splitlines()]
    assert recorded[-1]["input"] == inputs[-1][0]
    assert last - recorded[0]["ts"] <= 10 * MINUTE < last - recorded[0]["ts"] + 2_001
    effects = [json.loads(line) for line in found["journal.jsonl"].splitlines()]
    assert all(effect["input"] >= recorded[0]["input"] for effect in effects)
    manifest = json.loads(found["manifest.json"])
    assert manifest["packages"]["pydantic"]
    for about in manifest["files"]:
        assert hashlib.sha256(found[about["name"]].encode()).hexdigest() == about["sha256"]
    assert json.loads(found["config.json"])["feed"]["token"] is None
    assert "STRATEGY cross" in found["strategy.qkt"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


async def test_a_tick_is_told_with_all_that_it_says(engine, tmp_path, monkeypatch):
    tick = Tick("SIM:EURUSD", 1_704_880_800_000, 1.1, 1.0999, 1.1001, 3.0, bid_size=2.5, ask_size=0.5)
    monkeypatch.setattr("qkt.observe.incident.read_since", lambda tape, since: [(1, TickInput(tick, 7))])
    target = tmp_path / "i.zip"
    Incident(engine.state, "one", MINUTE, engine.wall.now()).write(target, Config(), {})
    told = json.loads(contents(target)["recording.jsonl"])
    names = ("symbol", "ts", "price", "bid", "ask", "volume", "synthetic", "bid_size", "ask_size")
    assert told == {"input": 1, "sort": "tick", "number": 7, **{name: getattr(tick, name) for name in names}}


async def test_what_is_long_keeps_its_end(engine, tmp_path):
    engine.find("one").recorder.flush()
    target = tmp_path / "i.zip"
    Incident(engine.state, "one", 86_400_000, engine.wall.now(), most=2_000).write(target, Config(), {})
    found = contents(target)
    assert len(found["recording.jsonl"]) <= 2_000
    about = next(one for one in json.loads(found["manifest.json"])["files"] if one["name"] == "recording.jsonl")
    assert about["lines_left_out"] > 900


async def test_a_damaged_recording_is_told_and_the_rest_is_there(engine, tmp_path):
    await engine.end(engine.find("one"))
    run = engine.registration("one").run
    (segment,) = segments(tape_folder(engine.state, run))
    data = bytearray(segment.read_bytes())
    data[60] ^= 0xFF
    segment.write_bytes(data)
    target = tmp_path / "i.zip"
    Incident(engine.state, "one", 86_400_000, engine.wall.now()).write(target, Config(), {})
    found = contents(target)
    problems = {one["name"]: one["problem"] for one in json.loads(found["manifest.json"])["files"]}
    assert "damaged" in problems["recording.jsonl"]
    assert problems["strategy.qkt"] is None


async def test_it_needs_a_session_and_a_place(engine, tmp_path):
    with pytest.raises(UnknownSessionError, match="one"):
        Incident(engine.state, "noe", MINUTE, 0)
    with pytest.raises(StateError, match="cannot be written"):
        Incident(engine.state, "one", MINUTE, 0).write(tmp_path / "no" / "i.zip", Config(), {})


def test_without_a_state_there_is_no_incident(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["incident", "one", "--state-dir", str(tmp_path / "none")])
    assert ended.value.code == 1
    assert "holds no state" in capsys.readouterr().err
