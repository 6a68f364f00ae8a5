"""What goes wrong between an operator and an engine, in one sentence each."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from qkt.core.errors import QktError


class ControlError(QktError):
    """A command that was not carried out."""


class UnknownSessionError(ControlError):
    """No session of that name is deployed."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = get_close_matches(name, names, n=1)
        remedy = f"did you mean '{close[0]}'?" if close else "qkt list shows what is deployed"
        super().__init__(f"no session named '{name}'", remedy=remedy)
        self.name = name


class NotRunningError(ControlError):
    """Nothing answers where an engine of this state directory would."""


class OtherProtocolError(ControlError):
    """The engine speaks another version of the control API."""


class NoAnswerError(ControlError):
    """The engine was asked and did not answer in time: whether it acted is unknown."""
