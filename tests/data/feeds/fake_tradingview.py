"""A server on this machine that speaks TradingView's protocol, as well or as badly as a test wants it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import anyio
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from qkt.data.feeds.tradingview import TradingViewSettings
from qkt.data.feeds.tradingview.frames import FrameDecoder, frame, message

GREETING = {"session_id": "0.1.2_local", "timestamp": 1_700_000_000, "release": "fake", "protocol": "json"}


class FakeConnection:
    """The server's end of one connection: what the client called, and a mouth to answer with."""

    def __init__(self, socket: ServerConnection) -> None:
        self.headers = socket.request.headers if socket.request is not None else {}
        self.calls: list[tuple[str, list[Any]]] = []
        self.heartbeats: list[str] = []
        self._socket = socket
        self._decoder = FrameDecoder()
        self._heard = anyio.Event()

    async def serve(self) -> None:
        try:
            await self.raw(frame(json.dumps(GREETING)))
            async for text in self._socket:
                assert isinstance(text, str)
                for payload in self._decoder.feed(text):
                    if payload.startswith("~h~"):
                        self.heartbeats.append(payload)
                    else:
                        content = json.loads(payload)
                        self.calls.append((content["m"], content["p"]))
                self._heard.set()
                self._heard = anyio.Event()
        except ConnectionClosed:
            pass

    async def called(self, method: str, times: int = 1) -> list[Any]:
        """The parameters of a call, once it has come so often."""
        while len(calls := [params for name, params in self.calls if name == method]) < times:
            await self._heard.wait()
        return calls[times - 1]

    async def ready(self) -> str:
        """The name of the quote session, once its symbols are asked for."""
        name = (await self.called("quote_add_symbols"))[0]
        assert isinstance(name, str)
        return name

    async def answered(self, heartbeats: int) -> None:
        while len(self.heartbeats) < heartbeats:
            await self._heard.wait()

    async def raw(self, text: str) -> None:
        await self._socket.send(text)

    async def bytes(self, data: bytes) -> None:
        await self._socket.send(data)

    async def say(self, method: str, *params: object) -> None:
        await self.raw(message(method, *params))

    async def quote(self, symbol: str, **values: object) -> None:
        await self.say("qsd", await self.ready(), {"n": symbol, "s": "ok", "v": values})

    async def refuse(self, symbol: str, reason: str, status: str = "error") -> None:
        await self.say("qsd", await self.ready(), {"n": symbol, "s": status, "errmsg": reason, "v": {}})

    async def heartbeat(self, number: int) -> None:
        await self.raw(frame(f"~h~{number}"))

    async def close(self) -> None:
        await self._socket.close()

    def drop(self) -> None:
        """Be gone, without a word."""
        self._socket.transport.abort()


class FakeTradingView:
    """Listens on `url`. The next `refusing` connections are refused with `status`."""

    def __init__(self) -> None:
        self.url = ""
        self.connections: list[FakeConnection] = []
        self.refusing = 0
        self.attempts = 0
        self.status = HTTPStatus.FORBIDDEN
        self._came = anyio.Event()

    @property
    def settings(self) -> TradingViewSettings:
        return TradingViewSettings(url=self.url)

    async def connection(self, number: int) -> FakeConnection:
        """The nth connection, from 1, once it is there."""
        while len(self.connections) < number:
            await self._came.wait()
        return self.connections[number - 1]

    async def serve(self, socket: ServerConnection) -> None:
        connection = FakeConnection(socket)
        self.connections.append(connection)
        self._came.set()
        self._came = anyio.Event()
        await connection.serve()

    def admit(self, socket: ServerConnection, request: Request) -> Response | None:
        self.attempts += 1
        if self.refusing:
            self.refusing -= 1
            return socket.respond(self.status, "not today\n")
        return None


@asynccontextmanager
async def fake_tradingview() -> AsyncIterator[FakeTradingView]:
    fake = FakeTradingView()
    async with serve(fake.serve, "127.0.0.1", 0, process_request=fake.admit, close_timeout=1) as server:
        host, port = next(iter(server.sockets)).getsockname()[:2]
        fake.url = f"ws://{host}:{port}/socket.io/websocket"
        yield fake
