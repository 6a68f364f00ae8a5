"""The process of one account: it alone imports the package, and answers calls that come over its standard input.

Messages are lines of JSON. The first one is how to open the terminal: `{"path": ..., "login": {...}}`. What the package prints
goes to standard error, so that nothing but answers is on the way back.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any

from qkt.brokers.mt5.messages import MessageError, answer
from qkt.brokers.mt5.native import NativeTerminal, package
from qkt.brokers.mt5.terminal import Terminal, TerminalError
from qkt.core.output import answers_only


def serve(terminal: Terminal, calls: IO[str], answers: IO[str]) -> None:
    """Answer calls until there are no more."""
    for line in calls:
        try:
            found = answer(terminal, json.loads(line))
        except (MessageError, ValueError) as problem:
            found = {"error": [-2, str(problem)]}
        answers.write(json.dumps(found, separators=(",", ":")) + "\n")
        answers.flush()


def main() -> None:
    answers = os.fdopen(answers_only(printed=2), "w", encoding="utf-8")
    opening: dict[str, Any] = json.loads(sys.stdin.readline())
    try:
        module = package()
    except TerminalError as problem:
        answers.write(json.dumps({"error": [problem.code, problem.text]}) + "\n")
        answers.flush()
        return
    answers.write('{"result":null}\n')
    answers.flush()
    serve(NativeTerminal(module, opening["path"], **opening["login"]), sys.stdin, answers)


if __name__ == "__main__":
    main()
