"""What is served to whoever may look: `/metrics`, `/status`, `/health`, `/logs`. Nothing here changes anything."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from qkt.core.errors import QktError, UsageError
from qkt.observe.followers import ORDER, Follower, Followers, Wanted
from qkt.observe.page import Pace, Page
from qkt.runtime.control.guard import Guarded

EVERY = 1.0
"""Seconds for which metrics and status are given out as they were made."""
SOON = 0.25
"""The same of the health."""
MOST_LINES = 5000
USUAL_LINES = 200
AT_ONCE = 100
"""Past lines that are sent as one piece."""
PATIENCE = 30.0
"""Seconds that a follower may take to accept what it is sent before it is given up."""

log = logging.getLogger(__name__)


Ask = Callable[[str], Awaitable[bytes]]
"""Gives a document of the engine by its name. Raises SilentError."""


class SilentError(QktError):
    """An engine that does not answer."""


class Looking:
    """The pages of one engine. `kind` is the content type of its metrics."""

    def __init__(self, ask: Ask, followers: Followers, kind: str) -> None:
        self._pace = pace = Pace()
        self.followers = followers
        self.metrics = Page(partial(ask, "metrics"), kind, pace, EVERY)
        self.status = Page(partial(ask, "status"), "application/json", pace, EVERY)
        self._health = Page(partial(ask, "health"), "application/json", pace, SOON)

    async def health(self, request: Request) -> Response:  # noqa: ARG002
        return await self._told("ready")

    async def live(self, request: Request) -> Response:  # noqa: ARG002
        return await self._told("live")

    async def _told(self, what: str) -> Response:
        body = await self._health.get()
        code = 200 if json.loads(body)[what] else 503
        return Response(body, code, media_type="application/json", headers={"cache-control": "no-store"})

    async def logs(self, request: Request) -> Response:
        """Past lines as JSON, one to a line of text; with `follow=1` they go on as server-sent events."""
        await self._pace.turn()
        query = request.query_params
        wanted = _wanted(request)
        after = request.headers.get("last-event-id") or query.get("after") or "0"
        if not after.isdecimal():
            raise UsageError(f"'{after}'", where="after", expected="the number of a line")
        limit = _limit(query.get("limit"))
        if query.get("follow", "0") in ("0", "false", ""):
            lines = self.followers.past(wanted, int(after), limit)
            return Response("".join(f"{line.text}\n" for line in lines), media_type="application/x-ndjson")
        if self.followers.full:
            raise HTTPException(503, f"{len(self.followers)} readers follow already", headers={"retry-after": "30"})
        return Events(self.follow(wanted, int(after), limit))

    async def follow(self, wanted: Wanted, after: int, limit: int) -> AsyncIterator[str]:
        """Events of the last `limit` past lines after a number, then of those that come."""
        with self.followers.following(wanted) as follower:
            past = self.followers.past(wanted, after, limit)
            for first in range(0, len(past), AT_ONCE):
                yield "".join(line.as_event for line in past[first : first + AT_ONCE])
            yield ": here begins what is new\n\n"
            async with aclosing(_new(follower)) as new:
                async for text in new:
                    yield text


async def _new(follower: Follower) -> Any:
    dropped = 0
    async for lines in follower.batches():
        if follower.dropped > dropped:
            yield f"event: missed\ndata: {follower.dropped - dropped}\n\n"
            dropped = follower.dropped
        yield "".join(line.as_event for line in lines) or ": nothing new\n\n"


class Events(Response):
    """Server-sent events. A reader that accepts nothing for `PATIENCE` seconds is given up."""

    def __init__(self, texts: AsyncIterator[str]) -> None:
        super().__init__(headers={"content-type": "text/event-stream", "cache-control": "no-store"})
        del self.headers["content-length"]
        self._texts = texts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._send, send, tasks.cancel_scope)
            while (await receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

    async def _send(self, send: Send, scope: anyio.CancelScope) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with aclosing(self._texts) as texts:  # type: ignore[type-var]
            async for text in texts:
                await anyio.lowlevel.checkpoint()  # a reader that has gone is noticed in between
                with anyio.move_on_after(PATIENCE) as patience:
                    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
                if patience.cancelled_caught:
                    log.info("a reader of lines does not read and is given up")
                    break
        scope.cancel()


def make_app(looking: Looking, *, token: str | None, hosts: frozenset[str]) -> ASGIApp:
    """The application. With a token only requests that carry it are answered; without one only those that call this machine
    by one of `hosts`, so that no page in somebody's browser can read along."""
    pages: dict[str, ASGIApp | Callable[[Request], Awaitable[Response]]] = {
        "/metrics": looking.metrics,
        "/status": looking.status,
        "/health": looking.health,
        "/health/ready": looking.health,
        "/health/live": looking.live,
        "/logs": looking.logs,
    }

    async def index(request: Request) -> Response:  # noqa: ARG001
        return JSONResponse({"pages": list(pages)})

    app = Starlette(
        routes=[Route("/", index), *(Route(path, page, methods=["GET"]) for path, page in pages.items())],
        exception_handlers={SilentError: _silent, QktError: _refused, HTTPException: _http, Exception: _defect},
    )
    return Guarded(app, token) if token else _CalledByName(app, hosts)


class _CalledByName:
    """Answers requests to one of a few host names."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name.strip("[]").lower() in self._hosts:
            await self._app(scope, receive, send)
        else:
            found = QktError("is not asked here by this name", where=host, expected=f"one of {', '.join(sorted(self._hosts))}")
            await _problem(found, 421)(scope, receive, send)


def _wanted(request: Request) -> Wanted:
    query = request.query_params
    level = (query.get("level") or "DEBUG").upper()
    if level not in ORDER:
        raise UsageError(f"'{level}'", where="level", expected="DEBUG, INFO, WARN or ERROR")
    since = query.get("since")
    if since is not None and not since.isdecimal():
        from qkt.data.times import parse_utc

        since = str(parse_utc(since))
    return Wanted(
        session=query.get("session"),
        level=level,
        event=query.get("event"),
        trace=query.get("trace"),
        since=None if since is None else int(since),
    )


def _limit(text: str | None) -> int:
    if text is None:
        return USUAL_LINES
    if not text.isdecimal() or int(text) > MOST_LINES:
        raise UsageError(f"'{text}'", where="limit", expected=f"a number from 0 to {MOST_LINES}")
    return int(text)


def _problem(error: QktError, code: int, headers: Any = None) -> Response:
    return JSONResponse({**error.as_dict(), "message": str(error)}, code, headers=headers)


async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, QktError)
    return _problem(error, 400)


async def _silent(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, SilentError)
    body = {"live": False, "ready": False, "reasons": [str(error)], "notes": []}
    return JSONResponse(body, 503, headers={"cache-control": "no-store", "retry-after": "5"})


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(QktError(error.detail, where=request.url.path), error.status_code, error.headers)


async def _defect(request: Request, error: Exception) -> Response:
    log.error("%s failed", request.url.path, exc_info=error)
    return _problem(QktError(f"the engine could not answer ({type(error).__name__})"), 500)
