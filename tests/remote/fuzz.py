"""Bytes that make no sense over a line between two machines: `python -m tests.remote.fuzz COUNT [SEED]`.

What a wire is told is made of whole messages, some of them wrong: kinds that do not exist, numbers never opened, more than was
granted, grants that are none, lengths beyond every bound, noise, and an end anywhere. A wire must end with its pipe or say
in a sentence what was wrong, keep no conversation, hold no more than a window of each, and lose or change nothing of what a
conversation said before. Exit code 1 when it did not.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import suppress
from random import Random

import anyio

from qkt.remote.wire import CONVERSATIONS, GRANTED, HEAD, PIECE, WINDOW, Kind, Wire, WireError
from tests.fuzzing import told

WAIT = 10.0
ROUND = b"GET /health HTTP/1.1\r\n\r\n"
MOST = CONVERSATIONS * WINDOW


def message(kind: int, number: int, payload: bytes = b"", length: int | None = None) -> bytes:
    return HEAD.pack(kind, number, len(payload) if length is None else length) + payload


def spoken(rng: Random) -> list[bytes]:
    """What comes over the line."""
    pieces = [message(Kind.OPEN, number) + message(Kind.DATA, number, ROUND) for number in range(1, rng.randrange(2, 5))]
    for _ in range(rng.randrange(1, 12)):
        number = rng.choice((0, 1, 2, 3, 77, (1 << 32) - 1))
        match rng.randrange(10):
            case 0:
                pieces.append(message(rng.randrange(256), number, b"x" * rng.randrange(20)))
            case 1:
                pieces.append(message(Kind.DATA, number, b"y" * PIECE) * rng.randrange(1, 9))
            case 2:
                pieces.append(message(Kind.DATA, number, b"z", length=rng.choice((PIECE + 1, (1 << 32) - 1))))
            case 3:
                pieces.append(message(Kind.GRANT, number, rng.choice((b"", b"12345", GRANTED.pack((1 << 32) - 1)))))
            case 4:
                pieces.append(message(Kind.END, number) * rng.randrange(1, 4))
            case 5:
                pieces.append(b"".join(message(Kind.OPEN, 100 + at) for at in range(rng.choice((3, CONVERSATIONS, 500)))))
            case 6:
                pieces.append(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 200))))
            case 7:
                pieces.append(message(Kind.PING, number) * 50 + message(Kind.PONG, number))
            case _:
                pieces.append(message(Kind.DATA, number, ROUND))
    rng.shuffle(pieces)
    return pieces


class Lined:
    """Runs wires against a server that says everything back. `became` counts, `mistreated` tells."""

    def __init__(self, port: int) -> None:
        self.became: Counter[str] = Counter()
        self.mistreated: list[str] = []
        self._port = port

    async def judge(self, rng: Random) -> None:
        """One line, from its first byte to its end."""
        said = b"".join(spoken(rng))
        said = said[: rng.randrange(1, len(said))] if rng.random() < 0.3 else said
        waiting = [said[at : at + 700] for at in range(0, len(said), 700)]
        out = bytearray()

        async def read() -> bytes:
            await asyncio.sleep(0)
            if waiting:
                return waiting.pop(0)
            await asyncio.sleep(0.01)
            return b""

        async def write(data: bytes) -> None:
            out.extend(data)

        wire = Wire(read, write, dial=lambda: asyncio.open_connection("127.0.0.1", self._port, limit=PIECE))
        became = await self._run(wire, said)
        self.became[became] += 1
        held = sum(talk.held for talk in wire._talks.values())
        if wire._talks or held:
            self.mistreated.append(f"{len(wire._talks)} conversations with {held} bytes stay behind: {said[:200]!r}")
        if not _sound(bytes(out)) or len(out) > len(said) * 2 + MOST:
            self.mistreated.append(f"it answers what is no message: {said[:200]!r} -> {bytes(out)[:200]!r}")

    async def _run(self, wire: Wire, said: bytes) -> str:
        try:
            with anyio.fail_after(WAIT):
                await wire.run()
        except TimeoutError:
            self.mistreated.append(f"it does not end: {said[:200]!r}")
            return "late"
        except BaseExceptionGroup as problems:
            _, others = problems.split(WireError)
            if others is not None:
                self.mistreated.append(f"{others.exceptions[0]!r}: {said[:200]!r}")
                return "broken"
            return "refused"
        return "ended"


def _sound(out: bytes) -> bool:
    """Whether everything that was said is whole messages of kinds that there are."""
    while out:
        if len(out) < HEAD.size:
            return False
        kind, _, length = HEAD.unpack_from(out)
        if kind not in iter(Kind) or length > PIECE or len(out) < HEAD.size + length:
            return False
        out = out[HEAD.size + length :]
    return True


async def _says_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
    writer.close()


async def fuzz(count: int, seed: int) -> Lined:
    """So many lines, eight at a time."""
    rng = Random(seed)
    server = await asyncio.start_server(_says_back, "127.0.0.1", 0)
    async with server:
        lined = Lined(server.sockets[0].getsockname()[1])
        for number in range(0, count, 8):
            async with anyio.create_task_group() as tasks:
                for _ in range(number, min(number + 8, count)):
                    tasks.start_soon(lined.judge, Random(rng.randrange(1 << 40)))
    return lined


if __name__ == "__main__":
    sys.exit(told("lines", fuzz))
