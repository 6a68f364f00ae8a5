"""`qkt cancel`, `flatten`, `modify`: an operator's hand on orders and positions."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from qkt.cli.options import JsonOption, SeenOption, StateDirOption, new_app
from qkt.cli.reach import perform, show_done

app = new_app()

NAME = Annotated[str, typer.Argument(metavar="NAME", help="The session.")]
LEG = Annotated[str | None, typer.Option(metavar="N", help="The position, by the number that qkt positions shows.")]


@app.command()
def cancel(
    name: NAME,
    order: Annotated[str | None, typer.Argument(metavar="ORDER", help="One order; all entries without it.")] = None,
    seen: SeenOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel one working order, or all entries of a session. What protects a position goes only when it is named."""
    from qkt.runtime.control.commands import Cancel

    done = perform(state_dir, Cancel, seen=seen, name=name, order=order)
    show_done(done, as_json=as_json, deed="cancelled", nothing="nothing was cancelled")


@app.command()
def flatten(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The session; all of them without it.")] = None,
    symbol: Annotated[str | None, typer.Option(metavar="ID", help="Only positions of this market.")] = None,
    leg: LEG = None,
    seen: SeenOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close positions at market and wait for proof. Exit code 1 when it is not proven, with what remains."""
    from qkt.runtime.control.commands import Flatten

    done = perform(state_dir, Flatten, seen=seen, name=name, symbol=symbol, leg=leg)
    show_done(done, as_json=as_json, deed="flat", nothing="nothing was open")


@app.command()
def modify(
    name: NAME,
    leg: LEG = None,
    order: Annotated[str | None, typer.Option(metavar="ID", help="The working order.")] = None,
    stop: Annotated[str | None, typer.Option(metavar="PRICE", help="Move the position's stop, or attach one.")] = None,
    target: Annotated[str | None, typer.Option(metavar="PRICE", help="Move the position's target, or attach one.")] = None,
    break_even: Annotated[bool, typer.Option("--break-even", help="Put the stop at the entry.")] = False,
    close: Annotated[str | None, typer.Option(metavar="LOTS", help="Close so much of the position.")] = None,
    level: Annotated[str | None, typer.Option(metavar="PRICE", help="Move the order to this price.")] = None,
    seen: SeenOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move or attach a stop or target, close a part, or move a working order. It is recorded as your doing."""
    from qkt.core.errors import UsageError
    from qkt.runtime.control.commands import Modify

    if (leg is None) == (order is None):
        raise UsageError("what is to be modified is not clear", expected="either --leg N or --order ID")
    texts = {"stop": stop, "target": target, "close": close, "level": level}
    values = {option: None if text is None else _number(f"--{option}", text) for option, text in texts.items()}
    done = perform(state_dir, Modify, seen=seen, name=name, leg=leg, order=order, break_even=break_even, **values)
    show_done(done, as_json=as_json, deed="modified", nothing="nothing was modified")


def _number(option: str, text: str) -> Decimal:
    """A positive number. Raises UsageError for anything else."""
    from qkt.core.errors import UsageError

    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0:
        raise UsageError(f"{option} is '{text}'", expected="a positive number")
    return value
