"""Where an engine can be reached: a socket that only its user can open, and a file in the state directory that says where."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import socket
import stat
import sys
import warnings
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from qkt.runtime.control.errors import ControlError, NotRunningError, OtherProtocolError
from qkt.runtime.control.values import PROTOCOL, Word
from qkt.runtime.state import owner

FILE = "control.json"

# The systems' limit is 104 bytes or more, the terminating zero included.
LONGEST_PATH = 100

BACKLOG = 32


class Endpoint(Word):
    """A Unix socket, or where the system has none, a port of the loopback with a token made for this run."""

    kind: Literal["unix", "tcp"]
    pid: int
    protocol: int = PROTOCOL
    path: str = ""
    port: int = 0
    token: str = ""


class Listener:
    """A bound socket. Close it to give its path up again."""

    def __init__(self, bound: socket.socket, endpoint: Endpoint) -> None:
        self.socket = bound
        self.endpoint = endpoint
        self._inode = os.stat(endpoint.path).st_ino if endpoint.path else None

    def close(self) -> None:
        """The path goes only if it is still ours: another engine may have taken the place of one that was given up."""
        self.socket.close()
        if self._inode is None:
            return
        with contextlib.suppress(FileNotFoundError):
            if os.stat(self.endpoint.path).st_ino == self._inode:
                os.unlink(self.endpoint.path)


def listen(state_dir: Path, *, tcp: bool = sys.platform == "win32") -> Listener:
    """Bind the socket of this state directory, mode 0600. One that nobody listens on is replaced.

    Raises ControlError when an engine listens there already, or the place cannot be trusted.
    """
    if tcp:
        return _loopback()
    path = socket_path(state_dir)
    _require_private(path.parent)
    _clear(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        bound.bind(str(path))
    except OSError as problem:
        bound.close()
        raise ControlError(f"the control socket cannot be made ({problem.strerror})", where=str(path)) from None
    finally:
        os.umask(before)
    bound.listen(BACKLOG)
    bound.setblocking(False)
    return Listener(bound, Endpoint(kind="unix", pid=os.getpid(), path=str(path)))


def socket_path(state_dir: Path) -> Path:
    """In the user's runtime folder, under a name made from the state directory: short however long that one's path is."""
    from platformdirs import user_runtime_path

    name = hashlib.sha256(os.fsencode(state_dir.resolve())).hexdigest()[:20]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a system has no such folder and a temporary one is used
        path = user_runtime_path("qkt") / f"{name}.sock"
    if len(os.fsencode(path)) >= LONGEST_PATH:
        raise ControlError(
            "the runtime folder's path is too long for a socket",
            where=str(path.parent),
            remedy="set XDG_RUNTIME_DIR to a shorter one",
        )
    return path


def announce(state_dir: Path, endpoint: Endpoint) -> None:
    """Say in the state directory where the engine listens, readable by its user only."""
    target = state_dir / FILE
    draft = target.with_name(f"{FILE}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(endpoint.model_dump_json())
    os.replace(draft, target)


def withdraw(state_dir: Path, endpoint: Endpoint) -> None:
    """Take the announcement back, unless another engine's stands there."""
    if announced(state_dir) == endpoint:
        (state_dir / FILE).unlink(missing_ok=True)


def announced(state_dir: Path) -> Endpoint | None:
    """Where an engine of this state directory said it listens; it may be gone. None when none said so."""
    try:
        return Endpoint.model_validate_json((state_dir / FILE).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise ControlError(
            "cannot be read",
            where=str(state_dir / FILE),
            expected="where an engine listens",
            remedy="use the qkt that runs the engine",
        ) from None


def spoken(state_dir: Path) -> Endpoint:
    """Where the engine that owns this state directory listens, in our protocol. It may be gone.

    Raises NotRunningError, or OtherProtocolError when the engine speaks another version.
    """
    endpoint = announced(state_dir)
    if endpoint is None:
        raise not_running(state_dir)
    if endpoint.protocol != PROTOCOL:
        raise OtherProtocolError(
            f"the engine (pid {endpoint.pid}) speaks protocol {endpoint.protocol}",
            expected=str(PROTOCOL),
            remedy="use the qkt that started it, or restart it",
        )
    return endpoint


def not_running(state_dir: Path) -> NotRunningError:
    """Why nothing answers there: it may be that an engine holds the directory and is not yet to be asked, or no longer."""
    if (pid := owner(state_dir)) is not None:
        return NotRunningError(
            f"the engine (pid {pid}) does not listen", where=str(state_dir), remedy="it is starting or ending; look again"
        )
    return NotRunningError("no engine is running", where=str(state_dir), remedy="start one with qkt daemon start or qkt up")


def _loopback() -> Listener:
    bound = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    bound.setblocking(False)
    port = bound.getsockname()[1]
    return Listener(bound, Endpoint(kind="tcp", pid=os.getpid(), port=port, token=secrets.token_urlsafe(32)))


def _require_private(folder: Path) -> None:
    """The folder exists and nobody else can put or open anything there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = (os.stat(one, follow_symlinks=False) for one in (folder, folder.parent))
    if not all(stat.S_ISDIR(one.st_mode) and one.st_uid in (os.getuid(), 0) and not one.st_mode & 0o022 for one in kept):
        raise ControlError(
            "the runtime folder is not yours alone", where=str(folder), expected="a folder that only you can write to"
        )


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ControlError("is in the way of the control socket", where=str(path), remedy="move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError as unclear:  # a full backlog or a frozen engine: someone is there
            raise ControlError(f"an engine may be listening already ({unclear})", where=str(path)) from None
    raise ControlError("an engine listens there already", where=str(path), remedy="qkt daemon status shows it")
