"""The whole configuration, and what of it is secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from qkt.config.accounts import Mt5
from qkt.config.errors import ConfigError
from qkt.config.observing import Alerts, Observe
from qkt.config.risk import BookRisk, Risk
from qkt.config.trading import Account, Execution, Feed

if TYPE_CHECKING:
    from qkt.brokers.mt5.profile import Profile


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
