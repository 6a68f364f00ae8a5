"""What a session did, told: each effect is counted, given its trace, and put into words where there are words for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qkt.runtime.effects import Effect
from qkt.runtime.machine import SessionMachine
from qkt.runtime.narration import narrated
from qkt.runtime.recorder import Led
from qkt.runtime.tally import Tally
from qkt.runtime.traces import Traces
from qkt.runtime.views.fills import recorded_row
from qkt.runtime.views.positions import digits_of


class Teller:
    """Hears of the effects of one session's run on its account, input by input. `say` takes a level, a kind, the session, a
    text, its time, and what the line is about."""

    def __init__(self, machine: SessionMachine, run: int, account: str, tally: Tally, say: Callable[..., object]) -> None:
        self._machine = machine
        self._account = account
        self._traces = Traces(run)
        self._tally = tally
        self._say = say

    def recall(self, effects: Iterable[tuple[int, Effect]]) -> None:
        """Learn what was decided before the process began, from the effects that `TELLING` names."""
        for at, effect in effects:
            self._traces.of(at, effect.kind, effect.value)

    def tell(self, led: Led) -> None:
        """What an input led to."""
        machine = self._machine
        number = led.trades - sum(effect.kind == "fill" for effect in led.effects)
        for effect in led.effects:
            value = effect.value
            if effect.kind == "order" and self._traces.knows(value["order_id"]):
                continue  # approved with its sibling, and once more now that it is sent
            fill = None
            if effect.kind == "fill":
                number += 1
                fill = recorded_row(machine.name, self._account, number, value, digits_of(machine, value["symbol"]))
            self._tally.count(effect.kind, value)
            trace, order = self._traces.of(led.number, effect.kind, value)
            said = narrated(effect.kind, value)
            if said is not None:
                self._say(
                    said.level,
                    said.kind,
                    machine.name,
                    said.text,
                    led.ts,
                    event=effect.kind,
                    order=order,
                    trace=trace,
                    fill=fill,
                )
