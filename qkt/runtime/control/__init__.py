"""Commands of operators in, answers and frames of what the engine does out: the control API.

`commands`, `answers`, `rows`, `frames` and `details` are its words, `engine` the protocol an engine offers, `app` and `serving`
carry them over a socket, and `client` is the other end of it. `link` is how a dashboard holds either end. Nothing here knows
how a session works.

Who names a module by this package (`control.frames.Hello`) has it loaded when it is first used: a dashboard paints before that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qkt.runtime.control import answers, client, commands, details, frames, rows, values

__all__ = ["answers", "client", "commands", "details", "frames", "rows", "values"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'qkt.runtime.control' has no attribute '{name}'")
    from importlib import import_module

    return import_module(f"qkt.runtime.control.{name}")
