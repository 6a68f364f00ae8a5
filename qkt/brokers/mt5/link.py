"""The link to one account: a thread that owns the terminal, and the desks of the sessions that trade there.

Calls block, so nothing of them happens on the loop. Orders go first, then looks at the account, then market data. When the way
to the terminal breaks it is opened again, the account is checked, and only then the desks go on; entries are refused meanwhile.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from qkt.brokers.dispatch import Report, Request, What
from qkt.brokers.mt5.account import AccountTerms, check_account, tradable
from qkt.brokers.mt5.desk import Desk
from qkt.brokers.mt5.figures import LinkFigures, counted
from qkt.brokers.mt5.profile import Profile
from qkt.brokers.mt5.records import Account
from qkt.brokers.mt5.terminal import Terminal, TerminalError
from qkt.core.clock import Clock
from qkt.core.errors import QktError

log = logging.getLogger(__name__)

T = TypeVar("T")
Deliver = Callable[[list[Report]], None]
ORDERS, LOOKS, MARKET = range(3)
RETRY_MS = (1_000, 2_000, 5_000, 10_000, 30_000)
FAULT_MS = 1_000
IDLE_S = 0.5


class LinkError(QktError):
    """An account that cannot be reached."""


class Link:
    """One account's link. `open` first, `close` last; both wait. Everything else may be called from any thread."""

    def __init__(
        self, profile: Profile, wall: Clock, terminal: Terminal | None = None, figures: LinkFigures | None = None
    ) -> None:
        self.profile = profile
        self.names = profile.names()
        self.clock = profile.clock
        self.terms = AccountTerms()
        self.account: Account
        self._wall = wall
        self.figures = figures or LinkFigures()  # those of the links to this account before it go on
        self._terminal = counted(terminal or profile.terminal(), self.figures)
        self._work: queue.PriorityQueue[tuple[int, int, Callable[[], None]]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._seats: dict[Desk, Deliver] = {}
        # Desks that failed by a defect, and when they are served again.
        self._faulty: dict[Desk, int] = {}
        self._down = 0  # attempts to open it again, 0 while it is open
        self._retry_at = 0
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=f"mt5 {profile.name}", daemon=True)

    def open(self) -> None:
        """Open the terminal and check the account. Raises LinkError, AccountError."""
        try:
            self._open()
        except TerminalError as problem:
            self._terminal.shutdown()
            raise LinkError(
                f"the terminal cannot be reached: {problem.text}", where=f"mt5.{self.profile.name}", expected=self.profile.way
            ) from None
        except BaseException:
            self._terminal.shutdown()
            raise
        self._begin()

    def _begin(self) -> None:
        self.figures.up = True
        self._thread.start()

    def close(self) -> None:
        """End the thread and the way to the terminal; nothing at the venue changes."""
        self._ended = True
        self._put(ORDERS, lambda: None)
        if self._thread.is_alive():
            self._thread.join()
        self.figures.up = False
        self._terminal.shutdown()

    def seat(self, desk: Desk, deliver: Deliver) -> None:
        """Let a desk be served; `deliver` hears its reports, in this link's thread."""
        self._put(ORDERS, lambda: self._seats.update({desk: deliver}))

    def leave(self, desk: Desk) -> None:

        def stand_up() -> None:
            self._seats.pop(desk, None)
            self._faulty.pop(desk, None)

        self._put(ORDERS, stand_up)

    def send(self, desk: Desk, request: Request, age: float = 0.0) -> None:
        """Have a request carried out that was decided `age` seconds ago."""
        decided = self._wall.now() - round(age * 1000)
        self._put(ORDERS, lambda: self._submit(desk, request, decided))

    def ask(self, call: Callable[[Terminal], T], priority: int = MARKET) -> Future[T]:
        """Have something read. The future raises TerminalError when that failed."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(call(self._terminal))
            except TerminalError as problem:
                future.set_exception(problem)
                if problem.link and not self._down:  # who keeps asking must not put the next attempt off
                    self._lost(problem)
            except BaseException as problem:
                future.set_exception(problem)

        self._put(priority, work)
        return future

    @property
    def terminal(self) -> Terminal:
        """Only for calls within this link's thread."""
        return self._terminal

    # ------------------------------------------------------------------ thread

    def _put(self, priority: int, work: Callable[[], None]) -> None:
        self._work.put((priority, next(self._numbers), work))

    def _run(self) -> None:
        """Whatever fails, the thread goes on: without it nothing of the account would ever be answered again."""
        while not self._ended:
            try:
                self._work_off()
                if not self._ended:
                    self._serve()
            except Exception:
                log.exception("the link to %s failed", self.profile.name)

    def _work_off(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._work.get(timeout=self._pause())[2]()

    def _pause(self) -> float:
        now = self._wall.now()
        due = self._retry_at if self._down else min(map(self._due, self._seats), default=now + 1000)
        return min(IDLE_S, max(0.0, (due - now) / 1000)) or 0.001

    def _due(self, desk: Desk) -> int:
        return max(desk.due, self._faulty.get(desk, 0))

    def _serve(self) -> None:
        now = self._wall.now()
        if self._down and (now < self._retry_at or not self._opened_again()):
            return
        for desk, deliver in list(self._seats.items()):
            if self._due(desk) > now:
                continue
            self._faulty.pop(desk, None)
            try:
                reports = desk.step()
            except TerminalError as problem:
                reports = desk.take()
                self._lost(problem)
            except Exception:
                log.exception("a desk at %s failed", self.profile.name)
                reports = desk.take()
                self._faulty[desk] = now + FAULT_MS
            if reports:
                deliver(reports)
            if self._down:
                return

    def _submit(self, desk: Desk, request: Request, decided: int) -> None:
        if self._down and request.enters:
            desk.refuse(request, "the terminal cannot be reached")
        else:
            desk.submit(request, decided)

    def _lost(self, problem: Any) -> None:
        if not self._down:
            self.figures.losses += 1
            self.figures.up = False
            self._tell(
                "ERROR", f"the terminal of {self.profile.name} is lost ({problem}); stops that the engine holds do not work"
            )
        self._down += 1
        self._retry_at = self._wall.now() + RETRY_MS[min(self._down, len(RETRY_MS)) - 1]

    def _opened_again(self) -> bool:
        try:
            self._terminal.shutdown()
            self._open()
        except (TerminalError, QktError) as problem:
            self._lost(problem)
            return False
        except Exception as problem:
            log.exception("the terminal of %s could not be opened again", self.profile.name)
            self._lost(problem)
            return False
        self._down = 0
        self.figures.up = True
        self._tell("INFO", f"the terminal of {self.profile.name} is back")
        for desk in self._seats:
            desk.look_now()
        return True

    def _open(self) -> None:
        self._terminal.initialize()
        self.account = account = self._terminal.account_info()
        check_account(self.profile.name, account, self.profile.expected)
        refusal = tradable(account)
        if refusal is not None:
            raise LinkError(refusal, where=f"mt5.{self.profile.name}")
        self.terms.forget()

    def _tell(self, level: str, text: str) -> None:
        for deliver in self._seats.values():
            deliver([Report(What.NOTE, self._wall.now(), level=level, text=text)])
