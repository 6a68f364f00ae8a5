"""Streams that make no sense, to an engine that trades: `python -m tests.runtime.stream_fuzz COUNT [SEED]`.

A handshake that is none, frames of kinds that do not exist, without a mask, longer than they say, in a thousand pieces, wishes
of wrong types and of unknown tables, readers that never read, and such that vanish anywhere. Each stream must end with one of
our sentences or be given frames; none may stay behind, no defect may be logged, and the engine trades on. Exit code 1 when
anything was mistreated.
"""

from __future__ import annotations

import json
import logging
import struct
import sys
from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any

import anyio

from qkt.runtime.control.frames import TABLES
from tests.fuzzing import told
from tests.runtime.fuzz import WAIT, WORDS, trading

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
HEAD = (
    "GET /v1/events HTTP/1.1",
    "host: q",
    "upgrade: websocket",
    "connection: Upgrade",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version: 13",
)
OURS = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009})
"""How a stream may be closed: all but an engine that could not go on."""
LISTENS = 0.05
"""Seconds for which a stream is read after the last thing was said."""


def frame(
    kind: int, payload: bytes, *, final: bool = True, reserved: int = 0, masked: bool = True, length: int | None = None
) -> bytes:
    """A frame as RFC 6455 has it, or not."""
    size = len(payload) if length is None else length
    head = bytes([(0x80 if final else 0) | reserved << 4 | kind])
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 1 << 16:
        head += bytes([bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    mask = b"qktf"
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def wish(rng: Random) -> bytes:
    """What a reader wants to see, with something wrong in most."""
    word: dict[str, Any] = {"tables": rng.sample(TABLES, 3), "rate": rng.choice((0.5, 10, 60)), "rules": "one"}
    for _ in range(rng.randrange(3)):
        word[rng.choice(("tables", "rate", "rules", "after", "lines", "protocol", "more"))] = rng.choice(WORDS)
    body = json.dumps(word).encode()
    if rng.random() < 0.2:
        body = body[: rng.randrange(len(body))]
    elif rng.random() < 0.1:
        body = b"[" * rng.choice((10, 10_000, 100_000))
    return body


def said(rng: Random) -> list[bytes]:
    """Everything that one reader says after its handshake."""
    pieces = [frame(TEXT, wish(rng))] if rng.random() < 0.7 else []
    for _ in range(rng.randrange(4)):
        match rng.randrange(10):
            case 0:
                pieces.append(frame(rng.randrange(16), wish(rng), final=rng.random() < 0.5, reserved=rng.randrange(8)))
            case 1:
                pieces.append(frame(TEXT, wish(rng), masked=False))
            case 2:
                pieces.append(frame(TEXT, wish(rng), length=rng.choice((0, 1 << 15, 1 << 40, (1 << 63) - 1))))
            case 3:
                pieces += [frame(TEXT, b"{", final=False), *(frame(0, b" ", final=False) for _ in range(1000)), frame(0, b"}")]
            case 4:
                pieces.append(frame(TEXT, bytes(rng.randrange(256) for _ in range(40))))
            case 5:
                pieces.append(frame(PING, b"x" * rng.choice((0, 125, 300)), final=rng.random() < 0.8))
            case 6:
                pieces.append(
                    frame(CLOSE, rng.choice((b"", b"\x03", struct.pack("!H", rng.randrange(1 << 16)), b"\x03\xe8\xff")))
                )
            case 7:
                pieces.append(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 400))))
            case 8:
                pieces += [frame(TEXT, wish(rng)) for _ in range(40)]
            case _:
                pieces.append(frame(BINARY, wish(rng)))
    return pieces


def handshake(rng: Random) -> bytes:
    lines = list(HEAD)
    if rng.random() < 0.2:
        at = rng.randrange(len(lines))
        lines[at] = rng.choice((lines[at] + "x", lines[at][: rng.randrange(len(lines[at]))], "\x00", "a: " + "b" * 5000))
        lines = [line for line in lines if line]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Streamed:
    """Says things to the socket of an engine and judges how it takes them. `became` counts, `mistreated` tells."""

    def __init__(self, socket: str) -> None:
        self.became: Counter[str] = Counter()
        self.mistreated: list[str] = []
        self._socket = socket

    async def judge(self, rng: Random) -> None:
        """One stream, from its handshake to its end."""
        pieces = [handshake(rng), *said(rng)]
        vanishes, reads = rng.random() < 0.15, rng.random() < 0.85
        heard = bytearray()
        try:
            with anyio.fail_after(WAIT):
                async with await anyio.connect_unix(self._socket) as stream:
                    with suppress(anyio.BrokenResourceError, OSError):
                        for piece in pieces:
                            await stream.send(piece[: len(piece) // 2] if vanishes and piece is pieces[-1] else piece)
                            if rng.random() < 0.3:
                                await anyio.sleep(0)
                    if not vanishes and reads:
                        with anyio.move_on_after(LISTENS), suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                            while True:
                                heard += await stream.receive()
        except TimeoutError:
            self.mistreated.append(f"it takes nothing more: {b' | '.join(pieces)[:300]!r}")
        self.became["vanished" if vanishes else self._sort(bytes(heard)) if reads else "unread"] += 1

    def _sort(self, heard: bytes) -> str:
        head, _, rest = heard.partition(b"\r\n\r\n")
        status = head[9:12].decode(errors="replace") or "nothing"
        if status != "101":
            if status.startswith("5"):
                self.mistreated.append(f"a handshake was answered {heard[:300]!r}")
            return f"answered {status}"
        for kind, payload in frames_in(rest):
            if kind == TEXT and "frame" not in json.loads(payload):
                self.mistreated.append(f"a frame that says not what it is: {payload[:200]!r}")
            if kind == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if len(payload) > 1 else 1000
                if code not in OURS or (code == 1008 and not payload[2:].decode().strip()):
                    self.mistreated.append(f"closed with {code} {payload[2:]!r}")
                return f"closed {code}"
        return "given frames" if rest else "silent"


def frames_in(data: bytes) -> list[tuple[int, bytes]]:
    """The whole frames of what a server says, which masks none."""
    found = []
    while len(data) > 1:
        kind, size, at = data[0] & 15, data[1] & 127, 2
        if size > 125:
            width = 2 if size == 126 else 8
            size, at = int.from_bytes(data[2 : 2 + width], "big"), 2 + width
        if len(data) < at + size:
            break
        found.append((kind, data[at : at + size]))
        data = data[at + size :]
    return found


class _Defects(logging.Handler):
    """What is logged as an error meanwhile."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:  # a filter may have thought less of it
            self.said.append(f"logged by {record.name}: {record.getMessage()} {record.exc_info and record.exc_info[1]!r}")


async def fuzz_streams(count: int, seed: int) -> Streamed:
    """So many streams, up to eight at a time."""
    rng, defects = Random(seed), _Defects()
    logging.getLogger().addHandler(defects)
    try:
        async with trading() as there:
            streamed = Streamed(there.socket)
            for number in range(0, count, 8):
                async with anyio.create_task_group() as tasks:
                    for _ in range(number, min(number + 8, count)):
                        tasks.start_soon(streamed.judge, Random(rng.randrange(1 << 40)))
            with anyio.move_on_after(WAIT):
                while there.hub.subscribers:
                    await anyio.sleep(0.02)
            if there.hub.subscribers:
                streamed.mistreated.append(f"{there.hub.subscribers} readers stayed behind")
            if not await there.trades_on():
                streamed.mistreated.append("the engine trades no more")
    finally:
        logging.getLogger().removeHandler(defects)
    streamed.mistreated += defects.said
    return streamed


if __name__ == "__main__":
    sys.exit(told("streams", fuzz_streams))
