"""What a compiled strategy plans for the clock: clauses of SCHEDULE, and groups that give up waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qkt.core.errors import StrategyError
from qkt.core.watch import NEVER
from qkt.lang.program import CheckedClause
from qkt.lang.recurrence import BROKER, Daily
from qkt.lang.windows import Windows
from qkt.strategy import Context


class Timers:
    """`due` is the next instant (epoch ms), NEVER without one.

    A clause keeps its own next instant. Instants that passed unnoticed are made up for one by one, clause by clause in the
    order of the text, each evaluated as of its own time; before any stream has closed a candle they are left out.
    """

    def __init__(
        self,
        context: Context,
        clauses: Sequence[CheckedClause],
        actions: Sequence[Callable[[int], bool]],
        groups: Sequence[Windows],
    ) -> None:
        self._context = context
        self._server = context.server_zone
        for clause in clauses:
            if isinstance(clause.when, Daily) and clause.when.zone == BROKER and self._server is None:
                raise StrategyError(
                    f"no broker says which time zone BROKER is: {clause.text}",
                    where=context.strategy,
                    remedy="name a zone, such as UTC or NY; only a live account's profile has a server zone",
                )
        self._clauses = tuple(clauses)
        self._actions = tuple(actions)
        self._groups = tuple(groups)
        self._next = [clause.when.at_or_after(context.time, self._server) for clause in clauses]
        self._awake = False
        self.due = self._earliest()

    def __bool__(self) -> bool:
        return bool(self._clauses or self._groups)

    def candle_closed(self) -> None:
        self._awake = True
        if self._groups:
            self.due = self._earliest()

    def run(self, ts: int) -> None:
        """Everything that is due at or before `ts`."""
        for group in self._groups:
            group.sweep(ts)
        for place, (clause, action) in enumerate(zip(self._clauses, self._actions, strict=True)):
            while (instant := self._next[place]) <= ts:
                self._next[place] = clause.when.at_or_after(instant + 1 if self._awake else ts + 1, self._server)
                if self._awake:
                    self._context.time = instant
                    action(instant)
        self.due = self._earliest()

    def _earliest(self) -> int:
        return min((*self._next, *(group.due for group in self._groups)), default=NEVER)
