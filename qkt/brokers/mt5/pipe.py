"""The way to the child process of an account. A call that takes too long ends with the process: what became of it is asked at
the venue, never assumed.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any

from qkt.brokers.mt5.constants import LastError
from qkt.brokers.mt5.terminal import TerminalError

OPENING_S = 90.0
CALL_S = 15.0
HISTORY_S = 120.0
SLOW = ("symbols_get", "copy_ticks_from", "copy_rates_range")


class Pipe:
    """A carrier that keeps one child. `command` starts it, `opening` is its first message; a call may take `seconds`."""

    def __init__(self, opening: Mapping[str, Any], *, command: Sequence[str] | None = None, seconds: float = CALL_S) -> None:
        self._opening = dict(opening)
        self._command = command or (sys.executable, "-m", "qkt.brokers.mt5.child")
        self._seconds = seconds
        self._child: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()

    @property
    def pid(self) -> int | None:
        """The child's process, None without one."""
        return None if self._child is None else self._child.pid

    def open(self) -> None:
        if self._child is not None and self._child.poll() is None:
            return
        self.close()
        try:
            self._child = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1
            )
        except OSError as problem:
            raise TerminalError(LastError.SEND_FAILED, f"the terminal's process cannot be started ({problem})") from None
        self._answers = queue.Queue()
        assert self._child.stdout is not None
        threading.Thread(target=_read, args=(self._child.stdout, self._answers), daemon=True).start()
        found = self._exchange(self._opening, OPENING_S)
        if "error" in found:
            self.close()
            raise TerminalError(int(found["error"][0]), str(found["error"][1]))

    def close(self) -> None:
        """End the child, whatever it does."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):  # what was not sent cannot be
                        stream.close()

    def call(self, message: dict[str, Any]) -> Any:
        if self._child is None:
            raise TerminalError(LastError.NO_CONNECTION, "the terminal's process does not run")
        name = message["method"]
        limit = OPENING_S if name == "initialize" else HISTORY_S if name in SLOW else self._seconds
        return self._exchange(message, limit)

    def _exchange(self, message: dict[str, Any], seconds: float) -> Any:
        assert self._child is not None
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(message, separators=(",", ":")) + "\n")
            self._child.stdin.flush()
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            self.close()
            raise TerminalError(LastError.TIMEOUT, f"no answer for {seconds:g} s, the terminal's process was ended") from None
        except OSError as problem:
            self.close()
            raise TerminalError(LastError.SEND_FAILED, f"the terminal's process is gone ({problem})") from None
        if not line:
            self.close()
            raise TerminalError(LastError.RECEIVE_FAILED, "the terminal's process ended")
        try:
            return json.loads(line)
        except ValueError:
            self.close()
            raise TerminalError(LastError.RECEIVE_FAILED, "the terminal's process does not make sense") from None


def _read(stream: IO[str], answers: queue.Queue[str]) -> None:
    """Bring lines over; an empty one says that the stream has ended."""
    try:
        for line in stream:
            answers.put(line)
    except ValueError:  # closed under the reader
        pass
    answers.put("")
