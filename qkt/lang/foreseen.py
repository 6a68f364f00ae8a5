"""Indicators whose values over a chunk of candles are computed at once, and shared by all runs over the same candles."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from qkt.indicators import REGISTRY, CandleColumns
from qkt.lang.values import Expression, Indicator, Read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Flags: TypeAlias = NDArray[np.bool_]

KEPT = 32
"""Columns that are kept of a chunk, those of the least recent runs going first: a few times what its candles take."""


class Candles(CandleColumns, Protocol):
    """The candles of a chunk. `known` has what was found out about them by what it is, None where no other run comes by."""

    @property
    def known(self) -> dict[Hashable, Any] | None: ...


class Foreseen:
    """Stands for an indicator whose values of the chunk at hand are known: feeding it changes nothing."""

    __slots__ = ("_column", "_made", "_undefined", "key", "value")

    def __init__(self, name: str, constants: tuple[float, ...], series: int) -> None:
        self._made: Any = REGISTRY[name].make(constants, series)
        self._column: Any = None
        self._undefined: Any = None
        self.key: Hashable = None
        self.value: float | None = None

    def update(self, _: object) -> float | None:
        """The value at the candle at hand."""
        return self.value

    def load(self, candles: Candles, inputs: Callable[[], CandleColumns | Floats]) -> Floats:
        """Take a chunk. Returns the values, NaN where there is none."""
        known = candles.known
        found = None if known is None else known.pop(self.key, None)
        if found is None:
            if known is not None:  # what it has taken up to here is another run's too
                self._made = deepcopy(self._made)
            found = (*self._taken(inputs()), self._made)
        if known is not None:
            known[self.key] = found
            while len(known) > KEPT:
                del known[next(iter(known))]
        self._column, self._undefined, self._made = found
        column: Floats = self._column
        return column

    def reach(self, place: int) -> None:
        """The candle at this place of the chunk is at hand."""
        undefined = self._undefined
        self.value = None if undefined is not None and undefined.item(place) else self._column.item(place)

    def _taken(self, inputs: Any) -> tuple[Floats, Flags | None]:
        """The values that come of what it is fed, and where there is none, None where there always is one."""
        import numpy as np

        missing = np.isnan(inputs) if isinstance(inputs, np.ndarray) else None
        if missing is None or not missing.any():
            values = self._made.column(inputs)
        else:  # which is not fed
            value, fed = self._made.value, iter(self._made.column(inputs[~missing]))
            values = [value if one else (value := next(fed)) for one in missing.tolist()]
        undefined = np.array([value is None for value in values]) if None in values else None
        return np.array(values, dtype=np.float64), undefined


def key_of(value: Expression) -> Hashable:
    """What tells apart indicators that are fed with candles, or with numbers of them, in different runs."""
    if isinstance(value, Read):
        return value.field
    assert isinstance(value, Indicator)
    return value.name, value.constants, tuple(key_of(one) for one in value.series)
