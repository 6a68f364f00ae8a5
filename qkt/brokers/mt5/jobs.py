"""A request on its way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from qkt.brokers.dispatch import Request
from qkt.brokers.mt5.constants import Filling


class Phase(StrEnum):
    """Whether it shall be sent, or was and may or may not have been carried out."""

    SENDING = "sending"
    ASKING = "asking"


@dataclass(slots=True, eq=False)
class Job:
    """A request with what was tried so far. `due` is when it goes on and `decided` when it was asked for (epoch ms), `rounds`
    counts complete looks that did not find it, `tries` all looks. `resumed` is one that a session had asked for before its
    process ended. `volume` is what a close may still close when that is less than was asked for."""

    request: Request
    due: int
    decided: int = 0
    phase: Phase = Phase.SENDING
    sent_at: int = 0
    resumed: bool = False
    sends: int = 0
    waits: int = 0
    reprices: int = 0
    rounds: int = 0
    tries: int = 0
    refilled: bool = False
    noted: bool = False
    first_price: Decimal | None = None
    volume: Decimal | None = None
    fillings: list[Filling] = field(default_factory=list)

    @property
    def clamped(self) -> Request:
        """The request for no more than `volume`."""
        assert self.volume is not None
        return replace(self.request, quantity=min(self.volume, self.request.quantity))
