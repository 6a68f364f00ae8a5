"""From file and environment to a configuration; what does not fit is refused in a sentence that names the key."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from qkt.config.errors import ConfigError
from qkt.config.file import find, read
from qkt.config.model import Config, secrets_of
from qkt.config.values import Section
from qkt.core.secrets import conceal, conceal_environment


def load_config(given: Path | None = None) -> tuple[Config, Path | None]:
    """The configuration and the file it was read from, None when there is none.

    Raises ConfigError for a file that is missing or malformed, a key that is not known, and a value that does not fit.
    """
    path = find(given)
    values: dict[str, Any] = {} if path is None else read(path)
    _known(values, Config, "", str(path))
    conceal_environment()
    try:
        config = Config(**values)
        conceal(secrets_of(config))
        return config, path
    except ValidationError as problem:
        raise _told(problem, str(path) if path else "the environment") from None


def overlaid(config: Config, section: str, values: Mapping[str, Any]) -> Config:
    """The configuration with some values of a section replaced. Raises ConfigError for one that does not fit."""
    old: Section = getattr(config, section)
    try:
        new = type(old).model_validate({**old.model_dump(), **values})
    except ValidationError as problem:
        raise _told(problem, f"--{section}") from None
    return config.model_copy(update={section: new})


def _known(values: Mapping[str, Any], model: type[BaseModel], section: str, path: str) -> None:
    """Raises ConfigError for the first key that the model does not have."""
    place = f"{section}." if section else ""
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
            _known(value, field.annotation, f"{place}{key}", path)
        elif isinstance(value, dict) and (inner := _of_each(field.annotation)) is not None:
            for name, one in value.items():
                if isinstance(one, dict):
                    _known(one, inner, f"{place}{key}.{name}", path)


def _of_each(annotation: Any) -> type[BaseModel] | None:
    """The section that each entry of a table of sections is."""
    arguments = get_args(annotation)
    last = arguments[-1] if arguments else None
    return last if isinstance(last, type) and issubclass(last, BaseModel) else None


def _told(problem: ValidationError, path: str) -> ConfigError:
    """The first problem in our words; the value itself is not repeated, it may be a secret."""
    first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"] if part != "[key]")
    found = first["msg"].removeprefix("Value error, ")
    return ConfigError(f"{key}: {found[:1].lower()}{found[1:]}", where=path)
