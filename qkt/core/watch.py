"""What a component waits for, stated so that a replay can jump to it.

A live engine calls the component with every tick and needs none of this. A replay over columns looks up the first row on
which the wait can end and calls the very same code there; calling it on other rows as well must change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Protocol, TypeAlias

NEVER = 1 << 62
"""A due time that never comes (epoch ms)."""


class Reads(StrEnum):
    """Which number of a tick is compared: its price, its bid or its ask. Without quotes the price stands for both."""

    PRICE = "price"
    BID = "bid"
    ASK = "ask"


@dataclass(slots=True)
class Watch:
    """The first tick of `symbol` whose number reaches `level`, coming `below` (<=) or above it (>=), or whose time reaches
    `deadline`.

    `row` is scratch space of the replay: the merged row found, or up to which there is none, -1 when it has to be looked up
    again.
    """

    symbol: str
    reads: Reads
    below: bool
    level: float
    deadline: int | None = None
    row: int = -1


# How far a float level may lie from the exact one: 8 decimals, and the 12 significant digits of a price.
LEVEL_SLACK = 2e-8
PRICE_SLACK = 1e-11


@dataclass(slots=True)
class TrailWatch:
    """The first tick of `symbol` whose number has come back from the running extreme of the price by `amount` (price units)
    and `percent` points of the extreme, or whose time reaches `deadline`.

    `below`: the extreme is the highest price and the number comes back below it; otherwise the lowest, and above it. A tick
    moves the extreme before it is tested. A replay may stop a hair early, so whoever waits tests for himself.

    `extreme` is kept current by `Waits.follow`. `row` and `passed` are scratch space of the replay: the merged row found, and
    the last merged row that is in the extreme.
    """

    symbol: str
    reads: Reads
    below: bool
    extreme: float
    amount: float = 0.0
    percent: float = 0.0
    deadline: int | None = None
    row: int = -1
    passed: int | None = None

    @property
    def factor(self) -> float:
        """What the extreme is multiplied with to get the bound, on the near side of the exact level."""
        return 1.0 - self.percent / 100 + PRICE_SLACK if self.below else 1.0 + self.percent / 100 - PRICE_SLACK

    @property
    def shift(self) -> float:
        """What is then added to it."""
        return LEVEL_SLACK - self.amount if self.below else self.amount - LEVEL_SLACK

    def near(self, number: float) -> bool:
        """Whether a number is so near to the level, or beyond it, that the exact test must decide."""
        bound = self.extreme * self.factor + self.shift
        return number <= bound if self.below else number >= bound

    def take(self, high: float, low: float) -> None:
        """Prices between `low` and `high` have been seen."""
        if self.below:
            if high > self.extreme:
                self.extreme = high
        elif low < self.extreme:
            self.extreme = low


AnyWatch: TypeAlias = Watch | TrailWatch


@dataclass(slots=True)
class Calm:
    """Quotes with which no wait of a symbol ends: each number strictly between its bounds, and a time before the deadline."""

    bid_low: float = -inf
    bid_high: float = inf
    ask_low: float = -inf
    ask_high: float = inf
    low: float = -inf
    high: float = inf
    deadline: int = NEVER

    def avoid(self, watch: Watch) -> None:
        """Leave out what ends this wait."""
        level = watch.level
        if watch.deadline is not None and watch.deadline < self.deadline:
            self.deadline = watch.deadline
        match watch.reads:
            case Reads.BID if watch.below:
                self.bid_low = max(self.bid_low, level)
            case Reads.BID:
                self.bid_high = min(self.bid_high, level)
            case Reads.ASK if watch.below:
                self.ask_low = max(self.ask_low, level)
            case Reads.ASK:
                self.ask_high = min(self.ask_high, level)
            case _ if watch.below:
                self.low = max(self.low, level)
            case _:
                self.high = min(self.high, level)


class QuoteOf(Protocol):
    """What a wait can end with: a tick."""

    @property
    def symbol(self) -> str: ...

    @property
    def ts(self) -> int: ...

    @property
    def price(self) -> float: ...

    @property
    def bid(self) -> float | None: ...

    @property
    def ask(self) -> float | None: ...

    @property
    def synthetic(self) -> int: ...


class Passed(Protocol):
    """The ticks that a jumping replay passes, by merged row. `row` is that of the tick being processed."""

    @property
    def row(self) -> int: ...

    def extremes(self, symbol: str, after: int) -> tuple[float, float] | None:
        """The highest and the lowest price of the symbol's ticks beyond row `after` up to `row`, None without any."""
        ...


class Waiting(Protocol):
    """A component that waits for the market or the clock."""

    @property
    def due(self) -> int:
        """When its next timer is due (epoch ms), NEVER without one. The first tick at or after it is visited."""
        ...

    def watches(self) -> Iterable[AnyWatch]:
        """What it waits for at the market now."""
        ...


class Waits:
    """Everything in one session that waits. Whoever begins or stops to wait says `changed()`.

    `passed` is set by a replay that jumps, None where every tick comes by itself. Such a replay says with `found` how far it
    has looked. Otherwise the watches of a symbol are summed up as a `Calm`, which is good until something changes.
    """

    __slots__ = ("_calms", "_components", "_due", "_next_row", "_searched", "_summed", "passed", "revision")

    def __init__(self) -> None:
        self._components: list[Waiting] = []
        self.revision = 0
        self.passed: Passed | None = None
        self._next_row = self._searched = self._summed = -1
        self._calms: dict[str, Calm | None] = {}
        self._due = NEVER

    def add(self, component: Waiting) -> None:
        self._components.append(component)
        self.revision += 1

    def has(self, component: object) -> bool:
        """Whether this component says here what it waits for."""
        return component in self._components

    def changed(self) -> None:
        self.revision += 1

    @property
    def due(self) -> int:
        """The earliest timer."""
        earliest = NEVER
        for component in self._components:
            due = component.due
            if due < earliest:
                earliest = due
        return earliest

    def watches(self) -> list[AnyWatch]:
        watches: list[AnyWatch] = []
        for component in self._components:
            watches += component.watches()
        return watches

    def found(self, row: int) -> None:
        """No watch that is stated now can end before this merged row, and no timer that is set now is due before it."""
        self._next_row, self._searched = row, self.revision

    def proved(self) -> bool:
        """Whether a replay has proved that nothing waits for the tick being processed."""
        passed = self.passed
        return passed is not None and self._searched == self.revision and passed.row < self._next_row

    def quiet(self, tick: QuoteOf) -> bool:
        """Whether it is certain that no wait ends with this tick, the one being processed."""
        if self.passed is not None:
            return self.proved()
        if self._summed != self.revision:
            self._calms.clear()
            self._summed, self._due = self.revision, self.due
        ts, symbol = tick.ts, tick.symbol
        if ts >= self._due or tick.synthetic:
            self._summed = -1  # who is called now may wait for another time afterwards
            return False
        try:
            calm = self._calms[symbol]
        except KeyError:
            calm = self._calms[symbol] = self._calm_of(symbol)
        if calm is None:
            return False
        price, bid, ask = tick.price, tick.bid, tick.ask
        if (
            calm.bid_low < (price if bid is None else bid) < calm.bid_high
            and calm.ask_low < (price if ask is None else ask) < calm.ask_high
            and calm.low < price < calm.high
            and ts < calm.deadline
        ):
            return True
        del self._calms[symbol]
        return False

    def _calm_of(self, symbol: str) -> Calm | None:
        """What the symbol's watches leave untouched; nothing where one follows every tick."""
        calm, trails = self.stated(symbol)
        return None if trails else calm

    def stated(self, symbol: str) -> tuple[Calm, list[TrailWatch]]:
        """What the symbol's levels leave untouched, and what follows its price."""
        calm, trails = Calm(), list[TrailWatch]()
        for watch in self.watches():
            if watch.symbol != symbol:
                continue
            if isinstance(watch, TrailWatch):
                trails.append(watch)
                if watch.deadline is not None and watch.deadline < calm.deadline:
                    calm.deadline = watch.deadline
            else:
                calm.avoid(watch)
        return calm, trails

    def reached(self, watch: AnyWatch) -> bool:
        """Whether the wait can end with the tick being processed: False proves that it does not."""
        return self.passed is None or watch.row <= self.passed.row

    def follow(self, trail: TrailWatch, price: float) -> None:
        """Take a tick of the trail's symbol at `price`, the one being processed, into the running extreme, and with it those
        that were passed since the last time. Call it once for every tick, or only where `reached`."""
        trail.take(price, price)
        if self.passed is not None:
            self.catch_up(trail, self.passed)

    @staticmethod
    def catch_up(trail: TrailWatch, passed: Passed) -> None:
        """Fold what a replay has passed. A trail that no search has placed yet begins with the tick being processed."""
        if trail.passed is not None:
            extremes = passed.extremes(trail.symbol, trail.passed)
            if extremes is not None:
                trail.take(*extremes)
            trail.passed = passed.row
