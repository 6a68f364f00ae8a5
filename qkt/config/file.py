"""The file itself: where it lies, and what it says before anybody checks that."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qkt.config.errors import ConfigError

FILE = "qkt.toml"

_REFERENCE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)(?::-([^}]*))?\}")


def find(given: Path | None = None) -> Path | None:
    """The configuration file that holds. One that is named must exist."""
    named = given if given is not None else Path(os.environ["QKT_CONFIG"]) if os.environ.get("QKT_CONFIG") else None
    if named is not None:
        if not named.is_file():
            raise ConfigError("no such file", where=str(named), expected="a qkt.toml")
        return named
    return next((path for path in _usual() if path.is_file()), None)


def configured_state(given: Path | None = None) -> Path | None:
    """The `state_dir` that the environment or the file names. Nothing else of the file need be sound: who stops an engine must
    not have to mend that first. Raises ConfigError."""
    path = find(given)
    named = os.environ.get("QKT_STATE_DIR")
    if named:
        return Path(named)
    if path is None:
        return None
    value = _expanded(_parsed(path).get("state_dir"), str(path), ("state_dir",))
    if not isinstance(value, str | None):
        raise ConfigError("state_dir: input is not a valid path", where=str(path))
    return None if value is None else Path(value)


def read(path: Path) -> dict[str, Any]:
    """The values of a file, with the environment put into its texts. Raises ConfigError."""
    expanded: dict[str, Any] = _expanded(_parsed(path), str(path), ())
    return expanded


def _parsed(path: Path) -> dict[str, Any]:
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


def _usual() -> Iterator[Path]:
    from platformdirs import user_config_path

    yield Path(FILE)
    yield user_config_path("qkt", appauthor=False) / FILE
