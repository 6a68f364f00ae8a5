"""The end of a wire here: an `ssh` that is run, and a socket of this user at which the engine elsewhere answers.

What connects to the socket speaks with the engine as if it ran on this machine.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import secrets
import shlex
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from contextlib import suppress
from pathlib import Path

import anyio
from anyio.abc import TaskStatus
from pydantic import ValidationError

from qkt.remote.contexts import Context
from qkt.remote.relay import MARK, WIRE, Greeting, greeting
from qkt.remote.wire import PIECE, Wire
from qkt.runtime.control.endpoint import Endpoint, Listener, listen
from qkt.runtime.control.errors import ControlError, OtherProtocolError
from qkt.runtime.control.values import PROTOCOL

PATIENCE = 20.0
"""Seconds that the other side may take to greet where nobody can be asked for anything."""
GRACE = 1.0
"""Seconds that ssh gets to end, and what it has said to arrive."""
PREAMBLE = 1 << 16
"""Bytes that a shell may print before the greeting."""
HEARD = 20
"""Lines of standard error that are kept."""

SSH_FAILED, NOT_FOUND = 255, 127
"""Exit codes: of ssh itself, and of a shell that does not know the command."""

CHUNK = 1 << 16

log = logging.getLogger("qkt.remote")


class LineError(ControlError):
    """No line to an engine elsewhere: ssh did not get there, or what is there did not answer as it should."""


def command(context: Context, *, asking: bool) -> list[str]:
    """The words of the ssh that is run, as the system takes them: no shell of ours reads them.

    The last one is for the shell of the other machine. Where `asking`, ssh may ask for passwords and unknown hosts.
    """
    address = context.address
    assert address is not None
    words = ["ssh", "-T", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=2"]
    words += [] if asking else ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
    words += [] if address.port is None else ["-p", str(address.port)]
    there = f"{context.remote_command} attach --stdio"
    if context.state_dir is not None:
        there += f" --state-dir {shlex.quote(context.state_dir)}"
    return [*words, "--", address.destination, there]


class Tunnel:
    """A line that stands. Made by `open_tunnel`; `run` carries it, `over` tells that it has ended, `why` what was said."""

    def __init__(self, context: Context, process: Process, said: Said, told: Greeting) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        self.context = context
        self.greeting = told
        self.over = False
        self.why = ""
        self._process = process
        self._said = said
        self._listener: Listener = listen(Path(f"/elsewhere/{secrets.token_hex(8)}"))
        there = self._listener.endpoint
        self.endpoint: Endpoint = there.model_copy(update={"pid": told.pid, "token": told.token or there.token})
        output, entry = process.stdout, process.stdin

        async def read() -> bytes:
            return await output.read(CHUNK)

        async def write(message: bytes) -> None:
            entry.write(message)
            await entry.drain()

        self.wire = Wire(read, write)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Until the line ends, for whatever reason; then `over` is set and nothing answers at the socket any more."""
        try:
            async with anyio.create_task_group() as tasks:

                def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                    tasks.start_soon(self._converse, reader, writer)

                serve = asyncio.start_server if self.endpoint.kind == "tcp" else asyncio.start_unix_server
                server = await serve(connected, sock=self._listener.socket, limit=PIECE)
                task_status.started()
                try:
                    await self.wire.run()
                finally:
                    server.close()
                    self.over = True
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as problems:
            broken, others = problems.split(ControlError)
            if others is not None:
                raise others from None
            assert broken is not None
            self.why = str(broken.exceptions[0])
        finally:
            self.over = True
            self._listener.close()
            await ended(self._process)
            self._said.close()
            self.why = self._said.last.removeprefix("qkt: ") or self.why
            log.info("the line to %s ended: %s", self.context.words, self.why or "without a word")

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = b""
        if self.endpoint.kind == "tcp":
            first = await _guarded(reader, self.endpoint.token)
            if not first:
                writer.close()
                return
        await self.wire.converse(reader, writer, first)


async def open_tunnel(context: Context, *, asking: bool) -> Tunnel:
    """Run ssh and wait for the greeting of the other side. Where `asking`, what ssh says goes to standard error.

    Raises LineError when there is no line, OtherProtocolError when the engine there speaks another version.
    """
    words = command(context, asking=asking)
    program = shutil.which(words[0])
    if program is None:
        raise LineError("there is no ssh on this machine", where=context.words, remedy="install an OpenSSH client")
    process = await asyncio.create_subprocess_exec(program, *words[1:], stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=PREAMBLE)
    said = Said(process, aloud=asking)
    try:
        with anyio.move_on_after(None if asking else PATIENCE) as patience:
            told = await _greeted(process, said, context)
            _require_ours(told, context)
            said.hush()
            return Tunnel(context, process, said, told)
        assert patience.cancelled_caught
        raise LineError(f"no greeting within {PATIENCE:g} s", where=context.words)
    except BaseException:
        await ended(process)
        said.close()
        raise


async def ended(process: Process) -> None:
    """See to it that ssh is gone."""
    with anyio.CancelScope(shield=True):
        if process.stdin is not None:
            process.stdin.close()
        for end in (None, process.terminate, process.kill):
            if end is not None:
                with suppress(ProcessLookupError):
                    end()
            with anyio.move_on_after(GRACE):
                await process.wait()
                while process.stdout is not None and await process.stdout.read(CHUNK):
                    pass  # what nobody wants any more would keep the pipe open
                return


class Said:
    """What ssh and the command there say on standard error. Aloud, it is passed on, the last line excepted: that one is in the
    error when nothing comes of it."""

    def __init__(self, process: Process, *, aloud: bool) -> None:
        assert process.stderr is not None
        self._lines: deque[str] = deque(maxlen=HEARD)
        self._aloud = aloud
        self._reader = asyncio.create_task(self._listen(process.stderr))

    @property
    def last(self) -> str:
        return self._lines[-1] if self._lines else ""

    def hush(self) -> None:
        """Pass on what waits, and nothing after that: a dashboard has the terminal."""
        if self._aloud and self._lines:
            print(self.last, file=sys.stderr, flush=True)
        self._aloud = False

    def close(self) -> None:
        self._reader.cancel()

    async def all_of_it(self) -> None:
        """Wait until nothing more comes, but not for whoever holds the pipe open longer than ssh lives."""
        await asyncio.wait([self._reader], timeout=GRACE)

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        while chunk := await _line(stream):
            text = re.sub(r"[^\x20-\x7e\xa0-\U0010ffff]", "", chunk.decode(errors="replace")).rstrip()
            if not text:
                continue
            if self._aloud and self._lines:
                print(self.last, file=sys.stderr, flush=True)
            self._lines.append(text)


async def _line(stream: asyncio.StreamReader) -> bytes:
    """A line; of one that is too long as much as nobody reads."""
    try:
        return await stream.readline()
    except ValueError:
        return b" "


async def _greeted(process: Process, said: Said, context: Context) -> Greeting:
    assert process.stdout is not None
    read = 0
    try:
        while line := await process.stdout.readline():
            read += len(line)
            if line.startswith(MARK):
                return Greeting.model_validate_json(line.removeprefix(MARK))
            if read > PREAMBLE:
                break
    except (ValueError, ValidationError):  # a line without end, or a greeting that is none
        read = PREAMBLE + 1
    if read > PREAMBLE:
        raise LineError("what answered is no qkt", where=context.words, expected="the greeting of qkt attach --stdio")
    await said.all_of_it()
    raise _no_line(await process.wait(), said.last, context)


def _no_line(code: int, last: str, context: Context) -> LineError:
    if code == SSH_FAILED:
        return LineError(f"ssh did not get there ({last or 'it did not say why'})", where=context.words)
    if code == NOT_FOUND:
        return LineError(
            f"there is no '{context.remote_command}' there",
            where=context.words,
            remedy="name where qkt is with --remote-command",
        )
    return LineError(last.removeprefix("qkt: ") or f"qkt attach --stdio ended with code {code} there", where=context.words)


def _require_ours(told: Greeting, context: Context) -> None:
    """Raises OtherProtocolError, which names both versions."""
    if (told.wire, told.protocol) == (WIRE, PROTOCOL):
        return
    ours = greeting(Endpoint(kind="unix", pid=0)).version
    raise OtherProtocolError(
        f"the engine there speaks protocol {told.protocol} over wire {told.wire} (qkt {told.version})",
        where=context.words,
        expected=f"protocol {PROTOCOL} over wire {WIRE} (qkt {ours})",
        remedy="use the same qkt on both machines",
    )


async def _guarded(reader: asyncio.StreamReader, token: str) -> bytes:
    """The head of the first request, if it carries the token: the loopback is open to every user of the machine."""
    expected = f"Bearer {token}".encode()
    try:
        with anyio.fail_after(GRACE):
            head = await reader.readuntil(b"\r\n\r\n")
    except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        return b""
    fields = (line.partition(b":") for line in head.split(b"\r\n"))
    given = (value.strip() for name, _, value in fields if name.lower() == b"authorization")
    return head if any(hmac.compare_digest(value, expected) for value in given) else b""
