"""Profiles: how an account is reached, how its broker names symbols, and what the account must be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qkt.brokers.mt5.account import Expected
from qkt.brokers.mt5.distant import Carrier, DistantTerminal
from qkt.brokers.mt5.names import Names
from qkt.brokers.mt5.pipe import Pipe
from qkt.brokers.mt5.server_time import ServerClock
from qkt.brokers.mt5.shaping import Shaper
from qkt.brokers.mt5.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Profile:
    """One account. Its name, in lower case, is the venue prefix of its markets. `login` are arguments of the package's
    `initialize`; with a `gateway_url` the terminal is behind a gateway instead. Times are ms, the deviation is in points.
    `adopt` and `complete` say how differences between books and venue are settled at a start."""

    name: str
    suffix: str = ""
    aliases: dict[str, str] = field(default_factory=dict)
    server_time_zone: str = "UTC"
    magic: int = 10_000
    path: str | None = None
    login: dict[str, Any] = field(default_factory=dict)
    gateway_url: str | None = None
    api_key: str = ""
    gateway_ca: str | None = None
    timeout_ms: int = 15_000
    tick_poll_interval_ms: int = 250
    deviation_points: int = 20
    expected: Expected = field(default_factory=Expected)
    adopt: bool = False
    complete: bool = False

    @property
    def clock(self) -> ServerClock:
        return ServerClock(self.server_time_zone)

    def names(self) -> Names:
        return Names(self.name, self.suffix, self.aliases)

    def shaper(self) -> Shaper:
        return Shaper(self.clock, self.magic, self.deviation_points)

    def terminal(self) -> Terminal:
        """The account's terminal; nothing is opened yet."""
        return DistantTerminal(self.carrier())

    def carrier(self) -> Carrier:
        if self.gateway_url is None:
            return Pipe({"path": self.path, "login": self.login}, seconds=self.timeout_ms / 1000)
        from qkt.brokers.mt5.remote import Gateway

        return Gateway(self.gateway_url, self.api_key, seconds=self.timeout_ms / 1000, verify=self.gateway_ca)

    @property
    def way(self) -> str:
        """How the terminal is reached, in words."""
        return self.gateway_url or "this machine"


BUILT_IN: dict[str, dict[str, Any]] = {
    "exness": {
        "suffix": "m",
        "server_time_zone": "UTC",
        "magic": 10001,
        "aliases": {"NAS100": "USTEC", "UKOIL": "XBRUSD", "NGAS": "XNGUSD"},
    },
    "icmarkets": {"suffix": ".raw", "server_time_zone": "new_york_close", "magic": 10002},
    "ftmo": {"server_time_zone": "new_york_close", "magic": 10003},
    "pepperstone": {"suffix": ".cmd", "server_time_zone": "new_york_close", "magic": 10004},
}
"""What is known of common brokers; a profile of the same name starts from it."""
