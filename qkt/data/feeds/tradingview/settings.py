"""Where TradingView is reached, and under which names its symbols go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from qkt.core.errors import UsageError

PREFIX = "TV:"
_SYMBOL = re.compile(r"[A-Z0-9_]{1,32}:[A-Z0-9_.!&/-]{1,48}")


@dataclass(frozen=True, slots=True)
class TradingViewSettings:
    """`token` is what a session signs in with, the default what anonymous visitors use. `aliases` maps symbols of ours to
    EXCHANGE:SYMBOL. Seconds: `silence` without any frame is a dead wire, `outage` is how long one may last before it is
    called that, `patience` is the wait for one answer."""

    url: str = "wss://data.tradingview.com/socket.io/websocket"
    origin: str = "https://www.tradingview.com"
    token: str = field(default="unauthorized_user_token", repr=False)
    aliases: Mapping[str, str] = field(default_factory=dict)
    silence: float = 60.0
    outage: float = 120.0
    patience: float = 10.0

    def name_of(self, symbol: str) -> str:
        """EXCHANGE:SYMBOL for a market id such as TV:OANDA:EURUSD or an alias. Raises UsageError for anything else."""
        own = symbol.removeprefix(PREFIX)
        name = self.aliases.get(symbol, self.aliases.get(own, own))
        if _SYMBOL.fullmatch(name) is None:
            raise UsageError(
                f"TradingView has no symbol {symbol!r}", expected="TV:EXCHANGE:SYMBOL, such as TV:OANDA:EURUSD, or an alias"
            )
        return name
