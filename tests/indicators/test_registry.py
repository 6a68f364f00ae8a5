"""What the registry says about calls."""

from __future__ import annotations

import pytest

from qkt.indicators import REGISTRY, Feed

CATALOGUE = {
    *("SMA", "EMA", "WMA", "DEMA", "TEMA", "HMA", "RSI", "STDDEV", "VARIANCE", "ZSCORE", "VARIANCE_RATIO", "SKEW", "ER"),
    *("REGRESSION_SLOPE", "PERCENTILE_RANK", "LAG", "HIGHEST", "LOWEST", "RUNLENGTH", "RUNLENGTH_WHERE"),
    *("MACD", "MACD_SIGNAL", "MACD_HIST", "BOLLINGER_UPPER", "BOLLINGER_MIDDLE", "BOLLINGER_LOWER"),
    *("CORRELATION", "BETA", "RESID", "CONFIRM_RATIO"),
    *("ATR", "WILLIAMS_R", "CCI", "STOCH_K", "STOCH_D", "OBV", "PLUS_DI", "MINUS_DI", "ADX"),
    *("KELTNER_UPPER", "KELTNER_MIDDLE", "KELTNER_LOWER", "VWAP", "VWAP_SESSION", "VWAP_SESSION_STDEV"),
    *("SESSION_RANGE_HIGH", "SESSION_RANGE_LOW", "PIVOT_P", "PIVOT_R1", "PIVOT_S1"),
    *("SEASONAL_RANGE", "SEASONAL_RANGE_STDEV", "SESSION_MOMENTUM", "ANCHORED_RETURN"),
    *("REOPEN_GAP", "REOPEN_GAP_ORIGIN", "GAP_FILL_FRACTION"),
    *("FAILED_BREAK_HIGH", "FAILED_BREAK_LOW", "IB_DEFENDED_HIGH", "IB_DEFENDED_LOW"),
}
WINDOWED = {"SUM", "AVG", "COUNT", "MIN_OVER", "MAX_OVER"}


def test_the_registry_is_the_catalogue() -> None:
    assert set(REGISTRY) == CATALOGUE | WINDOWED
    assert len(CATALOGUE) == 61
    assert all(spec.name == name == name.upper() for name, spec in REGISTRY.items())


def test_indicators_that_need_volume_say_so() -> None:
    assert {name for name, spec in REGISTRY.items() if spec.needs_volume} == {
        "OBV",
        "VWAP",
        "VWAP_SESSION",
        "VWAP_SESSION_STDEV",
    }


def test_a_call_has_as_many_series_as_its_feed_takes() -> None:
    assert (REGISTRY["EMA"].min_series, REGISTRY["EMA"].max_series) == (1, 1)
    assert (REGISTRY["BETA"].min_series, REGISTRY["BETA"].max_series) == (2, 2)
    assert (REGISTRY["RESID"].min_series, REGISTRY["RESID"].max_series) == (2, None)
    assert REGISTRY["RESID"].series_fits(5)
    assert not REGISTRY["RESID"].series_fits(1)
    assert not REGISTRY["BETA"].series_fits(3)


def test_a_signature_shows_how_a_call_is_written() -> None:
    assert REGISTRY["MACD"].signature == "macd(number, fast, slow, signal)"
    assert REGISTRY["ATR"].signature == "atr(stream, n)"
    assert REGISTRY["CONFIRM_RATIO"].signature == "confirm_ratio(number, number, …, n)"


@pytest.mark.parametrize(
    ("name", "constants", "series", "complaint"),
    [
        ("EMA", [0], 1, "n must be at least 1, not 0"),
        ("EMA", [5.5], 1, "n must be a whole number, not 5.5"),
        ("EMA", [2.0**31], 1, "n must be at most 2147483647, not 2147483648"),
        ("MACD", [26, 12, 9], 1, "the slow period must be longer than the fast one (26), not 12"),
        ("VARIANCE_RATIO", [5, 5], 1, "the window must be longer than the step (5), not 5"),
        ("RESID", [3], 3, "a fit on 2 regressors needs a period of at least 4, not 3"),
        ("SESSION_RANGE_LOW", [7, 0, 7, 0], 1, "the window starts and ends at 07:00, so it is empty"),
        ("SESSION_MOMENTUM", [22, 2, 3], 1, "the session must end after its start hour (22) on the same day, not at 2"),
        ("BOLLINGER_UPPER", [20, -1], 1, "k must be at least 0, not -1"),
    ],
)
def test_constants_are_refused_with_a_sentence(name: str, constants: list[float], series: int, complaint: str) -> None:
    assert REGISTRY[name].check(constants, series) == complaint


@pytest.mark.parametrize(
    ("name", "constants", "series"),
    [
        ("EMA", [5.0], 1),
        ("RESID", [4], 3),
        ("RESID", [3], 2),
        ("KELTNER_UPPER", [20, -1.5], 1),
        ("BOLLINGER_UPPER", [1, 2.5], 1),
        ("SESSION_RANGE_LOW", [22, 0, 1, 0], 1),
    ],
)
def test_acceptable_constants_have_no_complaint(name: str, constants: list[float], series: int) -> None:
    assert REGISTRY[name].check(constants, series) is None


def test_warm_up_by_the_clock_depends_on_the_timeframe() -> None:
    pivot = REGISTRY["PIVOT_P"]
    assert pivot.warmup([], 60_000) == 1441
    assert pivot.warmup([], 3_600_000) == 25
    assert pivot.warmup([], 7 * 60_000) == 207
    assert pivot.warmup([], 30_000) == 1441  # a timeframe counts as a minute at least
    assert pivot.warmup([], 90_000) == 1441
    assert pivot.warmup([], 0) == 1  # no clock


def test_warm_up_of_periods_is_in_bars() -> None:
    assert REGISTRY["HMA"].warmup([14], 60_000) == 17
    assert REGISTRY["TEMA"].warmup([5], 60_000) == 13
    assert REGISTRY["CONFIRM_RATIO"].warmup([4], 60_000, 3) == 4
    assert REGISTRY["COUNT"].warmup([4], 60_000) == 4
    assert REGISTRY["MAX_OVER"].warmup([4], 60_000) == 4


def test_windowed_extensions_count_the_current_input() -> None:
    prices = [10.0, 12.0, 11.0, 13.0, 15.0]

    def run(name: str, inputs: list[float]) -> list[float | None]:
        indicator = REGISTRY[name].make([3])
        return [indicator.update(x) for x in inputs]

    assert run("SUM", prices) == [None, None, 33.0, 36.0, 39.0]
    assert run("AVG", prices) == [None, None, 11.0, 12.0, 13.0]
    assert run("MAX_OVER", prices) == [None, None, 12.0, 13.0, 15.0]
    assert run("MIN_OVER", prices) == [None, None, 10.0, 11.0, 11.0]
    assert REGISTRY["COUNT"].feed is Feed.CONDITION
    assert run("COUNT", [x > 11.0 for x in prices]) == [None, None, 1.0, 2.0, 2.0]


def test_instances_share_nothing() -> None:
    first, second = REGISTRY["EMA"].make([1]), REGISTRY["EMA"].make([1])
    first.update(5.0)
    assert second.value is None
