"""World after world in one process."""

from __future__ import annotations

from contextlib import nullcontext

from tests.simulation.invariants import at_rest, in_the_record
from tests.simulation.plants import planted
from tests.simulation.world import simulate


def worlds(first: int, last: int, plant: str | None) -> list[tuple[int, str, list[str], list[str]]]:
    """Seeds from `first` to `last`, exclusive: the seed, what kind of world it was, its problems, its diary."""
    found = []
    with planted(plant) if plant else nullcontext():
        for seed in range(first, last):
            try:
                world = simulate(seed, at_rest, in_the_record)
            except Exception as problem:
                found.append((seed, "broke down", [f"{type(problem).__name__}: {problem}"], []))
                continue
            kind = f"{'account' if world.real else 'paper'}, {world.deaths} deaths"
            found.append((seed, kind, world.problems, world.diary))
    return found
