"""The other end of the control API: for the command line and for dashboards."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from pydantic import ValidationError

from qkt.core.errors import QktError
from qkt.runtime.control.answers import ANSWER, Answer
from qkt.runtime.control.commands import Command
from qkt.runtime.control.details import (
    Chart,
    CheckReport,
    CheckRequest,
    Digest,
    FileRow,
    OrderLife,
    RunResult,
    ScenePage,
    Story,
    Way,
)
from qkt.runtime.control.endpoint import Endpoint, not_running, spoken
from qkt.runtime.control.engine import Health
from qkt.runtime.control.errors import ControlError, NoAnswerError, NotRunningError
from qkt.runtime.control.frames import FRAME, Frame, Hello, Snapshot, Subscribe
from qkt.runtime.control.rows import EquityPoint, FillRow, Line, RuleRow, RuleTerms
from qkt.runtime.control.values import PREFIX

if TYPE_CHECKING:
    from qkt.runtime.control.http import httpx

W = TypeVar("W")

# Seconds until an engine that does not answer a question is given up.
PATIENCE = 10.0
# The same where a run is done again for the answer.
LONG = 600.0


def new_id() -> str:
    """An id for a command. Asking again with the same one does not do it again."""
    return uuid.uuid4().hex


class ControlClient:
    """Speaks to one engine. Made by `connect` or `speaking`. Raises NoAnswerError where it applies, and what `gone` makes where
    nothing listens any more."""

    def __init__(
        self, endpoint: Endpoint, http: httpx.AsyncClient, gone: Callable[[], ControlError], *, packed: bool = True
    ) -> None:
        self.endpoint = endpoint
        self._http = http
        self._gone = gone
        self._packed = packed

    async def health(self) -> Health:
        return Health.model_validate(await self._get("/health"))

    async def hello(self) -> Hello:
        return Hello.model_validate(await self._get(f"{PREFIX}/hello"))

    async def snapshot(self) -> Snapshot:
        return Snapshot.model_validate(await self._get(f"{PREFIX}/snapshot"))

    async def perform(self, command: Command, *, wait: float = 30.0) -> Answer:
        """The command's answer; `accepted` when it is not settled after so many seconds. Safe to repeat."""
        response = await self._ask(
            "POST",
            f"{PREFIX}/commands",
            content=command.model_dump_json(),
            params={"wait": wait},
            headers={"content-type": "application/json"},
            timeout=wait + PATIENCE,
        )
        return _answer(response)

    async def answer(self, command_id: str, *, wait: float = 0.0) -> Answer:
        """How a command that was given before fares."""
        response = await self._ask("GET", f"{PREFIX}/commands/{command_id}", params={"wait": wait}, timeout=wait + PATIENCE)
        return _answer(response)

    async def lines(
        self, after: int = 0, *, session: str | None = None, since: int | None = None, limit: int = 1000
    ) -> Sequence[Line]:
        found = await self._get(f"{PREFIX}/lines", after=after, session=session, since=since, limit=limit)
        return [Line.model_validate(line) for line in found]

    async def fills(self, session: str | None = None, *, limit: int = 1000) -> Sequence[FillRow]:
        return [FillRow.model_validate(fill) for fill in await self._get(f"{PREFIX}/fills", session=session, limit=limit)]

    async def equity(self, session: str | None = None, *, since: int = 0, most: int | None = None) -> Sequence[EquityPoint]:
        found = await self._get(f"{PREFIX}/equity", session=session, since=since, most=most)
        return [EquityPoint.model_validate(one) for one in found]

    async def rules(self, session: str) -> Sequence[RuleRow]:
        return [RuleRow.model_validate(rule) for rule in await self._get(f"{PREFIX}/rules/{session}")]

    async def terms(self, session: str, rule: int) -> RuleTerms:
        return RuleTerms.model_validate(await self._get(f"{PREFIX}/rules/{session}", terms=rule))

    async def chart(self, session: str, stream: str | None = None, *, limit: int = 500) -> Chart:
        return Chart.model_validate(await self._get(f"{PREFIX}/chart/{session}", stream=stream, limit=limit))

    async def orders(self, session: str | None = None, *, order: str | None = None, limit: int = 200) -> Sequence[OrderLife]:
        found = await self._get(f"{PREFIX}/orders", session=session, order=order, limit=limit)
        return [OrderLife.model_validate(one) for one in found]

    async def digest(self, since: int) -> Digest:
        return Digest.model_validate(await self._get(f"{PREFIX}/digest", since=since))

    async def check(self, wanted: CheckRequest) -> CheckReport:
        response = await self._ask("POST", f"{PREFIX}/check", content=wanted.model_dump_json(), timeout=PATIENCE)
        if response.is_error:
            raise _error(response)
        return CheckReport.model_validate(response.json())

    async def files(self) -> Sequence[FileRow]:
        return [FileRow.model_validate(file) for file in await self._get(f"{PREFIX}/files")]

    async def run(self, run: str) -> RunResult:
        return RunResult.model_validate(await self._get(f"{PREFIX}/runs/{run}"))

    async def story(self, session: str, *, fill: int | None = None, order: str | None = None, width: int = 100) -> Story:
        found = await self._get(f"{PREFIX}/story/{session}", LONG, fill=fill, order=order, width=width)
        return Story.model_validate(found)

    async def travel(self, run: str, way: Way) -> ScenePage:
        return ScenePage.model_validate(
            await self._get(f"{PREFIX}/travel/{run}", LONG, **way.model_dump(exclude_defaults=True))
        )

    @asynccontextmanager
    async def stream(self, wanted: Subscribe) -> AsyncIterator[EventStream]:
        """The engine's frames, hello first. Raises ControlError when the engine refuses."""
        from websockets.exceptions import InvalidHandshake

        try:
            socket = await _websocket(self.endpoint, self._packed)
        except (OSError, InvalidHandshake) as problem:
            raise self._gone() from problem
        async with socket:
            stream = EventStream(socket)
            await stream.want(wanted)
            yield stream

    async def _get(self, path: str, patience: float = PATIENCE, **params: Any) -> Any:
        wanted = {name: value for name, value in params.items() if value is not None}
        response = await self._ask("GET", path, params=wanted, timeout=patience)
        if response.is_error:
            raise _error(response)
        return response.json()

    async def _ask(self, method: str, path: str, *, timeout: float, **rest: Any) -> httpx.Response:
        from qkt.runtime.control.http import httpx

        try:
            return await self._http.request(method, path, timeout=timeout, **rest)
        except (httpx.ConnectError, FileNotFoundError):
            raise self._gone() from None
        except httpx.TransportError as problem:
            raise NoAnswerError(
                f"the engine (pid {self.endpoint.pid}) did not answer ({type(problem).__name__})",
                remedy="whether it acted is unknown; look with qkt status",
            ) from None


Reach = Callable[[], AbstractAsyncContextManager[ControlClient]]
"""How an engine is found, anew at every call: it may go and come back meanwhile."""


class EventStream:
    """Frames as they come. Iterating ends when the engine or the reader closes."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    async def want(self, wanted: Subscribe) -> None:
        """See something else from now on."""
        await self._socket.send(wanted.model_dump_json())

    async def __aiter__(self) -> AsyncIterator[Frame]:
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                yield FRAME.validate_json(await self._socket.recv())
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code == 1008:
                raise ControlError(closed.rcvd.reason or "the engine refused the stream") from None


@asynccontextmanager
async def connect(state_dir: Path) -> AsyncIterator[ControlClient]:
    """A client of the engine that owns this state directory.

    Raises NotRunningError, or OtherProtocolError when the engine speaks another version.
    """
    endpoint = spoken(state_dir)
    async with speaking(endpoint, lambda: not_running(state_dir), packed=False) as client:
        yield client


@asynccontextmanager
async def speaking(
    endpoint: Endpoint, gone: Callable[[], ControlError], *, packed: bool = True
) -> AsyncIterator[ControlClient]:
    """A client of whatever engine answers there. `gone` is the error where nothing does; frames are asked for `packed` where
    they go a long way, on one machine that would only cost both sides."""
    from qkt.runtime.control.http import httpx

    unix = endpoint.kind == "unix"
    # There is no TLS on this way; verifying it would only load every authority that there is, for each question.
    transport = httpx.AsyncHTTPTransport(uds=endpoint.path if unix else None, verify=False)
    base = "http://qkt" if unix else f"http://127.0.0.1:{endpoint.port}"
    async with httpx.AsyncClient(transport=transport, base_url=base, headers=_headers(endpoint)) as http:
        yield ControlClient(endpoint, http, gone, packed=packed)


async def wait_until_ready(state_dir: Path, seconds: float) -> Health:
    """The health of an engine that is just starting, once it is ready. Raises NotRunningError when it is not by then."""
    deadline = anyio.current_time() + seconds
    while True:
        try:
            async with connect(state_dir) as client:
                health = await client.health()
            if health.status == "ready":
                return health
        except (NotRunningError, NoAnswerError):
            pass
        if anyio.current_time() >= deadline:
            raise NotRunningError(f"the engine was not ready after {seconds:g} s", where=str(state_dir))
        await anyio.sleep(0.05)


def _websocket(endpoint: Endpoint, packed: bool) -> Any:
    from websockets.asyncio.client import connect as tcp_connect
    from websockets.asyncio.client import unix_connect

    options: dict[str, Any] = {
        "max_size": 1 << 26,
        "max_queue": 4,
        "close_timeout": 1,
        "compression": "deflate" if packed else None,
        "additional_headers": _headers(endpoint),
    }
    if endpoint.kind == "unix":
        return unix_connect(endpoint.path, f"ws://qkt{PREFIX}/events", **options)
    return tcp_connect(f"ws://127.0.0.1:{endpoint.port}{PREFIX}/events", **options)


def _headers(endpoint: Endpoint) -> dict[str, str]:
    return {"authorization": f"Bearer {endpoint.token}"} if endpoint.token else {}


def _answer(response: httpx.Response) -> Answer:
    try:
        return ANSWER.validate_json(response.content)
    except ValidationError:
        raise _error(response) from None


def _error(response: httpx.Response) -> QktError:
    """What the engine refused, in its own words."""
    try:
        told = response.json()
        return ControlError(told["found"], where=told["where"], expected=told["expected"], remedy=told["remedy"])
    except (ValueError, KeyError, TypeError):
        return ControlError(f"the engine answered {response.status_code}, which this qkt does not understand")
