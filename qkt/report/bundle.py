"""The folder of a report: its files and the manifest that vouches for them. It appears whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qkt.backtest.output import as_text, draft_of, write_round_trips, write_trades
from qkt.backtest.result import BacktestResult
from qkt.core.errors import QktError, UsageError, extra
from qkt.report.evidence import evidence

if TYPE_CHECKING:
    from qkt.research.execution_study import ExecutionStudy

MANIFEST = "manifest.json"
SCHEMA = "qkt.report/1"
PAGE, RESULT = "report.html", "result.json"


def require_report_folder(folder: Path) -> None:
    """Raise now, rather than after a long run, when no report can be written there: something else is in the folder, it may not
    be written to, or what draws the page is not installed."""
    require_libraries()
    _require_ours(folder)
    parent = folder.absolute().parent
    existing = next(one for one in (parent, *parent.parents) if one.exists())
    if not existing.is_dir():
        raise QktError("is not a folder", where=str(existing), remedy="choose another place for the report")
    if not os.access(existing, os.W_OK):
        raise QktError("permission denied", where=str(existing), remedy="choose a folder that you may write to")


def write_report(
    result: BacktestResult, folder: Path | str, command: str | None = None, executions: ExecutionStudy | None = None
) -> Path:
    """Write all files of a report and answer its folder; an earlier report in it is replaced. `command` is what was typed,
    `executions` what came of the run under other executions.

    The files are written beside the folder and moved there at the end, so that a full disk leaves what was there before.
    Raises QktError where they cannot be written, or where the folder holds anything that is not a report.
    """
    from qkt.report.chance import Chance
    from qkt.report.page import page

    target = Path(folder).absolute()
    require_report_folder(target)
    proof = evidence(result, command)
    chance = Chance.of(result, executions)
    data = result.as_dict() | {"chance": chance.as_dict(), "evidence": proof}
    part = draft_of(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir()
        (part / RESULT).write_text(json.dumps(data, allow_nan=False, separators=(",", ":")), encoding="utf-8")
        write_trades(part / "trades.csv", result.trades)
        write_round_trips(part / "roundtrips.csv", result.round_trips)
        _write_rows(part / "financing.csv", result.financing)
        _write_rows(part / "rejections.csv", _rejections(result))
        _write_rows(part / "daily.csv", _daily(result))
        _write_equity(part / "equity.parquet", result)
        (part / PAGE).write_text(page(result, proof, chance), encoding="utf-8")
        _write_manifest(part, proof)
        _require_ours(target)
        _put(part, target)
    except OSError as problem:
        raise QktError(f"cannot be written ({(problem.strerror or str(problem)).lower()})", where=str(target)) from None
    except QktError as problem:
        if problem.where is None or not problem.where.startswith(str(part)):
            raise
        raise QktError(problem.found, where=str(target)) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def read_manifest(folder: Path) -> dict[str, Any]:
    """Raises UsageError for a folder without the manifest of a report."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise UsageError("is no report", where=str(folder), expected="a folder that qkt backtest --report wrote")
    return found


def damaged(folder: Path) -> list[str]:
    """Files of the manifest that are gone or hold something else than what was written."""
    wrong = []
    for entry in read_manifest(folder)["files"]:
        path = folder / entry["path"]
        if not path.is_file() or _sha256(path) != entry["sha256"]:
            wrong.append(entry["path"])
    return wrong


def require_libraries() -> None:
    """Raise, with the command that mends it, where what draws pages is not installed."""
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("bokeh", "jinja2")):
        raise QktError("a report is drawn with bokeh, which is not installed", remedy=extra("report"))


def _require_ours(folder: Path) -> None:
    """Nothing is replaced but a report, and nothing in it but its own files."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise QktError("is a file", where=str(folder), expected="a folder for the report")
    there = sorted(path.name for path in folder.iterdir())
    if not there:
        return
    try:
        known = {MANIFEST, *(entry["path"] for entry in read_manifest(folder)["files"])}
    except UsageError:
        remedy = "give the name of a new folder"
        raise QktError(f"holds {_some(there)} and is no report", where=str(folder), remedy=remedy) from None
    strange = [name for name in there if name not in known]
    if strange:
        remedy = "move it, or give the name of a new folder"
        raise QktError(f"holds {_some(strange)} besides a report", where=str(folder), remedy=remedy)


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _put(part: Path, target: Path) -> None:
    """Move the finished folder into its place."""
    if not target.exists():
        part.rename(target)
        return
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    target.rename(old)
    try:
        part.rename(target)
    except OSError:
        old.rename(target)
        raise
    with suppress(OSError):
        shutil.rmtree(old)


def _write_manifest(part: Path, proof: dict[str, Any]) -> None:
    """Of every file there is; written last."""
    files = [
        {"path": path.name, "bytes": path.stat().st_size, "sha256": _sha256(path)}
        for path in sorted(part.iterdir(), key=lambda path: path.name)
    ]
    told = {"schema": SCHEMA, "engine": proof["engine"], "files": files}
    (part / MANIFEST).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


Row = dict[str, Any]


def _rejections(result: BacktestResult) -> list[Row]:
    """What risk and the broker refused, in order of time."""
    refused = [("risk", event) for event in result.record.rejections] + [("broker", event) for event in result.record.refusals]
    return [
        {
            "timestamp": event.at,
            "by": who,
            "strategy": event.strategy,
            "symbol": event.symbol,
            "order_id": event.order_id,
            "reason": event.reason,
        }
        for who, event in sorted(refused, key=lambda one: one[1].at)
    ]


def _daily(result: BacktestResult) -> list[Row]:
    """The days of the whole, then those of each child of a book."""
    return [
        {
            "scope": scope,
            "date": day.date.isoformat(),
            "pnl": repr(day.pnl),
            "realized": day.realized,
            "financing": day.financing,
            "fills": day.fills,
        }
        for scope, metrics in (("run", result.metrics), *result.children.items())
        for day in metrics.days
    ]


EMPTY = {
    "financing.csv": "timestamp,strategy,symbol,leg_id,side,quantity,mode,rate,nights,native_amount,native_currency,fx_rate,"
    "amount",
    "rejections.csv": "timestamp,by,strategy,symbol,order_id,reason",
    "daily.csv": "scope,date,pnl,realized,financing,fills",
}
"""Headers, which stand there also without a row."""


def _write_rows(path: Path, rows: Iterable[Any]) -> None:
    header = EMPTY[path.name].split(",")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            values = [row[name] if isinstance(row, dict) else getattr(row, name) for name in header]
            writer.writerow([as_text(value) for value in values])


def _write_equity(path: Path, result: BacktestResult) -> None:
    """Every sample of the curve; of a book also the children's curves, and what it held."""
    import pyarrow.parquet as pq

    from qkt.backtest.frames import equity_table

    pq.write_table(equity_table(result), path)
