"""A run that one can walk through: to any of its inputs, forwards and backwards."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from typing import TypeAlias

from qkt.core.errors import RecordingError
from qkt.core.events import Candle, Event, OrderFilled, RuleFired
from qkt.engine import Stage
from qkt.explain.recording import Recording
from qkt.explain.scene import Scene, SceneMaker

KEPT = 64
"""Scenes remembered, so that to and fro costs nothing."""


class Stride(StrEnum):
    """How far a step goes: to the next input, or to the next one at which this happened."""

    TICK = "tick"
    BAR = "bar"
    FILL = "fill"
    RULE = "rule"


Places: TypeAlias = "Mapping[Stride, array[int]]"


class Travel:
    """Walks through a recording. Every scene is the run done again up to there: what is shown is what was.

    `length` is how many inputs there are; places count from 1.
    """

    def __init__(self, recording: Recording) -> None:
        places: Places = {one: array("q") for one in Stride if one is not Stride.TICK}
        recording.play(lambda stage: _index(stage, places))
        self.name = recording.name
        self.length = recording.length
        self._recording = recording
        self._places = places
        self._scenes: OrderedDict[int, Scene] = OrderedDict()

    def count(self, stride: Stride) -> int:
        """How many places a stride knows."""
        return self.length if stride is Stride.TICK else len(self._places[stride])

    def step(self, place: int, stride: Stride, by: int) -> int:
        """The place so many strides after one, or before it; the nearest end where there are no more."""
        if stride is Stride.TICK:
            return min(max(place + by, 1), self.length)
        places = self._places[stride]
        at = bisect_right(places, place) + by - 1 if by > 0 else bisect_left(places, place) + by
        if not 0 <= at < len(places):
            return self.length if by > 0 else 1
        return places[at]

    def place_of(self, stride: Stride, number: int) -> int:
        """Where the number-th (from 1) of its kind is. Raises RecordingError for one that there is not."""
        count = self.count(stride)
        if not 1 <= number <= count:
            raise RecordingError(f"there is no {stride} {number}", where=self.name, expected=f"one of {count:,}, from 1")
        return number if stride is Stride.TICK else self._places[stride][number - 1]

    def scene(self, place: int) -> Scene:
        """How the run stood when it had taken its `place`-th input. Raises RecordingError for a place outside the run."""
        if not 1 <= place <= self.length:
            raise RecordingError(f"there is no input {place}", where=self.name, expected=f"one of {self.length:,}, from 1")
        known = self._scenes.pop(place, None)
        if known is None:
            makers: list[SceneMaker] = []
            self._recording.play(lambda stage: makers.append(SceneMaker(stage, place)), place)
            known = makers[0].scene(self.name, self.length)
            while len(self._scenes) >= KEPT:
                self._scenes.popitem(last=False)
        self._scenes[place] = known
        return known


def _index(stage: Stage, places: Places) -> None:
    """Write down where bars close, orders fill and rules fire."""
    scope = stage.session.scope
    for kind, stride in ((Candle, Stride.BAR), (OrderFilled, Stride.FILL), (RuleFired, Stride.RULE)):
        scope.subscribe(kind, partial(_mark, stage, places[stride]))


def _mark(stage: Stage, places: array[int], _: Event) -> None:
    place = stage.place()
    if not places or places[-1] != place:
        places.append(place)
