"""A run done again in a process of its own: questions come on standard input, answers go out, each a line of JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from qkt.backtest.recipe import Recipe
from qkt.core.errors import QktError, RecordingError
from qkt.core.output import answers_only
from qkt.explain import BacktestRecording, Recording, Stride, Travel, explain
from qkt.explain.words import sections, story
from qkt.runtime.recording import SessionRecording


def main() -> None:
    """Answer until standard input ends. The first line says what run it is about."""
    answers = os.fdopen(answers_only(), "w", encoding="utf-8")
    opening = json.loads(sys.stdin.readline())
    if hasattr(os, "nice"):
        os.nice(opening["nice"])
    guide = Guide(opening)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = guide.travel(asked) if asked["about"] == "travel" else guide.story(asked)
        except QktError as problem:
            answer = {"error": problem.as_dict()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class Guide:
    """Knows one run: a session of a state directory, or a back-test by its recipe."""

    def __init__(self, opening: dict[str, Any]) -> None:
        self._opening = opening
        self._travel: Travel | None = None

    def story(self, asked: dict[str, Any]) -> dict[str, Any]:
        recording = self._recording()
        number = asked["fill"]
        if number is None:
            number = _last_of(recording, asked["order"])
        return {"run": recording.name, "lines": list(story(explain(recording, number), asked["width"]))}

    def travel(self, asked: dict[str, Any]) -> dict[str, Any]:
        place, stride, number = asked["place"], Stride(asked["stride"]), asked["number"]
        if self._travel is None or (place is None and number is None):
            self._travel = Travel(self._recording())  # a session has gone on since it was opened
        if number is not None and number > self._travel.count(stride):
            self._travel = Travel(self._recording())
        travel = self._travel
        if number is not None:
            place = travel.place_of(stride, number)
        elif place is None:
            place = 1
        if asked["by"]:
            place = travel.step(place, stride, asked["by"])
        scene = travel.scene(place)
        return {
            "run": travel.name,
            "place": scene.place,
            "length": scene.length,
            "at": scene.at,
            "fills": scene.fills,
            "balance": f"{scene.balance:f}",
            "equity": f"{scene.equity:f}",
            "counts": {one.value: travel.count(one) for one in Stride},
            "parts": [{"title": part.title, "lines": part.lines} for part in sections(scene, asked["width"])],
        }

    def _recording(self) -> Recording:
        if "recipe" in self._opening:
            return BacktestRecording(Path(self._opening["run"]), Recipe.from_json(self._opening["recipe"]), [])
        return SessionRecording(Path(self._opening["state"]), self._opening["run"])


def _last_of(recording: Recording, order: str) -> int:
    """The number of the last fill of an order."""
    for number in range(recording.fills, 0, -1):
        if recording.fill(number)["order_id"] == order:
            return number
    raise RecordingError(f"order {order} has no fill", where=recording.name, expected="an order that was filled")


if __name__ == "__main__":
    main()
