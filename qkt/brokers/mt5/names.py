"""Market ids and the broker's names of symbols."""

from __future__ import annotations

from collections.abc import Mapping

from qkt.core.errors import InstrumentError
from qkt.core.instruments import bare


class Names:
    """`suffix` is what the broker puts behind a name, `aliases` are names of ours that it calls otherwise: an alias is taken
    as it stands when it has the suffix already."""

    def __init__(self, venue: str, suffix: str = "", aliases: Mapping[str, str] | None = None) -> None:
        self.venue = venue
        self._suffix = suffix
        self._aliases = dict(aliases or {})
        self._ours: dict[str, str] = {}

    def theirs(self, symbol: str) -> str:
        """The broker's name of a market id. Raises InstrumentError for two ids that would be one symbol there."""
        name = bare(symbol)
        name = self._aliases.get(name, name)
        if self._suffix and not name.endswith(self._suffix):
            name += self._suffix
        known = self._ours.setdefault(name, symbol)
        if known != symbol:
            raise InstrumentError(f"{symbol} and {known} are both {name} at the broker", remedy="name one of them")
        return name

    def ours(self, name: str) -> str | None:
        """The market id that was asked for under a name, None for one that nobody asked for."""
        return self._ours.get(name)
