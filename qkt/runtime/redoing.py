"""What a tape holds, given to a machine once more: ticks with which nothing can happen many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qkt.runtime.inputs import Input
from qkt.runtime.machine import SessionMachine
from qkt.runtime.skim import Skimmer
from qkt.runtime.tape_runs import TickRun


class Redoing:
    """Gives items of a tape, in their order, to one fresh machine."""

    def __init__(self, machine: SessionMachine) -> None:
        self._machine = machine
        self._skimmer = Skimmer(machine)

    def take(self, item: TickRun | tuple[int, Input], due: Callable[[], int] | None = None) -> Iterator[tuple[int, Input]]:
        """Yields each input that was handled by itself, with its number, before the next one: its effects can be taken then.
        `due` says which place of a run has to be one of these, at the latest."""
        machine = self._machine
        if not isinstance(item, TickRun):
            machine.handle(item[1])
            yield item
        elif self._skimmer.able:
            for at in self._skimmer.take(item, due or (lambda: len(item))):
                yield item.first + at, item.tick(at)
        else:
            for at in range(len(item)):
                given = item.tick(at)
                machine.handle(given)
                yield item.first + at, given
