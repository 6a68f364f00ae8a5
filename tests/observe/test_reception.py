"""Whoever looks is received by a process of its own, which may be lost, hang or be besieged without anybody else noticing."""

from __future__ import annotations

import json
import os
import signal
import socket

import anyio
import httpx
import pytest

from qkt.config import Config, Observe
from qkt.observe.observer import observing
from qkt.observe.reception import Reception

pytestmark = pytest.mark.anyio

TOKEN = "t" * 16


async def test_it_begins_with_the_first_who_knocks_and_again_when_it_was_lost(engine, monkeypatch):
    monkeypatch.setattr("qkt.observe.reception.RESTART", 0.01)
    config = Config(observe=Observe.model_validate({"port": 0, "token": TOKEN}))
    async with observing(engine, config) as observer:
        while observer.address is None:
            await anyio.sleep(0)
        assert not children()
        with anyio.fail_after(30):
            async with httpx.AsyncClient(base_url=observer.address, timeout=20) as client:
                assert (await client.get("/health")).status_code == 401
                (child,) = children()
                client.headers["authorization"] = f"Bearer {TOKEN}"
                answer = await client.get("/health")
                assert (answer.status_code, answer.json()["notes"]) == (200, ["two is halted"])
                assert 'qkt_ticks_total{session="one"} 1000' in (await client.get("/metrics")).text
                assert (await client.get("/status")).json()["sessions"][0]["name"] == "one"
                past = (await client.get("/logs?limit=5000")).text.splitlines()
                assert [json.loads(line)["number"] for line in past] == [one.number for one in engine.lines(0, limit=5000)]
                async with client.stream("GET", "/logs?follow=1&limit=0&session=one") as following:
                    lines = following.aiter_lines()
                    await anext(lines)
                    engine.line("INFO", "engine", "one", "something new")
                    async for line in lines:
                        if line.startswith("data: "):
                            assert json.loads(line.removeprefix("data: "))["text"] == "something new"
                            break
                os.kill(child, signal.SIGKILL)
            async with httpx.AsyncClient(base_url=observer.address, timeout=20) as client:
                answer = await client.get("/status", headers={"authorization": f"Bearer {TOKEN}"})
                assert answer.status_code == 200
                assert children() != [child]
    assert not children()


async def test_an_engine_that_does_not_answer_is_not_well(monkeypatch):
    async def never():
        await anyio.sleep_forever()
        return b""

    async def broken():
        raise ValueError("a defect")

    opening = {"token": None, "hosts": ["127.0.0.1"], "kind": "text/plain", "patience": 0.05}
    reception = Reception({"health": never, "metrics": never, "status": broken}, list, opening)
    with socket.create_server(("127.0.0.1", 0)) as bound, anyio.fail_after(30):
        bound.setblocking(False)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reception.receive, bound)
            address = f"http://127.0.0.1:{bound.getsockname()[1]}"
            async with httpx.AsyncClient(base_url=address, timeout=20) as client:
                for page in ("/health", "/health/live", "/metrics"):
                    answer = await client.get(page)
                    assert (answer.status_code, answer.json()["ready"]) == (503, False)
                    assert answer.json()["reasons"] == ["the engine has not answered for 0.05 seconds"]
                assert (await client.get("/status")).status_code == 500
            tasks.cancel_scope.cancel()


def children():
    """Processes of this one."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(one) for one in file.read().split()]
