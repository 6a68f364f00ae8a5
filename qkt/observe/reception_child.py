"""Receives whoever looks at an engine, in a process of its own: what it shows comes on standard input, what it asks for goes
out on standard output. It ends when the engine does."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import sys
import threading
import traceback
from typing import Any, BinaryIO

import anyio

from qkt.core.memory import give_back
from qkt.observe.app import Looking, SilentError, make_app
from qkt.observe.followers import Followers, Said
from qkt.runtime.control.loop_server import answering

CONNECTIONS = 64
AT_ONCE = 16
"""Frames that wait to be heard; the others wait in the pipe, and then with the engine."""

Frame = tuple[dict[str, Any], bytes]


class Source:
    """The engine, as it is seen from here: documents for the asking, within `patience` seconds, and lines as they come."""

    def __init__(self, out: BinaryIO, patience: float) -> None:
        self.followers = Followers()
        self._out = out
        self._patience = patience
        self._asked: dict[str, tuple[anyio.Event, list[Frame]]] = {}

    async def ask(self, name: str) -> bytes:
        """A document by its name. Raises SilentError when the engine takes too long."""
        answered, answer = self._asked[name] = anyio.Event(), list[Frame]()
        question = {"want": name, "followers": len(self.followers), "missed": self.followers.dropped}
        self._out.write(json.dumps(question).encode() + b"\n")
        self._out.flush()
        with anyio.move_on_after(self._patience):
            await answered.wait()
        if not answer:
            raise SilentError(f"the engine has not answered for {self._patience:g} seconds")
        head, body = answer[0]
        if "problem" in head:
            raise RuntimeError(f"the engine could not make it ({head['problem']})")
        return body

    def hear(self, frame: Frame) -> None:
        """Take what the engine says."""
        head, body = frame
        if "lines" in head:
            for text in body.decode().split("\n"):
                self.followers.offer(Said.of(text))
        elif (asked := self._asked.pop(head["page"], None)) is not None:
            asked[1].append(frame)
            asked[0].set()


async def receive(opening: dict[str, Any], incoming: BinaryIO, out: BinaryIO) -> None:
    """Answer until the engine has gone."""
    source = Source(out, opening["patience"])
    looking = Looking(source.ask, source.followers, opening["kind"])
    app = make_app(looking, token=opening["token"], hosts=frozenset(opening["hosts"]))

    async def leave() -> None:
        source.followers.end()

    async with answering(app, _taken(opening["socket"]), name="pages", connections=CONNECTIONS, before_end=leave):
        await listen(source, incoming)


async def listen(source: Source, incoming: BinaryIO) -> None:
    """Have the source hear all that is said until there is no more. One thread reads it: to ask for one for every frame would
    cost more than most frames do."""
    loop, room, gone = asyncio.get_running_loop(), threading.Semaphore(AT_ONCE), anyio.Event()

    def hear(frame: Frame) -> None:
        room.release()
        source.hear(frame)

    def read_all() -> None:
        try:
            while (frame := _read(incoming)) is not None:
                room.acquire()
                loop.call_soon_threadsafe(hear, frame)
        finally:
            loop.call_soon_threadsafe(gone.set)

    threading.Thread(target=read_all, name="engine", daemon=True).start()
    await gone.wait()


def _read(incoming: BinaryIO) -> Frame | None:
    """The next frame, None when there will be none."""
    line = incoming.readline()
    if not line.endswith(b"\n"):
        return None
    head = json.loads(line)
    body = incoming.read(head["size"])
    return (head, body) if len(body) == head["size"] else None


def _taken(given: int | str) -> socket.socket:
    if sys.platform == "win32":
        return socket.fromshare(base64.b64decode(str(given)))
    bound = socket.socket(fileno=int(given))
    bound.setblocking(False)
    return bound


def main() -> None:
    """Begin with what standard input says first."""
    give_back()
    incoming, out = sys.stdin.buffer, sys.stdout.buffer
    opening = _read(incoming)
    if opening is None:
        return
    if hasattr(os, "nice"):
        os.nice(opening[0]["nice"])
    try:
        anyio.run(receive, opening[0], incoming, out)
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # a thread still waits for what the engine says


if __name__ == "__main__":
    main()
