"""What is served: state, health with its reasons, lines past and to come, to whom it is meant for."""

from __future__ import annotations

import json

import anyio
import httpx
import pytest

from qkt.observe.app import make_app
from qkt.observe.followers import MOST, WAITING, Followers, Wanted
from qkt.observe.observer import LOOPBACK
from qkt.observe.status import Status, wellness
from qkt.runtime.control.engine import Health, SessionHealth

pytestmark = pytest.mark.anyio


async def test_status_is_a_typed_document(client, engine):
    status = Status.model_validate_json((await client.get("/status")).content)
    assert status.status == 1
    assert [row.name for row in status.sessions] == ["one", "two"]
    assert status.halts[0].reason == "lunch"
    assert status.system.tick_to_intent.count > 0
    assert status.system.tick_to_intent.p50_ms <= status.system.tick_to_intent.worst_ms


async def test_an_operators_halt_is_a_note_and_a_fault_a_reason(client, engine):
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()["notes"]) == (200, ["two is halted"])
    await engine.find("one").command("block", "engine", cause="feed", reason="the feed is lost")
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["one takes no entries: the feed is lost"])
    assert (await client.get("/health/live")).status_code == 200


def test_an_engine_that_ends_or_lost_a_session_is_not_ready():
    sessions = (SessionHealth(name="a", state="down", halted=False), SessionHealth(name="b", state="fault", halted=True))
    well = wellness(Health(status="stopping", pid=1, uptime_s=1, sessions=sessions))
    assert not well.live
    assert well.reasons == ("the engine is stopping", "a could not be brought back", "b failed and is halted")


async def test_lines_are_filtered(client):
    async def asked(query):
        return [json.loads(line) for line in (await client.get(f"/logs?limit=5000&{query}")).text.splitlines()]

    fills = await asked("session=one&event=fill")
    assert len(fills) > 4
    assert {line["scope"] for line in fills} == {"one"}
    assert {line["trace"] for line in await asked(f"trace={fills[0]['trace']}")} == {fills[0]["trace"]}
    assert {line["level"] for line in await asked("level=warn")} == {"WARN"}
    assert (await asked(f"session=one&after={fills[2]['number']}&event=fill"))[0] == fills[3]
    assert len((await client.get("/logs?limit=3")).text.splitlines()) == 3


async def test_a_question_that_makes_no_sense_is_refused_in_a_sentence(client):
    for query in ("level=loud", "limit=-1", "limit=1000000", "after=x", "since=yesterday"):
        answer = await client.get(f"/logs?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["expected"]


async def test_nothing_can_be_changed(client):
    for path in ("/status", "/logs", "/health", "/metrics"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert (await client.request(method, path)).status_code == 405


async def test_who_has_no_token_or_calls_it_by_a_strange_name_gets_nothing(looking):
    guarded = make_app(looking, token="t" * 16, hosts=LOOPBACK)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="http://venue.example") as client:
        for path in ("/metrics", "/status", "/health", "/logs", "/"):
            assert (await client.get(path)).status_code == 401
        assert (await client.get("/status", headers={"authorization": f"Bearer {'t' * 16}"})).status_code == 200
    local = make_app(looking, token=None, hosts=LOOPBACK)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(local)) as client:
        assert (await client.get("http://rebound.example/status")).status_code == 421
        for host in ("127.0.0.1:9464", "localhost", "[::1]:9464"):
            assert (await client.get(f"http://{host}/health")).status_code == 200


async def test_followers_get_the_past_and_then_what_comes(looking, observer, engine):
    texts = looking.follow(Wanted(session="one"), 0, 2)
    past = [await anext(texts) for _ in range(2)]
    assert past[0].count("data: ") == 2
    assert past[1].startswith(":")
    engine.line("INFO", "engine", "one", "first")
    engine.line("INFO", "engine", "two", "of another")
    engine.line("INFO", "engine", "one", "second")
    observer.tail.drain()
    with anyio.fail_after(5):
        new = await anext(texts)
    told = [json.loads(part.split("data: ")[1])["text"] for part in new.strip().split("\n\n")]
    assert told == ["first", "second"]
    await texts.aclose()
    assert len(looking.followers) == 0


async def test_a_slow_follower_misses_lines_and_is_told_how_many(looking, observer, engine):
    texts = looking.follow(Wanted(), 0, 0)
    await anext(texts)
    for number in range(WAITING + 5):
        engine.line("INFO", "engine", "one", str(number))
    observer.tail.drain()
    assert await anext(texts) == "event: missed\ndata: 5\n\n"
    assert (await anext(texts)).count("data: ") == WAITING
    assert looking.followers.dropped == 5


async def test_there_are_only_so_many_followers(client, looking):
    with anyio.fail_after(5):
        held = [looking.followers.following(Wanted()) for _ in range(MOST)]
        for one in held:
            one.__enter__()
        assert (await client.get("/logs?follow=1")).status_code == 503
        held[0].__exit__(None, None, None)
        assert not looking.followers.full


def test_a_follower_that_has_gone_is_still_counted():
    followers = Followers()
    with followers.following(Wanted()) as one:
        one.dropped = 3
    assert (len(followers), followers.dropped) == (0, 3)
