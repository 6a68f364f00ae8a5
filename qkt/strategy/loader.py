"""Finds the strategy in a Python file."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from qkt.core.errors import StrategyError, UsageError
from qkt.strategy.python import ParamValue, PythonStrategy, Strategy

TRUTH = {"true": True, "false": False}


def load_python(path: Path, params: Mapping[str, str] | None = None) -> PythonStrategy:
    """The one `Strategy` subclass a file defines, its params replaced by those given. Its name is the file's.

    Raises StrategyError for a file that cannot be imported or defines no strategy or several, UsageError for a parameter it
    does not have.
    """
    module = _import(path)
    found = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Strategy) and item.__module__ == module.__name__
    ]
    if len(found) != 1:
        names = ", ".join(kind.__name__ for kind in found) or "none"
        raise StrategyError(f"found {names}", where=str(path), expected="exactly one class derived from qkt.Strategy")
    strategy = found[0]()
    strategy.params = _with_overrides(path, strategy.params, params or {})
    return PythonStrategy(strategy, path.stem, path.resolve())


def _import(path: Path) -> ModuleType:
    if not path.is_file():
        raise StrategyError("there is no such file", where=str(path))
    spec = importlib.util.spec_from_file_location(f"qkt_strategy_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise StrategyError("is no Python file", where=str(path), expected="a name that ends in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as problem:
        raise StrategyError(f"{problem.msg}", where=f"{path}:{problem.lineno}") from None
    except Exception as problem:
        frames = [f for f in traceback.extract_tb(problem.__traceback__) if f.filename == str(path)]
        line = f":{frames[-1].lineno}" if frames else ""
        raise StrategyError(f"{type(problem).__name__}: {problem}", where=f"{path}{line}") from problem
    return module


def _with_overrides(path: Path, defaults: Mapping[str, ParamValue], given: Mapping[str, str]) -> dict[str, ParamValue]:
    values = dict(defaults)
    for name, text in given.items():
        if name not in values:
            known = ", ".join(values) or "none"
            raise UsageError(f"no parameter named '{name}'", where=str(path), expected=f"one of: {known}")
        values[name] = _like(name, values[name], text)
    return values


def _like(name: str, default: ParamValue, text: str) -> ParamValue:
    """The text as a value of the default's type."""
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text.lower() in TRUTH:
            return TRUTH[text.lower()]
        raise UsageError(f"parameter {name} is '{text}'", expected="true or false")
    try:
        return int(text) if isinstance(default, int) and text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise UsageError(f"parameter {name} is '{text}'", expected="a number") from None
