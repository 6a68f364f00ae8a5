"""Two reports held against each other: figures side by side, and what was different about the runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qkt.backtest.curve import EquityCurve
from qkt.backtest.phrases import DASH, amount, factor, percent
from qkt.core.errors import QktError, UsageError
from qkt.report.bundle import RESULT, damaged, read_manifest

MONEY, SHARE, RATIO, COUNT = "money", "share", "ratio", "count"

FIGURES = (
    ("total_pnl", "net P&L", MONEY),
    ("return_fraction", "return", SHARE),
    ("closed_trades", "closed trades", COUNT),
    ("win_rate", "win rate", SHARE),
    ("profit_factor", "profit factor", RATIO),
    ("expectancy", "expectancy", MONEY),
    ("expectancy_r", "expectancy in R", RATIO),
    ("payoff_ratio", "payoff ratio", RATIO),
    ("max_drawdown", "max drawdown", SHARE),
    ("max_drawdown_money", "largest fall in money", MONEY),
    ("daily.sharpe", "Sharpe, daily", RATIO),
    ("daily.sharpe_error", "its standard error", RATIO),
    ("sharpe", "Sharpe, of samples", RATIO),
    ("sortino", "Sortino, of samples", RATIO),
    ("cagr", "growth a year (CAGR)", SHARE),
    ("calmar_annual", "Calmar, annual", RATIO),
    ("ulcer_index", "ulcer index", SHARE),
    ("exposure", "time in the market", SHARE),
    ("turnover", "turnover", RATIO),
    ("costs.commission", "commission", MONEY),
    ("costs.spread_and_slippage", "spread and slippage", MONEY),
    ("costs.swap", "swap", MONEY),
    ("costs.total", "costs in all", MONEY),
)
SAME_TRADE = ("strategy", "symbol", "side", "entry_time", "entry_price", "quantity")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both, and by how much the second is larger; a dash for what one of them has not."""

    label: str
    first: str
    second: str
    change: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`differences` are what the runs were told or given differently, (what, first, second). Of the closed trades `common` were
    entered alike in both, `only_first` and `only_second` in one of them."""

    names: tuple[str, str]
    figures: tuple[Row, ...]
    differences: tuple[tuple[str, str, str], ...]
    common: int
    only_first: int
    only_second: int
    curves: tuple[EquityCurve, EquityCurve]

    @property
    def same(self) -> bool:
        """Whether nothing that is compared differs."""
        alike = all(row.first == row.second for row in self.figures)
        return alike and not (self.differences or self.only_first or self.only_second)


def compare(first: Path, second: Path) -> Comparison:
    """Of two folders of reports. Raises a QktError for one that is none, that is damaged or that another version wrote."""
    one, other = _read(first), _read(second)
    metrics = one["metrics"], other["metrics"]
    trades = [Counter(tuple(trip[name] for name in SAME_TRADE) for trip in result["round_trips"]) for result in (one, other)]
    return Comparison(
        names=(first.name or str(first), second.name or str(second)),
        figures=tuple(_row(label, kind, _at(metrics[0], key), _at(metrics[1], key)) for key, label, kind in FIGURES),
        differences=tuple(_differences(one, other)),
        common=(trades[0] & trades[1]).total(),
        only_first=(trades[0] - trades[1]).total(),
        only_second=(trades[1] - trades[0]).total(),
        curves=(_curve(first), _curve(second)),
    )


def _read(folder: Path) -> dict[str, Any]:
    read_manifest(folder)
    wrong = damaged(folder)
    if wrong:
        found = f"{', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not what was written"
        raise QktError(found, where=str(folder), remedy="write the report again")
    result: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    if "metrics" not in result:
        raise UsageError("has a result that cannot be read", where=str(folder), remedy="write the report again")
    return result


def _row(label: str, kind: str, first: Any, second: Any) -> Row:
    change = DASH if first is None or second is None else _text(kind, float(second) - float(first), signed=True)
    return Row(label, _text(kind, first), _text(kind, second), change)


def _text(kind: str, value: Any, *, signed: bool = False) -> str:
    if value is None:
        return DASH
    match kind:
        case "money":
            return amount(float(value), signed=signed)
        case "share":
            return percent(float(value), signed=signed)
        case "count":
            return f"{int(value):+,}" if signed and value else f"{int(value):,}"
        case _:
            text = factor(float(value))
            return f"+{text}" if signed and float(value) > 0 and text != "0.00" else text


def _at(values: Mapping[str, Any], key: str) -> Any:
    found: Any = values
    for name in key.split("."):
        found = None if found is None else found.get(name)
    return found


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What was asked for, what it was run on, what came out strange."""
    for part in ("strategy", "symbols", "period", "params", "interrupted"):
        yield from _changed(part, one.get(part), other.get(part))
    # How fills are made is told by the execution.
    settings = ({name: value for name, value in told.get("settings", {}).items() if name != "fills"} for told in (one, other))
    yield from _changed("settings", *settings)
    proofs = one.get("evidence") or {}, other.get("evidence") or {}
    for part in ("engine", "strategy", "instruments", "data"):
        sums = [_sums(proof.get(part)) for proof in proofs]
        if sums[0] != sums[1]:
            yield f"contents of the {part}" if part != "engine" else part, sums[0], sums[1]
    warnings = one.get("warnings", []), other.get("warnings", [])
    for text in warnings[0]:
        if text not in warnings[1]:
            yield "warning", text, DASH
    for text in warnings[1]:
        if text not in warnings[0]:
            yield "warning", DASH, text


def _changed(name: str, first: Any, second: Any) -> Iterator[tuple[str, str, str]]:
    if first == second:
        return
    if isinstance(first, dict) and isinstance(second, dict):
        for key in dict.fromkeys((*first, *second)):
            if not key.endswith("_iso") or name != "period":
                yield from _changed(f"{name}: {key}", first.get(key), second.get(key))
        return
    yield name.replace("_", " "), _shown(first), _shown(second)


def _shown(value: Any) -> str:
    return DASH if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _sums(value: Any) -> str:
    """The beginnings of fingerprints, whatever the files are called."""
    if isinstance(value, list):
        return ", ".join(_sums(one) for one in value) or DASH
    if isinstance(value, dict):
        return (value.get("sha256") or "unknown")[:12]
    return _shown(value)


def _curve(folder: Path) -> EquityCurve:
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "equity.parquet", columns=["timestamp", "equity"])
    return EquityCurve(table["timestamp"].to_numpy().astype(np.int64), table["equity"].to_numpy())
