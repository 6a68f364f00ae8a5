"""`qkt.toml`: what an engine trades with. A value comes from the command line, else the environment, else the file, else here.

The file is the first of `--config`, `QKT_CONFIG`, `./qkt.toml` and the user's configuration folder. `QKT_ACCOUNT__BALANCE` in
the environment stands for `balance` under `[account]`. `${NAME}` and `${NAME:-default}` in a text stand for the environment's
value; they are put in after the file has been parsed, so that a value cannot change what the file says.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from qkt.core.errors import QktError
from qkt.core.secrets import conceal, conceal_environment

if TYPE_CHECKING:
    from qkt.brokers.mt5.profile import Profile
    from qkt.brokers.paper import ExecutionSettings
    from qkt.portfolio import BookSettings
    from qkt.risk import RiskLimits

FILE = "qkt.toml"

_REFERENCE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)(?::-([^}]*))?\}")


class ConfigError(QktError):
    """A configuration that cannot be used."""


def _exact(value: Any) -> Any:
    return repr(value) if isinstance(value, float) else value


# Numbers of a file are read as they are written: 0.1 is a tenth.
Number = Annotated[Decimal, BeforeValidator(_exact), Field(allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0)]
Percent = Annotated[Number, Field(gt=0, le=100)]
Count = Annotated[int, Field(gt=0, strict=True)]


def _span(value: Any) -> Any:
    """A duration such as 30m as milliseconds."""
    found = re.fullmatch(r"(\d+)(ms|s|m|h|d)", value) if isinstance(value, str) else None
    if found is None or not int(found[1]):
        raise ValueError("expected a duration such as 90s, 30m or 4h")
    return int(found[1]) * {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}[found[2]]


def _time_of_day(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError("expected a time of day such as 17:00")
    return value


def _zone(value: Any) -> Any:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(value).key
    except (KeyError, ValueError, TypeError, OSError):
        raise ValueError("no such time zone, expected a name such as America/New_York") from None


# Milliseconds.
Span = Annotated[int, BeforeValidator(_span)]
TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]
Zone = Annotated[str, BeforeValidator(_zone)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    return host in ("localhost", "::1") or host.startswith("127.")


def _web(url: SecretStr) -> SecretStr:
    if not re.match(r"https?://\S+$", url.get_secret_value()):
        raise ValueError("must begin with http:// or https://")
    return url


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
    aliases: dict[str, str] = {}


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
    aliases: dict[str, str] = {}
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


class Losses(Section):
    """How much may be lost: in account currency since the day began, and in percent."""

    max_daily_loss: Annotated[Number, Field(ge=0)] | None = None
    max_drawdown_pct: Percent | None = None
    max_daily_drawdown_pct: Percent | None = None


class StrategyRisk(Losses):
    """What binds one strategy."""

    max_position: Positive | None = None
    max_open_positions: Count | None = None
    max_trades_per_day: Count | None = None
    cooldown_after_loss: Span | None = None
    cooldown_after_loss_after_consecutive: Count | None = None
    loss_streak_halt: Count | None = None
    loss_streak_halt_scope: Literal["persistent", "daily"] | None = None
    runaway_round_trips: Count | None = None
    runaway_rejections: Count | None = None


class Risk(Losses):
    """What sessions are held to. A cap of orders or of the day's loss that is left out has the default of the engine, not none.

    `day_zone` and `day_starts` say when the day of daily limits begins. What `each_strategy` says holds for every strategy
    unless `per_strategy` says otherwise under its name.
    """

    max_quantity: Positive | None = None
    max_notional: Positive | None = None
    price_collar_pct: Percent | None = None
    max_account_position: Positive | None = None
    total_dd_basis: Literal["static", "trailing"] | None = None
    daily_dd_basis: Literal["balance", "equity"] | None = None
    live_equity_basis: Literal["venue", "modeled"] | None = None
    margin_floor_pct: Annotated[Number, Field(ge=0)] | None = None
    measured_usage_hours: Annotated[Number, Field(ge=0)] | None = None
    measured_usage_max_qty: Annotated[Number, Field(ge=0)] | None = None
    day_zone: Zone = "UTC"
    day_starts: TimeOfDay = "00:00"
    each_strategy: StrategyRisk = StrategyRisk()
    per_strategy: dict[str, StrategyRisk] = {}

    def limits(self) -> RiskLimits:
        from qkt.risk.configured import limits_of

        return limits_of(self.model_dump())


def _multiple(value: Decimal) -> Decimal:
    if not 0 < value <= 100:
        raise ValueError("expected a multiple of the capital, more than 0 and at most 100: 3 is three times as much")
    return value


# An amount of money, taken for a multiple of the capital, would switch a cap off.
Multiple = Annotated[Number, AfterValidator(_multiple)]


class BookLimits(Section):
    """Caps on what the book of a portfolio holds, as multiples of its capital: 3 is three times as much."""

    max_gross_exposure: Multiple | None = None
    max_net_exposure: Multiple | None = None
    max_symbol_concentration: Multiple | None = None


class LadderRung(Section):
    """From a `drawdown` (fraction of the peak) on, new risk counts `factor` of itself; 0 holds for `cooldown_bars` longer."""

    drawdown: Annotated[Number, Field(gt=0, le=1)]
    factor: Annotated[Number, Field(ge=0, le=1)]
    cooldown_bars: Annotated[int, Field(ge=0)] = 0


class DeRisk(Section):
    ladder: tuple[LadderRung, ...] = ()

    @field_validator("ladder")
    @classmethod
    def _descends(cls, rungs: tuple[LadderRung, ...]) -> tuple[LadderRung, ...]:
        for rung, deeper in pairwise(sorted(rungs, key=lambda one: one.drawdown)):
            if deeper.drawdown == rung.drawdown or deeper.factor > rung.factor:
                raise ValueError("a deeper drawdown needs a factor that is not larger, and each drawdown stands once")
        return rungs


class BookAllocation(Section):
    """How risk is divided between the children of a portfolio. `target_vol` is a fraction of the capital a year."""

    method: Literal["FIXED", "INVERSE_VOL", "ERC"] = "FIXED"
    target_vol: Annotated[float, Field(gt=0, le=10)] | None = None
    rebalance_every_bars: Annotated[int, Field(ge=0)] = 0
    max_leverage: Annotated[float, Field(gt=0, le=100)] = 4.0


class BookRisk(Section):
    """The book of portfolios. `capital` is theirs unless it is given here."""

    capital: Positive | None = None
    limits: BookLimits = BookLimits()
    de_risk: DeRisk = DeRisk()
    allocation: BookAllocation = BookAllocation()

    def settings(self) -> BookSettings:
        from qkt.portfolio import BookSettings, ExposureCaps, Method, Rung

        caps, chosen = self.limits, self.allocation
        return BookSettings(
            self.capital,
            Method(chosen.method),
            chosen.rebalance_every_bars,
            chosen.target_vol,
            chosen.max_leverage,
            tuple(Rung(one.drawdown, one.factor, one.cooldown_bars) for one in self.de_risk.ladder),
            ExposureCaps(caps.max_gross_exposure, caps.max_net_exposure, caps.max_symbol_concentration),
        )


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


class Observe(Section):
    """Who may look. `host` and `port` are where metrics, status and logs are served, `token` is needed on any host but the
    loopback. The heartbeat says every `heartbeat_seconds` that all is well, to a URL or by touching a file. Log files
    are kept at `log_files` of `log_megabytes` each."""

    serve: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 9464
    token: Annotated[SecretStr, Field(min_length=16)] | None = None
    heartbeat_url: Annotated[SecretStr, AfterValidator(_web)] | None = None
    heartbeat_file: Path | None = None
    heartbeat_seconds: Annotated[int, Field(ge=5)] = 60
    log_megabytes: Annotated[int, Field(ge=1)] = 20
    log_files: Annotated[int, Field(ge=1)] = 5

    @model_validator(mode="after")
    def _guarded(self) -> Observe:
        if self.token is None and not is_loopback(self.host):
            raise ValueError(f"serving on {self.host} needs a token of at least 16 characters, for others can reach it")
        return self


AlertEvent = Literal[
    "halted", "resumed", "fault", "rejected", "refused", "blocked", "unblocked", "feed", "started", "stopped", "down", "error"
]


class Channel(Section):
    """Where alerts go: a URL as Apprise reads it. `events` and `level` choose; no more than `per_minute` messages leave in a
    minute, what comes meanwhile is sent as one."""

    url: SecretStr
    events: tuple[AlertEvent, ...] = (
        "halted",
        "resumed",
        "fault",
        "rejected",
        "blocked",
        "unblocked",
        "feed",
        "down",
        "error",
    )
    level: Literal["info", "warn", "error"] = "info"
    per_minute: Annotated[int, Field(ge=1, le=60)] = 6
    summary: bool = True


class Alerts(Section):
    """Who is told what happened. `summary` is when the day is summed up (HH:MM, UTC)."""

    summary: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None
    channels: dict[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")], Channel] = {}


class Config(BaseSettings):
    """The whole configuration. Made by `load_config`."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="QKT_", env_nested_delimiter="__")

    state_dir: Path | None = None
    load_dir: Path | None = None
    instruments: Path | None = None
    log_level: Literal["debug", "info", "warn", "error"] = "info"
    account: Account = Account()
    feed: Feed = Feed()
    risk: Risk = Risk()
    book_risk: BookRisk = BookRisk()
    execution: Execution = Execution()
    broker: Literal["paper", "mt5", "mt5-sim"] = "paper"
    mt5: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")], Mt5] = {}
    observe: Observe = Observe()
    alerts: Alerts = Alerts()
    # Of the dashboard: an action of it to its key.
    keys: dict[str, str] = {}

    def profiles(self) -> dict[str, Profile]:
        """MetaTrader 5 accounts by name. Raises ConfigError for profiles that cannot be, or that share a magic number."""
        found: dict[str, Profile] = {}
        for name, section in self.mt5.items():
            profile = section.profile(name)
            same = next((other.name for other in found.values() if other.magic == profile.magic), None)
            if same is not None:
                raise ConfigError(f"magic {profile.magic} is that of mt5.{same} too", where=f"mt5.{name}", expected="its own")
            found[name] = profile
        return found

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over what is given, which is the file; the command line is put on top later."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def load_config(given: Path | None = None) -> tuple[Config, Path | None]:
    """The configuration and the file it was read from, None when there is none.

    Raises ConfigError for a file that is missing or malformed, a key that is not known, and a value that does not fit.
    """
    path = find(given)
    values: dict[str, Any] = {} if path is None else _expanded(_read(path), str(path), ())
    _known(values, Config, "", str(path))
    conceal_environment()
    try:
        config = Config(**values)
        conceal(secrets_of(config))
        return config, path
    except ValidationError as problem:
        raise _told(problem, str(path) if path else "the environment") from None


def find(given: Path | None = None) -> Path | None:
    """The configuration file that holds. One that is named must exist."""
    named = given if given is not None else Path(os.environ["QKT_CONFIG"]) if os.environ.get("QKT_CONFIG") else None
    if named is not None:
        if not named.is_file():
            raise ConfigError("no such file", where=str(named), expected="a qkt.toml")
        return named
    return next((path for path in _usual() if path.is_file()), None)


def overlaid(config: Config, section: str, values: Mapping[str, Any]) -> Config:
    """The configuration with some values of a section replaced. Raises ConfigError for one that does not fit."""
    old: Section = getattr(config, section)
    try:
        new = type(old).model_validate({**old.model_dump(), **values})
    except ValidationError as problem:
        raise _told(problem, f"--{section}") from None
    return config.model_copy(update={section: new})


def secrets_of(section: BaseModel) -> Iterator[str]:
    """Every value in there that must not be shown."""
    for _, value in section:
        match value:
            case SecretStr():
                yield value.get_secret_value()
            case BaseModel():
                yield from secrets_of(value)
            case dict() | tuple():
                for one in value.values() if isinstance(value, dict) else value:
                    if isinstance(one, SecretStr):
                        yield one.get_secret_value()
                    elif isinstance(one, BaseModel):
                        yield from secrets_of(one)


def shown(config: Config) -> dict[str, Any]:
    """All values as data that JSON has; a secret shows only that it is there."""
    return config.model_dump(mode="json")


def _usual() -> Iterator[Path]:
    from platformdirs import user_config_path

    yield Path(FILE)
    yield user_config_path("qkt", appauthor=False) / FILE


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(f"is not TOML: {problem}", where=str(path)) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"cannot be read ({problem})", where=str(path)) from None


def _expanded(value: Any, path: str, keys: tuple[str, ...]) -> Any:
    """The value with the environment put into its texts."""
    match value:
        case dict():
            return {key: _expanded(one, path, (*keys, key)) for key, one in value.items()}
        case list():
            return [_expanded(one, path, keys) for one in value]
        case str():
            return _REFERENCE.sub(lambda reference: _environment(reference, f"{path}: {'.'.join(keys)}"), value)
        case _:
            return value


def _environment(reference: re.Match[str], place: str) -> str:
    name, default = reference.groups()
    value = os.environ.get(name, default)
    if value is None:
        raise ConfigError(f"{name} is not set in the environment", where=place, remedy=f"set it, or write ${{{name}:-default}}")
    return value


def _known(values: Mapping[str, Any], model: type[BaseModel], section: str, path: str) -> None:
    """Raises ConfigError for the first key that the model does not have."""
    for key, value in values.items():
        field = model.model_fields.get(key)
        if field is None:
            close = get_close_matches(key, model.model_fields, n=1)
            known = ", ".join(sorted(model.model_fields))
            raise ConfigError(
                f"unknown key '{key}'{f' in [{section}]' if section else ''}",
                where=path,
                expected=None if close else f"one of {known}",
                remedy=f"did you mean '{close[0]}'?" if close else None,
            )
        if isinstance(value, dict) and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            _known(value, field.annotation, key, path)
        elif isinstance(value, dict) and (inner := _of_each(field.annotation)) is not None:
            for name, one in value.items():
                if isinstance(one, dict):
                    _known(one, inner, f"{section}.{key}.{name}", path)


def _of_each(annotation: Any) -> type[BaseModel] | None:
    """The section that each entry of a table of sections is."""
    arguments = get_args(annotation)
    last = arguments[-1] if arguments else None
    return last if isinstance(last, type) and issubclass(last, BaseModel) else None


def _told(problem: ValidationError, path: str) -> ConfigError:
    """The first problem in our words; the value itself is not repeated, it may be a secret."""
    first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    found = first["msg"].removeprefix("Value error, ")
    return ConfigError(f"{key}: {found[:1].lower()}{found[1:]}", where=path)
