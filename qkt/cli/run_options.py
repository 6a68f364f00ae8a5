"""What a command that runs back-tests takes besides its own options: those of `qkt backtest` about data, account and execution.

They are declared once, there; `with_run_options` gives them to another command.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from qkt.cli.backtest import backtest, pairs

if TYPE_CHECKING:
    from qkt.backtest.prepared import Prepared

MARKET = ("data", "store", "start", "end", "balance", "currency", "instruments", "columns", "zone", "config", "broker")
EXECUTION = (
    "fills",
    "preset",
    "latency",
    "cancel_latency",
    "modify_latency",
    "slippage",
    "spread",
    "limits",
    "limit_chance",
    "partial",
    "reject_every",
    "stop_distance",
    "seed",
    "bars_path",
    "resolve",
)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The values of the options, by the names they have in `qkt backtest`."""

    given: Mapping[str, Any]

    @property
    def seed(self) -> int:
        """Of all random draws, those of a search included."""
        seed: int | None = self.given["seed"]
        return 42 if seed is None else seed

    def prepared(self, file: Path, params: Mapping[str, str]) -> Prepared:
        """The back-test made ready, its ticks in memory; `params` are values it can be compiled with. Raises as `prepare`."""
        from qkt.backtest.api import prepare
        from qkt.brokers.paper import ExecutionSettings

        given = self.given
        execution = {name: given[name] for name in EXECUTION} | {"fills": given["fills"].value, "end": given["finish"]}
        store, columns, config = given["store"], given["columns"], given["config"]
        if config is not None:
            from qkt.config import load_config

            config = load_config(config)[0]
        ready = prepare(
            file,
            data=given["data"] or (),
            store=Path(store) if store else store is not None,
            start=given["start"],
            end=given["end"],
            balance=given["balance"],
            currency=given["currency"],
            params=params,
            execution=ExecutionSettings.of(**execution),
            instruments=given["instruments"],
            columns=pairs("--columns", columns.split(",")) if columns is not None else None,
            zone=given["zone"],
            broker=given["broker"].value,
            limits=None if config is None else config.risk.limits(),
            book=None if config is None else config.book_risk.settings(),
        )
        return replace(ready, recipe=None).loaded()


def with_run_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options in the place of its parameter `run`, which gets them as `RunOptions`."""
    names = (*MARKET, *EXECUTION, "finish")
    shared = inspect.signature(backtest).parameters
    hints = get_type_hints(backtest, include_extras=True)
    own = inspect.signature(command).parameters
    own_hints = get_type_hints(command, include_extras=True)
    parameters = [one.replace(annotation=own_hints[name]) for name, one in own.items() if name != "run"]
    parameters += [shared[name].replace(annotation=hints[name]) for name in names if name not in own]

    @wraps(command)
    def taking(**given: Any) -> None:
        run = RunOptions({name: given.pop(name) if name not in own else given[name] for name in names})
        command(run=run, **given)

    taking.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    taking.__annotations__ = {one.name: one.annotation for one in parameters}
    del taking.__wrapped__
    return taking
