"""The page of the Python interface, made of signatures and docstrings: `python -m tests.docs.python_page` writes it."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import qkt
from qkt.backtest.metrics import Metrics
from qkt.ledger import RoundTrip, TradeRow

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
WIDTH = 100

HEAD = """# Python

What `import qkt` offers, made of the package's own signatures and docstrings by `python -m tests.docs.python_page`. Everything
else can be imported too, but may change.

```python
import qkt

result = qkt.backtest("strategies/ema_cross.qkt", data="sample", params={"fast": "5"}, preset="realistic")
print(result.metrics.total_pnl, result.metrics.profit_factor, len(result.round_trips))
```

Names are imported when they are first used, so that `import qkt` costs next to nothing. Whatever cannot be used raises
`qkt.QktError`, in one sentence. The package is typed.

"""
SECTIONS = {
    "Running": ("backtest", "BacktestResult", "write_sample", "QktError"),
    "Strategies": ("Strategy", "at", "by", "pct", "rr", "trailing", "parts"),
    "What a strategy hears": ("Candle", "Tick", "OrderFilled"),
}
RESULTS = (Metrics, RoundTrip, TradeRow)


def page() -> str:
    text = [HEAD]
    for title, names in SECTIONS.items():
        text.append(f"## {title}\n\n")
        for name in names:
            text.extend(_entry(f"qkt.{name}", getattr(import_module(f"qkt.{qkt._HOMES[name]}"), name)))
    text.append("## In a result\n\n`result.metrics`, a row of `result.round_trips`, and a row of `result.trades`.\n\n")
    for kind in RESULTS:
        text.extend(_entry(kind.__name__, kind))
    return "".join(text).rstrip() + "\n"


def _entry(name: str, thing: Any) -> Iterator[str]:
    yield f"### {name}\n\n"
    if inspect.isclass(thing):
        if dataclasses.is_dataclass(thing):
            rows = "".join(f"    {field.name}: {field.type}\n" for field in dataclasses.fields(thing))
            yield f"```py\nclass {thing.__name__}:\n{rows}```\n\n"
        yield _doc(thing)
        for member, value in vars(thing).items():
            yield from _member(member, value)
    else:
        yield _signature(name, thing) + _doc(thing)


def _member(name: str, value: Any) -> Iterator[str]:
    called = value.__func__ if isinstance(value, classmethod | staticmethod) else value
    kept = getattr(called, "fget", None) or getattr(called, "func", None)
    if name.startswith("_") or not (inspect.isfunction(called) or kept):
        return
    if kept:
        yield f"```py\n{name}: {inspect.get_annotations(kept).get('return', '')}\n```\n\n" + _doc(kept)
    else:
        yield _signature(name, called) + _doc(called)


def _signature(name: str, thing: Any) -> str:
    signature = inspect.signature(thing)
    inner, bare = [], True
    for one in signature.parameters.values():
        if one.name in ("self", "cls"):
            continue
        if one.kind is one.KEYWORD_ONLY and bare:
            inner.append("*")
        bare = bare and one.kind not in (one.KEYWORD_ONLY, one.VAR_POSITIONAL)
        stars = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
        inner.append(f"{stars}{one.name}: {one.annotation}" + ("" if one.default is one.empty else f" = {_value(one.default)}"))
    line = f"{name}({', '.join(inner)}) -> {signature.return_annotation}"
    if len(line) > WIDTH:
        line = f"{name}(\n" + "".join(f"    {one},\n" for one in inner) + f") -> {signature.return_annotation}"
    return f"```py\n{line}\n```\n\n"


def _value(default: Any) -> str:
    return str(default) if isinstance(default, Enum) else repr(default)


def _doc(thing: Any) -> str:
    text = inspect.cleandoc(vars(thing).get("__doc__") or "") if inspect.isclass(thing) else inspect.getdoc(thing) or ""
    generated = inspect.isclass(thing) and text.startswith(f"{thing.__name__}(")
    return f"{text}\n\n" if text and not generated else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
