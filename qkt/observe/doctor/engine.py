"""What an engine keeps, the one that runs, and where it is to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
from pydantic import ValidationError

from qkt.config import Config, Observe, is_loopback
from qkt.core.errors import QktError
from qkt.observe.doctor.finding import Finding, fail, ok, warn
from qkt.observe.observer import listening
from qkt.observe.status import Status, wellness
from qkt.runtime.control.client import connect
from qkt.runtime.control.endpoint import socket_path
from qkt.runtime.control.engine import Health
from qkt.runtime.control.errors import ControlError
from qkt.runtime.control.http import httpx
from qkt.runtime.inspection import inspected
from qkt.runtime.journal import FILE
from qkt.runtime.state import owner

TIMEOUT = 5.0


def state(folder: Path) -> Iterator[Finding]:
    """The journal can be read, and the socket has a place."""
    if (folder / FILE).exists():
        try:
            sessions = inspected(folder)["sessions"]
        except QktError as problem:
            yield fail("state", str(problem), "qkt state verify tells more; restore a backup")
        else:
            yield ok("state", f"{len(sessions)} sessions are registered")
    else:
        yield ok("state", "nothing is kept yet")
    try:
        yield ok("state", f"the control socket is {socket_path(folder)}")
    except ControlError as problem:
        yield fail("state", str(problem), "set XDG_RUNTIME_DIR to a shorter path")


def running(folder: Path) -> Iterator[Finding]:
    """Whether an engine runs, and is well."""
    pid = owner(folder) if folder.exists() else None
    if pid is None:
        yield ok("engine", "none runs")
        return
    try:
        health = anyio.run(_health, folder)
    except ControlError as problem:
        yield fail("engine", f"process {pid} holds the state and does not answer ({problem})", f"look at it; then kill {pid}")
        return
    well = wellness(health)
    for reason in well.reasons:
        yield fail("engine", reason, "qkt status --deep and qkt logs tell more")
    for note in well.notes:
        yield warn("engine", note, "qkt resume, when it is to trade again")
    if well.ready:
        yield ok("engine", f"process {pid} is well, {len(health.sessions)} sessions")


def port(folder: Path, config: Config) -> Iterator[Finding]:
    """Where metrics and status are served."""
    settings = config.observe
    if not settings.serve:
        yield warn("port", "metrics and status are not served", "set serve = true under [observe]")
        return
    where = f"{settings.host}:{settings.port}"
    pid = owner(folder) if folder.exists() else None
    try:
        listening(settings.host, settings.port).close()
    except OSError as problem:
        if pid is not None and _served_by(settings) == pid:
            yield ok("port", f"the engine shows metrics and status at {where}")
        else:
            yield warn("port", f"somebody else has {where} ({problem.strerror})", "choose another port under [observe]")
    else:
        yield ok("port", f"metrics and status at {where}")


def _served_by(settings: Observe) -> int | None:
    """The process whose status is served there, None when that is no engine's."""
    token = settings.token
    headers = {} if token is None else {"authorization": f"Bearer {token.get_secret_value()}"}
    host = settings.host if is_loopback(settings.host) else "127.0.0.1"
    try:
        answer = httpx.get(f"http://{host}:{settings.port}/status", headers=headers, timeout=TIMEOUT)
        return Status.model_validate_json(answer.content).engine.pid
    except (httpx.HTTPError, ValidationError):
        return None


async def _health(folder: Path) -> Health:
    async with connect(folder) as client:
        return await client.health()
