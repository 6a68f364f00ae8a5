"""What sessions trade on: the paper account they begin with, where quotes come from, how paper fills."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, SecretStr

from qkt.config.values import Positive, Section

if TYPE_CHECKING:
    from qkt.brokers.paper import ExecutionSettings


class Account(Section):
    """The paper account that a session starts with."""

    balance: Positive = Decimal(10_000)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3,5}$")] = "USD"


class Feed(Section):
    """Where quotes come from. `data` and `speed` are of files, `symbols`, `seed` and `days` of invented quotes, and `url`,
    `token` and `aliases` (a symbol of ours = EXCHANGE:SYMBOL) of TradingView."""

    source: Literal["file", "synthetic", "tradingview", "mt5"] = "tradingview"
    data: tuple[str, ...] = ()
    speed: str = "real"
    symbols: tuple[str, ...] = ()
    seed: int = 7
    days: Annotated[int, Field(gt=0)] = 1
    url: Annotated[str, Field(pattern=r"^wss?://\S+$")] | None = None
    token: SecretStr | None = None
    aliases: dict[str, str] = Field(default_factory=dict)


class Execution(Section):
    """How paper fills, as `qkt backtest` takes it."""

    preset: str | None = None
    fills: str | None = None
    latency: int | None = None
    cancel_latency: int | None = None
    modify_latency: int | None = None
    slippage: str | None = None
    spread: str | None = None
    limits: str | None = None
    limit_chance: float | None = None
    partial: str | None = None
    reject_every: int | None = None
    stop_distance: bool | None = None
    seed: int | None = None

    def settings(self) -> ExecutionSettings:
        """Raises UsageError for values that make none."""
        from qkt.brokers.paper import ExecutionSettings

        return ExecutionSettings.of(**self.model_dump())
