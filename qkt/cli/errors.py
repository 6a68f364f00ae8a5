"""What a person sees when something goes wrong: one sentence, or data with `--json`, never a traceback unless asked for."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qkt.core.errors import QktError
from qkt.core.secrets import conceal_environment, redacted

DEBUG = "QKT_DEBUG"
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


@contextmanager
def reporting(*, as_json: bool) -> Iterator[None]:
    """End the process with the error's exit code after telling what happened.

    The sentence goes to stderr, data to stdout. QKT_DEBUG=1 in the environment shows the traceback as well.
    """
    try:
        yield
    except BrokenPipeError:
        # The reader has gone (`qkt … | head`). What is still buffered must not fail again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except Exception as problem:
        conceal_environment()  # no command need have read the configuration so far
        if os.environ.get(DEBUG):
            print(redacted(traceback.format_exc()), end="", file=sys.stderr)
        error = problem if isinstance(problem, QktError) else _bug(problem)
        _tell(error, as_json=as_json)
        raise SystemExit(error.exit_code) from None


def say(text: str) -> None:
    """A line for the person at the terminal, beside the output."""
    print(f"qkt: {text}", file=sys.stderr)


def sentence(error: QktError) -> str:
    """The error for a terminal. Problems of a strategy file begin with their own place and need no name before it."""
    text = str(error)
    return text if "\n" in text else f"qkt: {redacted(text)}"


def as_data(error: QktError) -> dict[str, object]:
    return {**error.as_dict(), "message": str(error)}


def _tell(error: QktError, *, as_json: bool) -> None:
    if as_json:
        print(redacted(json.dumps(as_data(error))))
    else:
        print(sentence(error), file=sys.stderr)


def _bug(problem: Exception) -> QktError:
    frames = traceback.extract_tb(problem.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
    found = f"{type(problem).__name__}: {problem}".rstrip(": ")
    return QktError(f"this is a bug in qkt ({found})", where=where, remedy=f"set {DEBUG}=1 to see the traceback, and report it")
