"""What is searched: axes as they are written, conditions between them, what is proposed."""

import pytest

from qkt.core.errors import UsageError
from qkt.research.searches import Floors, Pruned, grid, sample
from qkt.research.space import Space
from qkt.research.task import Outcome


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("fast=5..30:5", ("5", "10", "15", "20", "25", "30")),
        ("fast=5..8", ("5", "6", "7", "8")),
        ("x=0.1..0.35:0.1", ("0.1", "0.2", "0.3")),
        ("x=-1..1:0.5", ("-1", "-0.5", "0", "0.5", "1")),
        ("slow=20,50.0,1e2", ("20", "50", "100")),
        ("mode=long,short", ("long", "short")),
        ("one=7", ("7",)),
    ],
)
def test_an_axis_has_the_values_that_are_written(text: str, values: tuple[str, ...]) -> None:
    assert Space.parse([text]).axes[0].values == values  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("params", "where", "says"),
    [
        (["fast"], [], "'fast' cannot be understood"),
        (["fast=9..5"], [], "ends before it begins, expected fast=5..9"),
        (["fast=5..9:0"], [], "steps of 0"),
        (["fast=5..x"], [], "has 'x' where a number belongs"),
        (["fast=1,1.0"], [], "there twice"),
        (["fast=1", "fast=2"], [], "gives 'fast' twice"),
        (["fast=0..1e9:1"], [], "values, expected at most"),
        ([], [], "no parameter is searched"),
        (["fast=1,2"], ["fsat < 2"], "speaks of 'fsat', expected parameters that are searched: fast; did you mean 'fast'"),
        (["fast=1,2"], ["fast <"], "cannot be understood"),
        (["fast=1,2"], ["__import__('os')"], "expected comparisons"),
        (["fast=1,2"], ["fast + 1"], "compares nothing"),
        (["fast=1,2"], ["fast > 2"], "no combination satisfies 'fast > 2'"),
        (["fast=1,2"], ["1 / (fast - 1) > 0"], "cannot be told for fast=1"),
        (["fast=0.1..0.5"], [], "has no step, and a grid needs one"),
    ],
)
def test_a_mistake_is_one_sentence(params: list[str], where: list[str], says: str) -> None:
    with pytest.raises(UsageError) as error:
        grid(Space.parse(params, where))
    assert says in str(error.value)


def test_a_grid_has_every_allowed_combination_once_the_last_parameter_fastest() -> None:
    proposal = grid(Space.parse(["a=1..3", "b=2,1"], ["a < b OR a = 3 AND b != 1"])).propose()
    assert proposal is not None
    assert [tuple(one.values()) for one in proposal.params] == [("1", "2"), ("3", "2")]


def test_conditions_are_exact_where_floats_are_not() -> None:
    assert grid(Space.parse(["a=0.1", "b=0.2", "c=0.3"], ["a + b = c"])).trials == 1


def test_a_sample_is_drawn_by_its_seed_and_finds_what_there_is() -> None:
    space = Space.parse(["a=1..50", "b=0.1..0.5"], ["a > 10"])
    drawn = sample(space, 20, 1).propose()
    assert drawn is not None
    assert drawn == sample(space, 20, 1).propose() != sample(space, 20, 2).propose()
    assert all(int(one["a"]) > 10 and 0.1 <= float(one["b"]) <= 0.5 for one in drawn.params)
    # Fewer than asked for: all of them, though the last is rare to be hit.
    assert sample(Space.parse(["a=1..500"], ["a > 497"]), 100, 1).trials == 3


def test_floors_come_from_whole_runs_of_earlier_batches_only() -> None:
    search = Pruned(grid(Space.parse(["a=1..24"])), Floors("total_pnl", [100, 200]))
    batches = []
    while (proposal := search.propose()) is not None:
        assert proposal.pruning is not None
        batches.append(proposal.pruning.floors)
        search.learn(
            [
                Outcome(one["a"], one, "pruned", parts=(-1000.0,))
                if one["a"] == "3"
                else Outcome(one["a"], one, "done", parts=(float(one["a"]), None))
                for one in proposal.params
            ]
        )
    # Nothing is pruned by what the first two batches are, the third by the median of 1 to 16 without the pruned 3.
    assert batches == [(None, None), (None, None), (9.0, None)]


def test_what_needs_a_whole_run_prunes_nothing() -> None:
    with pytest.raises(UsageError, match="'win_rate' cannot be told before a run has ended"):
        Floors("win_rate", [1])
