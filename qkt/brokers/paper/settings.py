"""How faithfully a run simulates its venue, as one value that its result records."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from qkt.brokers.paper.limits import LimitRule
from qkt.brokers.paper.slices import slice_model
from qkt.brokers.paper.slippage import parse_slippage
from qkt.brokers.paper.spread import parse_spread
from qkt.core.errors import UsageError

Fills = Literal["quotes", "mid", "bars"]
Preset = Literal["fast", "realistic", "stress"]
BarsPath = Literal["adverse_first", "favourable_first", "both"]
EndPolicy = Literal["mark", "close"]

PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"slippage": "none"},
    "realistic": {"latency": 250, "stop_distance": True},
    "stress": {
        "latency": 500,
        "slippage": "0..20",
        "seed": 42,
        "reject_every": 10,
        "partial": "0.5",
        "stop_distance": True,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSettings:
    """Fills and the venue around them. Texts are written as on the command line; raises UsageError for values that make none.

    - `fills`: `quotes` the side that is paid, `mid` the middle without slippage, `bars` the points of bars though there are
      ticks; `preset` is the name that the values came from
    - `latency` (ms) from sending an order to its arrival; `cancel_latency` and `modify_latency` are the same unless given
    - `slippage` of market orders and stops: `instrument`, `none`, points `3`, a range `0..20` drawn with `seed`, `impact:K`
    - `spread` where the data has no quotes: `instrument`, `observed`, points, or points by time of day
    - `limits`: `touch`, `through`, `through:n` points; `limit_chance` is the share of limits that are filled by a touch, the
      others need the market beyond them
    - `partial`: `none`, the fraction of the first of two slices, or `depth` for the size displayed at the quote
    - `reject_every`: every n-th order is rejected, 0 for none; `skip_chance` is the share of entries that are, drawn with
      `seed`, as if nobody had been there to send them; `stop_distance` enforces the instrument's `stops_level_points`
    - `bars_path`: which extreme of a bar comes first; `resolve`: `ticks` lets real ticks stand for the bars they cover
    - `end`: what is still open is marked at the last price, or closed
    """

    fills: Fills = "quotes"
    preset: Preset | None = None
    latency: int = 0
    cancel_latency: int | None = None
    modify_latency: int | None = None
    slippage: str = "instrument"
    seed: int = 42
    spread: str = "instrument"
    limits: str = "touch"
    limit_chance: float = 1.0
    partial: str = "none"
    reject_every: int = 0
    skip_chance: float = 0.0
    stop_distance: bool = False
    bars_path: BarsPath = "adverse_first"
    resolve: Literal["bars", "ticks"] = "bars"
    end: EndPolicy = "mark"

    @classmethod
    def of(cls, *, preset: str | None = None, **given: Any) -> ExecutionSettings:
        """A preset with the values given instead of its own; None leaves a value as it is."""
        if preset is not None and preset not in PRESETS:
            raise UsageError(f"there is no preset '{preset}'", expected=", ".join(PRESETS))
        values = PRESETS.get(preset or "", {}) | {name: value for name, value in given.items() if value is not None}
        return cls(preset=preset, **values)  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        _one_of("fills", self.fills, ("quotes", "mid", "bars"))
        _one_of("bars-path", self.bars_path, ("adverse_first", "favourable_first", "both"))
        _one_of("resolve", self.resolve, ("bars", "ticks"))
        _one_of("end", self.end, ("mark", "close"))
        for name, value in (("latency", self.latency), ("cancel-latency", self.cancel), ("modify-latency", self.modify)):
            if value < 0:
                raise UsageError(f"the {name} is {value}", expected="milliseconds, zero or more")
        if self.reject_every < 0:
            raise UsageError(
                f"every {self.reject_every}th order is to be rejected", expected="zero for none, or a number of orders"
            )
        if not 0 <= self.limit_chance <= 1:
            raise UsageError(f"the chance of a touched limit is {self.limit_chance}", expected="a number from 0 to 1")
        if not 0 <= self.skip_chance <= 1:
            raise UsageError(f"the chance of a skipped entry is {self.skip_chance}", expected="a number from 0 to 1")
        parse_slippage(self.slippage)
        parse_spread(self.spread)
        LimitRule.parse(self.limits)
        slice_model(self.partial)
        self._check_together()

    def _check_together(self) -> None:
        if self.fills == "mid" and self.slippage not in ("instrument", "none"):
            raise UsageError("fills at the middle pay no slippage", expected="--slippage with --fills quotes")
        if self.resolve == "ticks" and self.fills != "bars":
            raise UsageError("only bars are resolved by ticks", expected="--resolve ticks with --fills bars")
        if self.resolve == "ticks" and self.delayed:
            raise UsageError("orders cannot be late while ticks resolve bars", remedy="leave --latency out, or --fills bars")
        if self.fills == "bars" and self.resolve == "bars" and self.preset in ("realistic", "stress"):
            raise UsageError(
                f"bars show too little of the market for the {self.preset} preset",
                remedy="replay the ticks (--fills quotes), or leave the preset out",
            )

    @property
    def cancel(self) -> int:
        """Latency of cancels (ms)."""
        return self.latency if self.cancel_latency is None else self.cancel_latency

    @property
    def modify(self) -> int:
        """Latency of changes of size or price (ms)."""
        return self.latency if self.modify_latency is None else self.modify_latency

    @property
    def delayed(self) -> bool:
        return bool(self.latency or self.cancel or self.modify)

    @property
    def draws(self) -> bool:
        """Whether anything depends on the seed."""
        return parse_slippage(self.slippage)[0] == "uniform" or self.limit_chance < 1 or self.skip_chance > 0

    def changed(self) -> dict[str, Any]:
        """The values that are not the default, by name."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default and field.name != "fills"
        }


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"--{name} is '{value}'", expected=", ".join(allowed))
