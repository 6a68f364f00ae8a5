"""The event bus: synchronous, depth-first, ordered, fault-isolating, divided into scopes.

Publishing an event calls every subscriber of its exact class in the order of subscription, then every tap, then returns;
what a subscriber publishes meanwhile is handled to the end before the next subscriber of the outer event runs. A
failing subscriber does not keep the others from running; the first failure is then raised to the publisher. A failing
tap is only logged.

A process has one bus. Each session works in its own scope of it; closing the scope takes everything with it that the
session did to the bus. Market data is published at the root and reaches each scope that follows the symbol, in the order
in which the scopes were opened. A failure inside a scope stops at its border: the scope's fault handler hears of it, the
other scopes and the feed go on. Observers tap the root and get everything.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from qkt.core.clock import Clock
from qkt.core.events import Event, Tick

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)
Handler = Callable[[Any], None]
FaultHandler = Callable[[Exception], None]


class _Channel:
    """The subscribers of one event class, and how many publishes of it are under way. `awake` are those that hear an event
    also when `asleep` says that the others need not."""

    __slots__ = ("asleep", "awake", "depth", "handlers")

    def __init__(self) -> None:
        self.handlers: list[Handler] = []
        self.awake: list[Handler] = []
        self.asleep: Callable[[Any], bool] | None = None
        self.depth = 0


class Scope:
    """One session's part of the bus (or its root)."""

    def __init__(self, bus: EventBus, name: str, on_fault: FaultHandler | None = None) -> None:
        self.name = name
        self._bus = bus
        self._on_fault = on_fault
        self._channels: dict[type[Event], _Channel] = {}
        self._taps: list[Handler] = []
        self._follows: set[str] = set()
        self._children: list[Scope] = []
        self.closed = False

    def subscribe(
        self, event_type: type[E], handler: Callable[[E], None], *, unless: Callable[[E], bool] | None = None
    ) -> None:
        """Call `handler` for every event of exactly this class, after those subscribed before.

        With `unless` it is spared events of which that is true when they are published. It is asked once an event: all
        handlers of a class that have one have the same.
        """
        channel = self._channel(event_type)
        channel.handlers.append(handler)
        if unless is None:
            channel.awake.append(handler)
        else:
            channel.asleep = unless

    def subscribe_first(self, event_type: type[E], handler: Callable[[E], None]) -> None:
        """Call `handler` before all others. Kept for the bookkeeping of fills."""
        channel = self._channel(event_type)
        channel.handlers.insert(0, handler)
        channel.awake.insert(0, handler)

    def awake(self, event_type: type[Event]) -> list[Handler]:
        """Who hears every event of this class."""
        channel = self._channels.get(event_type)
        return [] if channel is None else list(channel.awake)

    @property
    def watched(self) -> bool:
        """Whether somebody sees every event of the scope, so that none may be left out."""
        return bool(self._taps) or bool(self._bus.observers)

    def tap(self, handler: Handler) -> None:
        """Call `handler` for every event, after its subscribers."""
        self._taps.append(handler)

    def follow(self, symbol: str) -> None:
        """Let the root's ticks of this symbol into the scope."""
        self._follows.add(symbol)
        self._bus.forget_followers()

    def follows(self, symbol: str) -> bool:
        return symbol in self._follows

    def child(self, name: str, on_fault: FaultHandler | None = None) -> Scope:
        """A scope of its own that ends with this one. Its failures are told to its own handler, else to this scope's."""
        scope = self._bus.scope(f"{self.name}/{name}", on_fault or self.fault)
        self._children.append(scope)
        return scope

    def guarded(self, handler: Callable[[E], None]) -> Callable[[E], None]:
        """The handler with its failures kept in this scope, for events of another one."""

        def guard(event: E) -> None:
            try:
                handler(event)
            except Exception as problem:
                self.fault(problem)

        return guard

    def passed(self, count: int) -> None:
        """So many events were folded instead of published: they keep their numbers."""
        self._bus._sequence += count

    def receive(self, event: Event) -> None:
        """Take market data or the clock's word in this scope alone; a failure stays in it."""
        bus = self._bus
        event.at, event.seq, event.scope = bus._clock.now(), bus._sequence, self.name
        bus._sequence += 1
        try:
            self.deliver(event)
        except Exception as problem:
            self.fault(problem)

    def publish(self, event: Event) -> None:
        """Stamp the event and deliver it. Raises the first failure of a subscriber after all of them ran."""
        bus = self._bus
        event.at, event.seq, event.scope = bus._clock.now(), bus._sequence, self.name
        bus._sequence += 1
        self.deliver(event)

    def deliver(self, event: Event) -> None:
        """Deliver an event that is stamped already."""
        if self.closed:
            return
        failure: Exception | None = None
        channel = self._channels.get(type(event))
        if channel is not None:
            channel.depth += 1
            asleep = channel.asleep
            for handler in channel.handlers if asleep is None or not asleep(event) else channel.awake:
                try:
                    handler(event)
                except Exception as problem:
                    if failure is None:
                        failure = problem
                    else:
                        log.exception("a second subscriber failed on the same %s", type(event).__name__)
            channel.depth -= 1
        if self._taps:
            self._run_taps(event)
        bus = self._bus
        if bus.observers and self is not bus.root:
            for scope in bus.observers:
                scope._run_taps(event)
        if failure is not None:
            raise failure

    def fault(self, problem: Exception) -> None:
        """A failure reached the scope's border: its owner hears of it, without an owner the log does."""
        if self._on_fault is not None:
            self._on_fault(problem)
        else:
            log.error("scope %s failed", self.name, exc_info=problem)

    def close(self) -> None:
        """Forget every subscriber, tap and followed symbol. Events published later are dropped."""
        self.closed = True
        self._channels.clear()
        self._taps.clear()
        self._follows.clear()
        for child in self._children:
            child.close()
        self._bus.forget(self)

    def _channel(self, event_type: type[Event]) -> _Channel:
        channel = self._channels.get(event_type)
        if channel is None:
            channel = self._channels[event_type] = _Channel()
        if channel.depth:
            raise RuntimeError(f"cannot subscribe to {event_type.__name__} while one is being dispatched")
        return channel

    def _run_taps(self, event: Event) -> None:
        for tap in self._taps:
            try:
                tap(event)
            except Exception:
                log.exception("an observer failed on %s", type(event).__name__)


class EventBus:
    """The process's bus. `root` carries market data and is where observers tap."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sequence = 0
        self._scopes: dict[str, Scope] = {}
        self._followers: dict[str, tuple[Scope, ...]] = {}
        self.root = Scope(self, "")
        self.observers: tuple[Scope, ...] = ()

    def scope(self, name: str, on_fault: FaultHandler | None = None) -> Scope:
        """Open a scope. Raises ValueError when one of this name is open."""
        if not name or name in self._scopes:
            raise ValueError(f"a scope needs a name of its own, {name!r} is taken or empty")
        scope = self._scopes[name] = Scope(self, name, on_fault)
        return scope

    def observe(self, tap: Handler) -> None:
        """See every event of every scope, after its subscribers."""
        self.root.tap(tap)
        self.observers = (self.root,)

    def publish_tick(self, tick: Tick) -> None:
        """Publish market data: at the root, then in each scope that follows the symbol. Failures of a scope stay in it."""
        tick.at, tick.seq, tick.scope = self._clock.now(), self._sequence, ""
        self._sequence += 1
        root = self.root
        if root._channels or root._taps:
            root.deliver(tick)
        followers = self._followers.get(tick.symbol)
        if followers is None:
            followers = tuple(scope for scope in self._scopes.values() if scope.follows(tick.symbol))
            self._followers[tick.symbol] = followers
        for scope in followers:
            try:
                scope.deliver(tick)
            except Exception as problem:
                scope.fault(problem)

    def forget(self, scope: Scope) -> None:
        self._scopes.pop(scope.name, None)
        self.forget_followers()

    def forget_followers(self) -> None:
        """Who follows which symbol has changed."""
        self._followers.clear()
