"""Hints for names that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be."""
    by_lower = {k.lower(): k for k in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], what: str | None = None) -> str | None:
    """`streams: gold, silver. Did you mean 'gold'?`; only the question where `what` is None or nothing is known."""
    known = list(known)
    near = closest(name, known)
    question = f"did you mean '{near}'?" if near else None
    if what is None or not known:
        return question
    shown = f"{what}: {', '.join(known)}"
    return f"{shown}. {question[0].upper()}{question[1:]}" if question else shown
