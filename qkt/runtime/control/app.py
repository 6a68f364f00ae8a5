"""The control API as a web application: one function for each path."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Any

import anyio
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from qkt.core.errors import QktError, UsageError
from qkt.runtime.control.answers import Accepted, Answer, Changed, Failed
from qkt.runtime.control.commands import COMMAND
from qkt.runtime.control.details import CheckRequest, Way
from qkt.runtime.control.errors import OtherProtocolError, UnknownSessionError
from qkt.runtime.control.frames import Delta, Frame, Snapshot, Subscribe
from qkt.runtime.control.guard import Guarded
from qkt.runtime.control.hub import Hub, Subscription
from qkt.runtime.control.values import PREFIX, PROTOCOL, Word

BODY = 1 << 20
"""Bytes of a request's body that are taken in."""
HEARD_OUT = 1 << 24
"""Bytes of one that is too long which are let pass before it is refused: whoever is cut off while sending reads no answer."""
LONGEST_WAIT = 120.0  # seconds that a request may wait for its command to settle
MOST_LINES = 10_000
MOST_BARS = 5_000
MOST_ORDERS = 1_000
PIECE = 250
"""Words that are written at once where there may be tens of thousands."""

# Seconds that a reader may take to accept one frame before it is given up.
PATIENCE = 30.0

log = logging.getLogger("qkt.control")

QUOTED = 240
"""Characters of a request that a refusal repeats."""


def make_app(hub: Hub, token: str = "") -> ASGIApp:
    """The application that serves this hub. With a token, only requests that carry it are answered."""
    api = _Api(hub)
    routes = [
        Route("/health", api.health),
        Route(f"{PREFIX}/hello", api.hello),
        Route(f"{PREFIX}/snapshot", api.snapshot),
        Route(f"{PREFIX}/commands", api.command, methods=["POST"]),
        Route(f"{PREFIX}/commands/{{id}}", api.answer),
        Route(f"{PREFIX}/lines", api.lines),
        Route(f"{PREFIX}/fills", api.fills),
        Route(f"{PREFIX}/equity", api.equity),
        Route(f"{PREFIX}/rules/{{session:path}}", api.rules),
        Route(f"{PREFIX}/chart/{{session:path}}", api.chart),
        Route(f"{PREFIX}/orders", api.orders),
        Route(f"{PREFIX}/digest", api.digest),
        Route(f"{PREFIX}/check", api.check, methods=["POST"]),
        Route(f"{PREFIX}/files", api.files),
        Route(f"{PREFIX}/runs/{{run}}", api.run),
        Route(f"{PREFIX}/story/{{session}}", api.story),
        Route(f"{PREFIX}/travel/{{run}}", api.travel),
        WebSocketRoute(f"{PREFIX}/events", api.events),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={QktError: _refused, ValidationError: _invalid, HTTPException: _http, Exception: _defect},
    )
    return Guarded(app, token) if token else app


class _Api:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def health(self, request: Request) -> Response:  # noqa: ARG002
        return _word(self._hub.engine.health())

    async def hello(self, request: Request) -> Response:  # noqa: ARG002
        return _word(self._hub.engine.hello())

    async def snapshot(self, request: Request) -> Response:  # noqa: ARG002
        return Response(encode(self._hub.latest()), media_type="application/json")

    async def command(self, request: Request) -> Response:
        """Perform a command once and answer when it is settled, or after `wait` seconds that it is accepted."""
        command = COMMAND.validate_json(await _body(request))
        ticket = await self._hub.desk.submit(command)
        return _answered(await ticket.wait(_number(request, "wait", 30.0, LONGEST_WAIT)))

    async def answer(self, request: Request) -> Response:
        ticket = self._hub.desk.ticket(request.path_params["id"])
        if ticket is None:
            raise HTTPException(404, f"no command with the id {request.path_params['id']}")
        return _answered(await ticket.wait(_number(request, "wait", 0.0, LONGEST_WAIT)))

    async def lines(self, request: Request) -> Response:
        query = request.query_params
        since = int(_number(request, "since", 0, 1e15)) if "since" in query else None
        after, limit = int(_number(request, "after", 0, 1e15)), int(_number(request, "limit", 1000, MOST_LINES))
        return _words(self._hub.engine.lines(after, session=query.get("session"), since=since, limit=limit))

    async def fills(self, request: Request) -> Response:
        limit = int(_number(request, "limit", 1000, MOST_LINES))
        return _words(self._hub.engine.fills(request.query_params.get("session"), limit=limit))

    async def equity(self, request: Request) -> Response:
        query, since = request.query_params, int(_number(request, "since", 0, 1e15))
        most = max(int(_number(request, "most", 0, 1e6)), 2) if "most" in query else None
        points = self._hub.engine.equity(query.get("session"), since=since, most=most)
        return StreamingResponse(_in_pieces(points), media_type="application/json")

    async def rules(self, request: Request) -> Response:
        session = request.path_params["session"]
        if "terms" in request.query_params:
            return _word(self._hub.engine.terms(session, int(_number(request, "terms", 0, 1e6))))
        return _words(self._hub.engine.rules(session))

    async def chart(self, request: Request) -> Response:
        limit = int(_number(request, "limit", 500, MOST_BARS))
        session, stream = request.path_params["session"], request.query_params.get("stream")
        return _word(self._hub.engine.chart(session, stream, limit=limit))

    async def orders(self, request: Request) -> Response:
        query, limit = request.query_params, int(_number(request, "limit", 200, MOST_ORDERS))
        return _words(self._hub.engine.orders(query.get("session"), order=query.get("order"), limit=limit))

    async def digest(self, request: Request) -> Response:
        return _word(self._hub.engine.digest(int(_number(request, "since", 0, 1e15))))

    async def check(self, request: Request) -> Response:
        wanted = CheckRequest.model_validate_json(await _body(request))
        return _word(await self._hub.engine.check(wanted))

    async def files(self, request: Request) -> Response:  # noqa: ARG002
        return _words(await self._hub.engine.files())

    async def run(self, request: Request) -> Response:
        return _word(await self._hub.engine.run(request.path_params["run"]))

    async def story(self, request: Request) -> Response:
        query = request.query_params
        fill = int(_number(request, "fill", 0, 1e12)) if "fill" in query else None
        width = int(_number(request, "width", 100, 400))
        engine, session = self._hub.engine, request.path_params["session"]
        return _word(await engine.story(session, fill=fill, order=query.get("order"), width=width))

    async def travel(self, request: Request) -> Response:
        way = Way.model_validate(dict(request.query_params))
        return _word(await self._hub.engine.travel(request.path_params["run"], way))

    async def events(self, socket: WebSocket) -> None:
        """Frames, after the reader has said with `Subscribe` what it wants; it may say so again at any time."""
        await socket.accept()
        try:
            subscription = self._hub.subscribe(await _wish(socket))
        except (QktError, ValidationError) as refusal:
            await _close(socket, 1008, reason(refusal))
            return
        except WebSocketDisconnect:
            return
        try:
            await _stream(socket, subscription)
        finally:
            subscription.close()


async def _stream(socket: WebSocket, subscription: Subscription) -> None:
    refused: list[str] = []
    async with anyio.create_task_group() as tasks:

        async def listen() -> None:
            try:
                while True:
                    subscription.want(await _wish(socket))
            except WebSocketDisconnect:
                tasks.cancel_scope.cancel()
            except (QktError, ValidationError) as refusal:
                refused.append(reason(refusal))  # told once nobody sends frames any more
                tasks.cancel_scope.cancel()

        tasks.start_soon(listen)
        try:
            async with aclosing(subscription.frames()) as frames:
                async for frame in frames:
                    with anyio.fail_after(PATIENCE):
                        await socket.send_text(encode(frame))
            await _close(socket, 1001)
        except (TimeoutError, WebSocketDisconnect, OSError):
            pass  # the reader is gone, or does not read
        tasks.cancel_scope.cancel()
    if refused:
        await _close(socket, 1008, refused[0])


async def _close(socket: WebSocket, code: int, reason: str | None = None) -> None:
    """End a stream, unless the server has ended it meanwhile, for frames that are none; that is a RuntimeError to it."""
    with suppress(WebSocketDisconnect, OSError, RuntimeError):
        await socket.close(code, reason)


async def _wish(socket: WebSocket) -> Subscribe:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
    text = message.get("text")
    if text is None:
        raise UsageError("a message of bytes", expected="one of text")
    wanted = Subscribe.model_validate_json(text)
    if wanted.protocol != PROTOCOL:
        raise OtherProtocolError(f"protocol {wanted.protocol} is not spoken here", expected=str(PROTOCOL))
    return wanted


def encode(frame: Frame) -> str:
    """A frame as JSON; tables without rows are left out."""
    match frame:
        case Snapshot():
            empty = {"tables": _empty(frame.tables)}
        case Delta():
            empty = {"rows": _empty(frame.rows)}
        case _:
            return frame.model_dump_json()
    return frame.model_dump_json(exclude=empty)


def _empty(tables: Any) -> set[str]:
    return {name for name in type(tables).model_fields if not tables.of(name)}


def reason(problem: QktError | ValidationError) -> str:
    """The problem in one sentence, short enough for a closing frame."""
    text = str(problem) if isinstance(problem, QktError) else str(_told(problem))
    return text.encode()[:120].decode(errors="ignore")


def _told(problem: ValidationError) -> UsageError:
    """What pydantic found, in our words: which field, what is wrong."""
    first = problem.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return UsageError(_short(first["msg"][:1].lower() + first["msg"][1:]), where=_short(where) or None)


def _short(text: str) -> str:
    """What quotes a request may quote a long one."""
    return text if len(text) <= QUOTED else text[:QUOTED] + "..."


async def _body(request: Request) -> bytes:
    body, size = bytearray(), 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= BODY:
                body += chunk
            elif size > HEARD_OUT:
                break
    except ClientDisconnect:
        raise HTTPException(400, f"the request ended after {size:,} bytes of its body") from None
    if size > BODY:
        raise HTTPException(413, f"a command of more than {BODY:,} bytes")
    return bytes(body)


def _number(request: Request, name: str, default: float, most: float) -> float:
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        raise UsageError(f"'{text}'", where=name, expected=f"a number from 0 to {most:g}")
    return value


def _word(word: Word) -> Response:
    return Response(word.model_dump_json(), media_type="application/json")


async def _in_pieces(words: Sequence[Any]) -> AsyncIterator[bytes]:
    """Words that may be a month's: whoever else needs the loop has it between two pieces, and none of them is kept."""
    yield b"["
    for first in range(0, len(words), PIECE):
        text = ",".join(word.model_dump_json() for word in words[first : first + PIECE])
        yield (f",{text}" if first else text).encode()
        await anyio.sleep(0)
    yield b"]"


def _words(words: Any) -> Response:
    return Response(f"[{','.join(word.model_dump_json() for word in words)}]", media_type="application/json")


def _answered(answer: Answer) -> Response:
    match answer:
        case Accepted():
            status = 202
        case Failed(kind=kind):
            status = {"unknown": 404, "invalid": 400, "fault": 500}.get(kind, 409)
        case Changed():
            status = 409
        case _:
            status = 200
    return Response(answer.model_dump_json(), status, media_type="application/json")


def _told_as_json(error: QktError, status: int) -> Response:
    return JSONResponse({**error.as_dict(), "message": str(error)}, status)


async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, QktError)
    return _told_as_json(error, 404 if isinstance(error, UnknownSessionError) else 400)


async def _invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, ValidationError)
    return _told_as_json(_told(error), 400)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _told_as_json(QktError(error.detail, where=request.url.path), error.status_code)


async def _defect(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _told_as_json(QktError(f"the engine could not answer ({type(error).__name__})"), 500)
