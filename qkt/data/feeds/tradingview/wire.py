"""One connection to TradingView: messages out, messages in, heartbeats answered on the way."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from string import ascii_lowercase, digits
from typing import TYPE_CHECKING

import anyio

from qkt.data.feeds.timer import Timer, within
from qkt.data.feeds.tradingview.frames import LIMIT, FrameDecoder, FrameError, Heartbeat, Message, frame, message, read
from qkt.data.feeds.tradingview.settings import TradingViewSettings

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

PING_SECONDS = 20.0
CLOSE_SECONDS = 1.0


class WireError(Exception):
    """The connection is of no more use; says why. `silent` when it stood open and nothing came."""

    def __init__(self, reason: str, *, silent: bool = False) -> None:
        super().__init__(reason)
        self.silent = silent


class Wire:
    """An open connection. `garbage` counts payloads that were well framed and made no sense."""

    def __init__(self, socket: ClientConnection, settings: TradingViewSettings, timer: Timer) -> None:
        self.garbage = 0
        self._socket = socket
        self._settings = settings
        self._timer = timer
        self._decoder = FrameDecoder()

    async def send(self, method: str, *params: object) -> None:
        """Call a method of the server. Raises WireError when that cannot be done in time."""
        await self._send(message(method, *params))

    async def receive(self, seconds: float) -> list[Message]:
        """The messages of the next text that comes, maybe none. Raises WireError when nothing comes for so long."""
        from websockets.exceptions import ConnectionClosed

        try:
            text = await within(self._timer, seconds, self._socket.recv)
        except TimeoutError:
            raise WireError(f"nothing came for {seconds:g} s", silent=True) from None
        except ConnectionClosed as problem:
            raise WireError(f"the server closed the connection ({problem})") from None
        if not isinstance(text, str):
            raise WireError("the server sent bytes instead of text")
        try:
            payloads = self._decoder.feed(text)
        except FrameError as problem:
            raise WireError(f"the stream is corrupt: {problem}") from None
        messages = []
        for payload in payloads:
            try:
                content = read(payload)
            except ValueError as problem:
                if not self.garbage:
                    log.warning("TradingView sent garbage (%s): %r", problem, payload[:80])
                self.garbage += 1
                continue
            if isinstance(content, Heartbeat):
                await self._send(frame(content.payload))
            elif content is not None:
                messages.append(content)
        return messages

    async def _send(self, text: str) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            await within(self._timer, self._settings.patience, lambda: self._socket.send(text))
        except TimeoutError:
            raise WireError(f"the server took nothing for {self._settings.patience:g} s") from None
        except ConnectionClosed as problem:
            raise WireError(f"the server closed the connection ({problem})") from None


@asynccontextmanager
async def open_wire(settings: TradingViewSettings, timer: Timer) -> AsyncIterator[Wire]:
    """A signed-in connection that is closed on leaving. Raises WireError when there is none to be had."""
    # Imported here: few sessions need it, and every start of the command line would pay for it.
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException

    async def begin() -> ClientConnection:
        return await connect(
            settings.url,
            origin=settings.origin,  # type: ignore[arg-type]
            open_timeout=None,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=LIMIT,
        )

    try:
        socket = await within(timer, settings.patience, begin)
    except TimeoutError:
        raise WireError(f"no connection within {settings.patience:g} s") from None
    except (OSError, WebSocketException) as problem:
        raise WireError(f"no connection: {problem}") from None
    wire = Wire(socket, settings, timer)
    try:
        await wire.send("set_auth_token", settings.token)
        yield wire
    finally:
        with anyio.CancelScope(shield=True):
            await socket.close()


def session_name(kind: str, draws: Random) -> str:
    """A name that no earlier session of ours had."""
    return f"{kind}_" + "".join(draws.choices(ascii_lowercase + digits, k=12))
