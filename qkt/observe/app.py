"""What is served to whoever may look: `/metrics`, `/status`, `/health`, `/logs`. Nothing here changes anything."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
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
from qkt.core.secrets import redacted
from qkt.observe.followers import ORDER, Event, Follower, Followers, Wanted
from qkt.observe.page import Pace, Page
from qkt.observe.status import Wellness
from qkt.runtime.control.app import Guarded
from qkt.runtime.control.engine import EngineControl
from qkt.runtime.control.rows import Line

MOST_LINES = 5000
USUAL_LINES = 200
AT_ONCE = 100
"""Past lines that are sent as one piece."""
PATIENCE = 30.0
"""Seconds that a follower may take to accept what it is sent before it is given up."""

log = logging.getLogger(__name__)


class Looking:
    """The pages of one engine."""

    def __init__(
        self,
        engine: EngineControl,
        followers: Followers,
        metrics: Page,
        status: Page,
        well: Callable[[], Wellness],
        pace: Pace,
    ) -> None:
        self.metrics = metrics
        self.status = status
        self._engine = engine
        self._followers = followers
        self._well = well
        self._pace = pace

    async def health(self, request: Request) -> Response:  # noqa: ARG002
        well = self._well()
        return _told(well, 200 if well.ready else 503)

    async def live(self, request: Request) -> Response:  # noqa: ARG002
        well = self._well()
        return _told(well, 200 if well.live else 503)

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
            lines = self._past(wanted, int(after), limit)
            return Response("".join(f"{line.model_dump_json()}\n" for line in lines), media_type="application/x-ndjson")
        if self._followers.full:
            raise HTTPException(503, f"{len(self._followers)} readers follow already", headers={"retry-after": "30"})
        return Events(self.follow(wanted, int(after), limit))

    def _past(self, wanted: Wanted, after: int, limit: int) -> list[Line]:
        lines = self._engine.lines(after, session=wanted.session, since=wanted.since, limit=MOST_LINES)
        return [line for line in lines if wanted.takes(line)][-limit:] if limit else []

    async def follow(self, wanted: Wanted, after: int, limit: int) -> AsyncIterator[str]:
        """Events of the last `limit` past lines after a number, then of those that come."""
        with self._followers.following(wanted) as follower:  # before the past is read, so that nothing falls between
            past = self._past(wanted, after, limit)
            last = past[-1].number if past else after
            for first in range(0, len(past), AT_ONCE):
                yield "".join(Event(line).text for line in past[first : first + AT_ONCE])
            yield ": here begins what is new\n\n"
            async with aclosing(_new(follower, last)) as new:
                async for text in new:
                    yield text


async def _new(follower: Follower, last: int) -> Any:
    dropped = 0
    async for events in follower.batches():
        if follower.dropped > dropped:
            yield f"event: missed\ndata: {follower.dropped - dropped}\n\n"
            dropped = follower.dropped
        yield "".join(event.text for event in events if event.line.number > last) or ": nothing new\n\n"


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
        exception_handlers={QktError: _refused, HTTPException: _http, Exception: _defect},
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


def _told(well: Wellness, code: int) -> Response:
    return Response(
        redacted(well.model_dump_json()), code, media_type="application/json", headers={"cache-control": "no-store"}
    )


def _problem(error: QktError, code: int, headers: Any = None) -> Response:
    return JSONResponse({**error.as_dict(), "message": str(error)}, code, headers=headers)


async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, QktError)
    return _problem(error, 400)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(QktError(error.detail, where=request.url.path), error.status_code, error.headers)


async def _defect(request: Request, error: Exception) -> Response:
    log.error("%s failed", request.url.path, exc_info=error)
    return _problem(QktError(f"the engine could not answer ({type(error).__name__})"), 500)
