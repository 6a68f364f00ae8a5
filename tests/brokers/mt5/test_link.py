"""The link to an account comes back by itself, whoever asks meanwhile."""

from __future__ import annotations

from qkt.brokers.mt5.profile import Profile
from qkt.core.clock import EventClock
from tests.runtime.samples import START
from tests.simulation.account import Account, LoopLink


def test_who_keeps_asking_does_not_put_the_next_attempt_off() -> None:
    account, wall = Account(1, trouble=False), EventClock(START)
    link = LoopLink(Profile("sim", suffix="m", magic=77), wall, account.terminal)
    link.open()
    account.terminal.shutdown()
    answered = []
    for _ in range(20):
        wall.time += 500
        answered.append(link.ask(lambda terminal: terminal.account_info()).exception() is None)
        link._serve()
    assert not answered[0]
    assert answered[-1]
