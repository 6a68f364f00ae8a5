"""The gateway: a terminal on this machine, for an engine on another one. One route takes calls as messages.

Who has no token gets nothing, not even whether a method exists. The terminal is called in one thread, one call at a time.
"""

from __future__ import annotations

import hmac
import json
from typing import Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from qkt.brokers.mt5.messages import MessageError, answer
from qkt.brokers.mt5.terminal import Terminal

BODY = 64 << 10
"""Bytes of a call at most."""
PATH = "/call"
TOKEN = 16
"""Characters of a token at least."""


def application(terminal: Terminal, token: str) -> Starlette:
    """The gateway's application. Raises ValueError for a token that is too short to be one."""
    if len(token) < TOKEN:
        raise ValueError(f"a gateway's token has {TOKEN} characters at least")
    expected = token.encode()
    one = anyio.CapacityLimiter(1)

    async def call(request: Request) -> JSONResponse:
        given = request.headers.get("authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, b"Bearer " + expected):
            return _refused(401, "a token is needed")
        try:
            body = await _body(request)
        except ClientDisconnect:
            return _refused(400, "the call broke off")
        if body is None:
            return _refused(413, f"a call has {BODY} bytes at most")
        try:
            message = json.loads(body, parse_constant=_no_constant)
            found = await anyio.to_thread.run_sync(lambda: answer(terminal, message), limiter=one)
        except (MessageError, ValueError, RecursionError) as problem:
            return _refused(400, str(problem) if isinstance(problem, MessageError) else "a call is JSON")
        return JSONResponse(found)

    return Starlette(routes=[Route(PATH, call, methods=["POST"])])


async def _body(request: Request) -> bytes | None:
    """The body, None when it is too long; no more of it is read then."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > BODY:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY:
            return None
    return bytes(body)


def _refused(status: int, why: str) -> JSONResponse:
    return JSONResponse({"refused": why}, status_code=status)


def _no_constant(name: str) -> Any:
    raise ValueError(name)
