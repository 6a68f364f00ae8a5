"""Presets, single values over them, and what does not go together."""

import pytest

from qkt.brokers.paper import ExecutionSettings
from qkt.core.errors import UsageError


def test_without_a_preset_the_instruments_slippage_is_all_that_is_simulated() -> None:
    settings = ExecutionSettings.of()
    assert (settings.preset, settings.fills, settings.slippage, settings.latency) == (None, "quotes", "instrument", 0)
    assert settings.changed() == {}


@pytest.mark.parametrize(
    ("preset", "values"),
    [
        ("fast", {"slippage": "none"}),
        ("realistic", {"latency": 250, "stop_distance": True}),
        (
            "stress",
            {"latency": 500, "slippage": "0..20", "reject_every": 10, "partial": "0.5", "stop_distance": True},
        ),
    ],
)
def test_a_preset_is_a_name_for_values(preset: str, values: dict[str, object]) -> None:
    assert ExecutionSettings.of(preset=preset).changed() == {"preset": preset, **values}


def test_single_values_replace_those_of_the_preset() -> None:
    settings = ExecutionSettings.of(preset="stress", latency=0, slippage="3", seed=None)
    assert (settings.latency, settings.slippage, settings.seed, settings.reject_every) == (0, "3", 42, 10)


def test_cancels_and_changes_are_as_late_as_orders_unless_they_have_a_latency_of_their_own() -> None:
    settings = ExecutionSettings.of(latency=250, cancel_latency=0)
    assert (settings.cancel, settings.modify) == (0, 250)


@pytest.mark.parametrize(
    "values",
    [
        {"preset": "brave"},
        {"fills": "best"},
        {"latency": -1},
        {"slippage": "some"},
        {"slippage": "-1"},
        {"slippage": "5..9"},
        {"slippage": "impact:x"},
        {"spread": "wide"},
        {"spread": "07:00=1,06:00=2"},
        {"spread": "25:00=1"},
        {"limits": "through:0"},
        {"limit_chance": 1.5},
        {"partial": "2"},
        {"partial": "nan"},
        {"reject_every": -1},
        {"end": "never"},
        {"fills": "mid", "slippage": "3"},
        {"fills": "mid", "preset": "stress"},
        {"resolve": "ticks"},
        {"fills": "bars", "resolve": "ticks", "latency": 5},
        {"fills": "bars", "preset": "realistic"},
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(values: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        ExecutionSettings.of(**values)  # type: ignore[arg-type]
