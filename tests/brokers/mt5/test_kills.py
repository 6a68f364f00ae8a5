"""An engine that trades at a venue dies of SIGKILL, and the next one is at the venue's truth again. `.ci/nightly` runs more."""

import os

import pytest

from tests.brokers.mt5.kill_points import TRADES, run


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system starts no process by fork")
def test_an_engine_that_was_killed_comes_back_to_the_venues_truth() -> None:
    assert run(4, lives=2)["trades"] >= TRADES
