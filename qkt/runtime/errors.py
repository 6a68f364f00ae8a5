"""What goes wrong with state on disk."""

from __future__ import annotations

from qkt.core.errors import QktError


class StateError(QktError):
    """State that is damaged, newer than this version, held by another process, or not what it should be."""


class DivergenceError(StateError):
    """A recording gave another result than the one that was journaled."""


class SessionError(QktError):
    """A session that cannot do what it is asked to."""
