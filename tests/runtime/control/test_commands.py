"""Commands over the socket: each done once, refused in one sentence, never on what the operator did not see."""

from __future__ import annotations

import json
import os
from typing import Any

import anyio
import pytest

from qkt.core.errors import QktError
from qkt.runtime.control import commands
from qkt.runtime.control.answers import Accepted, Changed, Done, Failed
from qkt.runtime.control.app import PIECE, _in_pieces
from qkt.runtime.control.client import connect, new_id
from qkt.runtime.control.desk import CommandDesk
from qkt.runtime.control.endpoint import announce, announced
from qkt.runtime.control.errors import NotRunningError, OtherProtocolError
from qkt.runtime.control.rows import EquityPoint
from qkt.runtime.control.serving import serving
from qkt.runtime.state import StateLock, owner
from tests.runtime.control.fake import position, strategy

pytestmark = pytest.mark.anyio


def ask(command: type[Any], **values: Any) -> Any:
    return command(**{"id": new_id(), "author": "me", **values})


async def test_a_command_given_twice_is_done_once(client, engine):
    engine.put("strategies", strategy("gold"))
    halt = ask(commands.Halt, name="gold")
    first, second = await client.perform(halt), await client.perform(halt)
    assert first == second == Done(id=halt.id, affected=("gold",))
    assert engine.performed == [halt]


async def test_a_command_goes_on_when_whoever_asked_has_gone(client, engine):
    engine.put("strategies", strategy("gold"))
    engine.hold = anyio.Event()
    halt = ask(commands.Halt, name="gold")
    assert isinstance(await client.perform(halt, wait=0.01), Accepted)
    engine.hold.set()
    assert isinstance(await client.answer(halt.id, wait=5), Done)


async def test_an_id_that_was_used_for_something_else_is_refused(client, engine):
    engine.put("strategies", strategy("gold"))
    halt = ask(commands.Halt, name="gold")
    await client.perform(halt)
    with pytest.raises(QktError, match="was given to another command"):
        await client.perform(commands.Resume(id=halt.id, author="me", name="gold"))


async def test_an_unknown_name_is_answered_with_the_nearest_one(client, engine):
    engine.put("strategies", strategy("gold"))
    answer = await client.perform(ask(commands.Stop, name="gald"))
    assert isinstance(answer, Failed)
    assert (answer.kind, answer.found, answer.remedy) == ("unknown", "no session named 'gald'", "did you mean 'gold'?")


async def test_what_changed_since_it_was_seen_is_not_touched(client, engine):
    engine.put("strategies", strategy("gold"), touch="gold")
    seen = (await client.snapshot()).version
    engine.put("positions", position("gold"), touch="gold")
    answer = await client.perform(ask(commands.Stop, name="gold", seen=seen))
    assert isinstance(answer, Changed)
    assert answer.version > seen
    assert engine.performed == []
    again = ask(commands.Stop, name="gold", seen=answer.version)
    assert isinstance(await client.perform(again), Done)


@pytest.mark.parametrize("command", [commands.Halt, commands.Kill])
async def test_what_protects_is_done_whatever_was_seen(client, engine, command):
    engine.put("strategies", strategy("gold"), touch="gold")
    assert isinstance(await client.perform(ask(command, name="gold", seen=0)), Done)


async def test_what_changed_elsewhere_does_not_matter(client, engine):
    engine.put("strategies", strategy("gold"), touch="gold")
    seen = engine.version
    engine.put("strategies", strategy("other"), touch="other")
    assert isinstance(await client.perform(ask(commands.Stop, name="gold", seen=seen)), Done)


async def test_what_protects_does_not_wait_behind_other_commands(client, engine):
    engine.put("strategies", strategy("gold"))
    engine.hold = anyio.Event()
    async with anyio.create_task_group() as tasks:
        for number in range(40):
            tasks.start_soon(client.perform, ask(commands.Deploy, path=f"/s{number}.qkt"))
        while len(engine.performed) < 32:
            await anyio.sleep(0.001)
        await client.perform(ask(commands.Kill), wait=0.01)
        assert [one.command for one in engine.performed].count("kill") == 1
        assert len(engine.performed) == 33
        engine.hold.set()
    assert len(engine.performed) == 41


async def test_a_command_that_waits_for_its_turn_is_done_when_whoever_asked_has_gone(engine):
    engine.hold = anyio.Event()
    deploys = [ask(commands.Deploy, path=f"/s{number}.qkt") for number in range(34)]
    async with anyio.create_task_group() as tasks:
        desk = CommandDesk(engine, tasks, lambda ack: None)
        for deploy in deploys:
            with anyio.move_on_after(0.01):
                await (await desk.submit(deploy)).wait(5)
        assert engine.performed == deploys[:32]
        engine.hold.set()
        for deploy in deploys:
            assert isinstance(await (await desk.submit(deploy)).wait(1), Done)
    assert engine.performed == deploys


async def test_a_defect_is_an_answer_and_the_engine_lives(client, engine):
    answer = await client.perform(ask(commands.Backtest, path="/x.qkt"))
    assert isinstance(answer, Failed)
    assert (answer.kind, answer.found) == ("fault", "ValueError: a defect")
    assert (await client.health()).status == "ready"


async def test_positions_that_would_lose_their_stops_are_listed(client, engine):
    engine.put("strategies", strategy("gold"))
    engine.put("positions", position("gold", engine_held=("trailing stop 2409.20",)))
    refused = await client.perform(ask(commands.Stop, name="gold"))
    assert isinstance(refused, Failed)
    assert [one.protection for one in refused.remaining] == ["trailing stop 2409.20"]
    assert isinstance(await client.perform(ask(commands.Stop, name="gold", leave_unprotected=True)), Done)


async def test_a_misspelt_command_is_refused_with_its_place(client):
    response = await client._http.post("/v1/commands", json={"command": "stop", "id": "12345678", "author": "me"})
    assert response.status_code == 400
    assert response.json()["message"] == "stop.name: field required"


async def test_a_huge_body_is_refused(client):
    response = await client._http.post("/v1/commands", content=b" " * (2 << 20))
    assert response.status_code == 413


async def test_reads_answer(client, engine):
    engine.put("strategies", strategy("gold"))
    assert [rule.value for rule in await client.rules("gold")] == ["1.34"]
    assert (await client.terms("gold", 1)).terms[0].text == "atr(gold, 14)"
    assert (await client.equity())[0].equity == 10000.5
    assert (await client.hello()).version == "0"
    with pytest.raises(QktError, match="no session named 'x'"):
        await client.rules("x")


async def test_nobody_running_is_one_sentence(state_dir):
    with pytest.raises(NotRunningError, match="no engine is running; start one with"):
        async with connect(state_dir):
            pass


async def test_an_engine_that_holds_its_directory_and_does_not_listen_is_not_said_to_be_gone(state_dir):
    with (
        StateLock(state_dir),
        pytest.raises(NotRunningError, match=rf"the engine \(pid {os.getpid()}\) does not listen; it is"),
    ):
        async with connect(state_dir):
            pass


def test_who_looks_for_an_owner_leaves_nothing_behind(tmp_path):
    assert owner(tmp_path) is None
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    assert owner(tmp_path / "file") is None


async def test_an_engine_that_has_died_is_one_sentence(engine, state_dir):
    async with serving(engine, state_dir):
        left = announced(state_dir)
    announce(state_dir, left)
    with pytest.raises(NotRunningError, match="no engine is running"):
        async with connect(state_dir) as client:
            await client.health()


async def test_another_protocol_is_one_sentence(engine, state_dir):
    async with serving(engine, state_dir):
        announce(state_dir, announced(state_dir).model_copy(update={"protocol": 99}))
        with pytest.raises(OtherProtocolError, match="speaks protocol 99, expected 1"):
            async with connect(state_dir):
                pass


async def test_what_is_written_in_pieces_is_what_was_asked_for():
    points = [EquityPoint(ts=number, equity=number, balance=0) for number in range(2 * PIECE + 3)]
    for some in (points, points[:PIECE], points[:1], []):
        written = b"".join([piece async for piece in _in_pieces(some)])
        assert json.loads(written) == [point.model_dump(mode="json") for point in some]
