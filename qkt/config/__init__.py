"""`qkt.toml`: what an engine trades with. A value comes from the command line, else the environment, else the file, else here.

The file is the first of `--config`, `QKT_CONFIG`, `./qkt.toml` and the user's configuration folder. `QKT_ACCOUNT__BALANCE` in
the environment stands for `balance` under `[account]`. `${NAME}` and `${NAME:-default}` in a text stand for the environment's
value; they are put in after the file has been parsed, so that a value cannot change what the file says.

What flows in is text and the environment; what flows out are frozen sections and the settings that other rooms make of them. It
does not know what runs with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qkt.core.late import late

if TYPE_CHECKING:
    from qkt.config.accounts import Mt5
    from qkt.config.errors import ConfigError
    from qkt.config.file import configured_state, find
    from qkt.config.loading import load_config, overlaid
    from qkt.config.model import Config, secrets_of, shown
    from qkt.config.observing import AlertEvent, Alerts, Channel, Observe, is_loopback
    from qkt.config.risk import BookRisk, Risk, StrategyRisk
    from qkt.config.trading import Account, Execution, Feed

# Where the names live. They are imported when first used: who only looks where an engine is does not wait for all sections.
_HOMES = {
    "Account": "trading",
    "AlertEvent": "observing",
    "Alerts": "observing",
    "BookRisk": "risk",
    "Channel": "observing",
    "Config": "model",
    "ConfigError": "errors",
    "Execution": "trading",
    "Feed": "trading",
    "Mt5": "accounts",
    "Observe": "observing",
    "Risk": "risk",
    "StrategyRisk": "risk",
    "configured_state": "file",
    "find": "file",
    "is_loopback": "observing",
    "load_config": "loading",
    "overlaid": "loading",
    "secrets_of": "model",
    "shown": "model",
}

__all__ = [
    "Account",
    "AlertEvent",
    "Alerts",
    "BookRisk",
    "Channel",
    "Config",
    "ConfigError",
    "Execution",
    "Feed",
    "Mt5",
    "Observe",
    "Risk",
    "StrategyRisk",
    "configured_state",
    "find",
    "is_loopback",
    "load_config",
    "overlaid",
    "secrets_of",
    "shown",
]

__getattr__ = late(__name__, _HOMES)
