"""Whose mistake an exception is: the strategy's, told in a sentence with its line, or the engine's, left as it is."""

from __future__ import annotations

import traceback
from pathlib import Path

from qkt.core.errors import QktError, StrategyError
from qkt.strategy import Tradable


def told(problem: Exception) -> str:
    """The failure in a sentence; what is not meant for people begins with its class."""
    return str(problem) if isinstance(problem, QktError) else f"{type(problem).__name__}: {problem}"


def blame(strategy: Tradable, problem: Exception) -> Exception:
    """A StrategyError naming the innermost line of the strategy's own code, or the problem itself when none is on the way."""
    source: Path | None = getattr(strategy, "code_file", None)
    if source is None:
        return problem
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if Path(f.filename).resolve() == source]
    if not frames:
        return problem
    return StrategyError(
        f"{type(problem).__name__}: {problem} (in '{frames[-1].line}')",
        where=f"{source.name}:{frames[-1].lineno}",
        remedy="mend the strategy; QKT_DEBUG=1 shows the whole traceback",
    )
