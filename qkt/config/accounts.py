"""Accounts at real venues."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, SecretStr

from qkt.config.errors import ConfigError
from qkt.config.values import Section
from qkt.core.errors import QktError

if TYPE_CHECKING:
    from qkt.brokers.mt5.profile import Profile


class Mt5(Section):
    """A MetaTrader 5 account, under the name that is the prefix of its markets. `extends` names the profile that is the base;
    one of the built-in names is its own. `gateway_url` and `api_key` are of a gateway, `path`, `login`, `password`, `server`
    and `portable` of a terminal on this machine. The `expected_` keys must hold of the account, or nothing is traded.
    `adopt` books positions of ours that a session does not know, `complete` settles what the venue no longer has."""

    extends: Literal["exness", "icmarkets", "ftmo", "pepperstone"] | None = None
    gateway_url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    api_key: SecretStr = SecretStr("")
    gateway_ca: Path | None = None
    path: Path | None = None
    login: int | None = None
    password: SecretStr | None = None
    server: str | None = None
    portable: bool = False
    symbol_suffix: str | None = None
    aliases: dict[str, str] = Field(default_factory=dict)
    server_time_zone: str | None = None
    magic: Annotated[int, Field(gt=0, lt=1 << 31)] | None = None
    timeout_ms: Annotated[int, Field(ge=1_000)] = 15_000
    tick_poll_interval_ms: Annotated[int, Field(ge=50)] = 250
    deviation_points: Annotated[int, Field(ge=0)] = 20
    expected_account_login: int | None = None
    expected_account_server: str | None = None
    expected_trade_mode: Literal["demo", "contest", "real"] | None = None
    expected_account_currency: str | None = None
    expected_leverage: int | None = None
    adopt: bool = False
    complete: bool = False

    def profile(self, name: str) -> Profile:
        """Raises ConfigError for a profile that lacks what nobody can guess."""
        from qkt.brokers.mt5.account import Expected
        from qkt.brokers.mt5.profile import BUILT_IN, Profile
        from qkt.brokers.mt5.server_time import ServerClock

        base = BUILT_IN.get(self.extends or name, {})
        zone = self.server_time_zone or base.get("server_time_zone")
        magic = self.magic or base.get("magic")
        for key, value in (("server_time_zone", zone), ("magic", magic)):
            if value is None:
                raise ConfigError(f"{key} is missing", where=f"mt5.{name}", expected="a value of its own, or extends")
        if self.gateway_url is not None and len(self.api_key.get_secret_value()) < 16:
            raise ConfigError("api_key is missing or too short", where=f"mt5.{name}", expected="the token of the gateway")
        try:
            ServerClock(str(zone))
        except QktError as problem:
            raise ConfigError(problem.found, where=f"mt5.{name}.server_time_zone", expected=problem.expected) from None
        login = {"login": self.login, "server": self.server, "portable": self.portable or None}
        login["password"] = None if self.password is None else self.password.get_secret_value()
        return Profile(
            name,
            base.get("suffix", "") if self.symbol_suffix is None else self.symbol_suffix,
            {**base.get("aliases", {}), **self.aliases},
            str(zone),
            int(magic or 0),
            None if self.path is None else str(self.path),
            {key: value for key, value in login.items() if value is not None},
            self.gateway_url,
            self.api_key.get_secret_value(),
            None if self.gateway_ca is None else str(self.gateway_ca),
            self.timeout_ms,
            self.tick_poll_interval_ms,
            self.deviation_points,
            Expected(
                self.expected_account_login,
                self.expected_account_server,
                self.expected_trade_mode,
                self.expected_account_currency,
                self.expected_leverage,
            ),
            self.adopt,
            self.complete,
        )
