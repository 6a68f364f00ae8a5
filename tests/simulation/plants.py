"""Bugs planted on purpose: the simulation is worth something if it finds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from qkt.brokers.mt5.desk import Desk
from qkt.brokers.mt5.jobs import Job, Phase
from qkt.core.terms import OrderState, Purpose
from qkt.runtime import launch
from qkt.runtime.engine import Engine
from qkt.runtime.inputs import CommandInput
from qkt.runtime.recorder import Recorder


@contextmanager
def planted(name: str) -> Iterator[None]:
    """The engine with one of `PLANTS`."""
    owner, method, wrong = PLANTS[name]
    with patch.object(owner, method, wrong(getattr(owner, method))):
        yield


def _sent_again(ask: Any) -> Any:
    """What became of an order is not known, and it is sent once more."""

    def again(desk: Desk, job: Job, now: int) -> None:
        if job.resumed:
            ask(desk, job, now)
        else:
            job.phase = Phase.SENDING

    return again


def _stop_forgotten(rebuilt: Any) -> Any:
    """A restart forgets the stops."""

    async def forget(engine: Engine, registration: Any) -> Any:
        machine, done = await rebuilt(engine, registration)
        for order in machine.session.orders.live_orders():
            if order.purpose is Purpose.STOP_LOSS:
                order.state = OrderState.CANCELLED
        return machine, done

    return forget


def _halt_not_kept(handle: Any) -> Any:
    """A halt works, and nobody writes it down."""

    def forget(recorder: Recorder, item: Any) -> Any:
        if isinstance(item, CommandInput) and item.command == "halt":
            recorder.machine.handle(item)
            return recorder.machine.effects.take()
        return handle(recorder, item)

    return forget


PLANTS: dict[str, tuple[Any, str, Any]] = {
    "double-send": (Desk, "_ask", _sent_again),
    "lost-stop": (launch, "_rebuilt", _stop_forgotten),
    "halt-not-kept": (Recorder, "handle", _halt_not_kept),
}
