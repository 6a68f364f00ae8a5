"""Whole engines in simulated worlds. `python -m tests.simulation` runs thousands of them."""

from __future__ import annotations

import os

import pytest

from tests.simulation.batches import worlds
from tests.simulation.invariants import at_rest, in_the_record
from tests.simulation.world import World, simulate

SEEDS = range(int(os.environ.get("QKT_WORLDS", "4")))


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_that_must_hold_is_broken_in_any_world(seed: int) -> None:
    [(_, kind, problems, diary)] = worlds(seed, seed + 1, None)
    assert not problems, "\n".join([kind, *problems, *diary])


def test_a_seed_is_the_same_world_every_time() -> None:
    one, other = (simulate(16, at_rest, in_the_record) for _ in range(2))
    assert one.deaths > 1
    assert one.diary == other.diary
    assert _venue(one) == _venue(other)


def _venue(world: World) -> list[tuple[int, str]]:
    return [] if world.account is None else [(deal.ticket, str(deal.price)) for deal in world.account.venue.deals]


def test_a_halt_that_nobody_writes_down_is_found() -> None:
    """Of the bugs that are planted for the simulation to find, the one that shows soonest."""
    assert any(problems for _, _, problems, _ in worlds(23, 25, "halt-not-kept"))
