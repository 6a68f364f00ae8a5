"""The catalogue of indicators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from qkt.indicators.averages import Hma, Sma, Sum, Wma, hull_smoothing
from qkt.indicators.breaks import FailedBreak
from qkt.indicators.candle_price import Cci, Obv
from qkt.indicators.dispersion import Bollinger, Stddev, Variance, Zscore
from qkt.indicators.exponential import Dema, Ema, Macd, Tema
from qkt.indicators.extremes import EarlierExtreme, Stochastic, WilliamsR, WindowExtreme
from qkt.indicators.gaps import AnchoredReturn, ReopenGap
from qkt.indicators.lookback import Lag, PercentileRank
from qkt.indicators.momentum import ConfirmRatio, EfficiencyRatio, Rsi
from qkt.indicators.regression import Beta, Correlation, RegressionSlope, Resid
from qkt.indicators.returns import OnReturns, Skew, VarianceRatio
from qkt.indicators.runs import Count, RunLength, RunLengthWhere
from qkt.indicators.sessions import InitialBalanceDefended, Pivot, SeasonalRange, SessionMomentum, SessionRange
from qkt.indicators.spec import ConstantSpec, Feed, Indicator, IndicatorSpec
from qkt.indicators.true_range import Atr, DirectionalMovement, Keltner
from qkt.indicators.vwap import SessionVwap, Vwap

N = (ConstantSpec("n"),)
N2 = (ConstantSpec("n", 2),)
N3 = (ConstantSpec("n", 3),)
MACD = (ConstantSpec("fast"), ConstantSpec("slow"), ConstantSpec("signal"))
BAND = (ConstantSpec("n"), ConstantSpec("k", 0, integer=False))
CHANNEL = (ConstantSpec("n"), ConstantSpec("k", None, None, integer=False))
STOCHASTIC = (ConstantSpec("k"), ConstantSpec("d"))
RATIO = (ConstantSpec("k", 2), ConstantSpec("n"))
HOUR = (ConstantSpec("hour", 0, 23),)
WINDOW = (
    ConstantSpec("start hour", 0, 23),
    ConstantSpec("start minute", 0, 59),
    ConstantSpec("end hour", 0, 23),
    ConstantSpec("end minute", 0, 59),
)
SESSIONS = (ConstantSpec("start hour", 0, 23), ConstantSpec("end hour", 0, 23), ConstantSpec("days"))
BREAK = (ConstantSpec("length"), ConstantSpec("reclaim"), ConstantSpec("armed"))
BALANCE = (*HOUR, ConstantSpec("minutes"))
DAY_MINUTES = 1440


def _period(n: int, *_: float) -> int:
    return n


def _period_and_one(n: int, *_: float) -> int:
    return n + 1


def _one(*_: float) -> int:
    return 1


def _day(*_: float) -> int:
    return DAY_MINUTES


def _slow_after_fast(fast: int, slow: int, _: int) -> str | None:
    return None if slow > fast else f"the slow period must be longer than the fast one ({fast}), not {slow}"


def _longer_than_step(k: int, n: int) -> str | None:
    return None if n > k else f"the window must be longer than the step ({k}), not {n}"


def _enough_rows(n: int, series_count: int) -> str | None:
    least = series_count + 1
    return None if n >= least else f"a fit on {series_count - 1} regressors needs a period of at least {least}, not {n}"


def _window_not_empty(sh: int, sm: int, eh: int, em: int) -> str | None:
    return None if (sh, sm) != (eh, em) else f"the window starts and ends at {sh:02}:{sm:02}, so it is empty"


def _within_a_day(start: int, end: int, _: int) -> str | None:
    return None if start < end else f"the session must end after its start hour ({start}) on the same day, not at {end}"


def _session_range(sign: int) -> Callable[[int, int, int, int], Indicator]:
    return lambda sh, sm, eh, em: SessionRange(sh * 60 + sm, eh * 60 + em, 1 if sign > 0 else -1)


def _numbers() -> list[IndicatorSpec]:
    def spec(
        name: str,
        constants: tuple[ConstantSpec, ...],
        build: Callable[..., Indicator],
        bars: Callable[..., int] = _period,
        refuse: Callable[..., str | None] | None = None,
    ) -> IndicatorSpec:
        return IndicatorSpec(name, Feed.NUMBER, constants, build, bars, refuse=refuse)

    def macd_bars(_: int, slow: int, signal: int) -> int:
        return slow + signal - 1

    return [
        spec("SMA", N, Sma),
        spec("EMA", N, Ema),
        spec("WMA", N, Wma),
        spec("DEMA", N, Dema, lambda n: 2 * n - 1),
        spec("TEMA", N, Tema, lambda n: 3 * n - 2),
        spec("HMA", N2, Hma, lambda n: n + hull_smoothing(n) - 1),
        spec("RSI", N, Rsi, _period_and_one),
        spec("STDDEV", N2, Stddev),
        spec("VARIANCE", N2, Variance),
        spec("ZSCORE", N2, Zscore),
        spec("REGRESSION_SLOPE", N2, RegressionSlope),
        spec("PERCENTILE_RANK", N2, PercentileRank),
        spec("VARIANCE_RATIO", RATIO, lambda k, n: OnReturns(VarianceRatio(k, n)), lambda _, n: n + 1, _longer_than_step),
        spec("SKEW", N3, lambda n: OnReturns(Skew(n)), _period_and_one),
        spec("ER", N2, EfficiencyRatio, _period_and_one),
        spec("LAG", N, Lag, _period_and_one),
        spec("RUNLENGTH", (), RunLength, _one),
        spec("HIGHEST", N, partial(EarlierExtreme, sign=1), _period_and_one),
        spec("LOWEST", N, partial(EarlierExtreme, sign=-1), _period_and_one),
        spec("MACD", MACD, partial(Macd, output="line"), macd_bars, _slow_after_fast),
        spec("MACD_SIGNAL", MACD, partial(Macd, output="signal"), macd_bars, _slow_after_fast),
        spec("MACD_HIST", MACD, partial(Macd, output="histogram"), macd_bars, _slow_after_fast),
        spec("BOLLINGER_UPPER", BAND, Bollinger),
        spec("BOLLINGER_MIDDLE", BAND, lambda n, _: Bollinger(n, 0.0)),
        spec("BOLLINGER_LOWER", BAND, lambda n, k: Bollinger(n, -k)),
        spec("SUM", N, Sum),
        spec("AVG", N, Sma),
        spec("MIN_OVER", N, partial(WindowExtreme, sign=-1)),
        spec("MAX_OVER", N, partial(WindowExtreme, sign=1)),
    ]


def _several_series() -> list[IndicatorSpec]:
    return [
        IndicatorSpec("CORRELATION", Feed.PAIR, N2, Correlation, _period),
        IndicatorSpec("BETA", Feed.PAIR, N2, Beta, _period),
        IndicatorSpec("RESID", Feed.MULTI, N, Resid, _period, refuse=_enough_rows),
        IndicatorSpec("CONFIRM_RATIO", Feed.MULTI, N, lambda n, _: ConfirmRatio(n), _period),
        IndicatorSpec("RUNLENGTH_WHERE", Feed.CONDITION, (), RunLengthWhere, _one),
        IndicatorSpec("COUNT", Feed.CONDITION, N, Count, _period),
    ]


def _candles() -> list[IndicatorSpec]:
    def spec(
        name: str, constants: tuple[ConstantSpec, ...], build: Callable[..., Indicator], bars: Callable[..., int]
    ) -> IndicatorSpec:
        return IndicatorSpec(name, Feed.CANDLE, constants, build, bars)

    def both(k: int, d: int) -> int:
        return k + d - 1

    def twice(n: int) -> int:
        return 2 * n

    return [
        spec("ATR", N, Atr, _period_and_one),
        spec("WILLIAMS_R", N, WilliamsR, _period),
        spec("CCI", N, Cci, _period),
        spec("STOCH_K", STOCHASTIC, partial(Stochastic, output="k"), both),
        spec("STOCH_D", STOCHASTIC, partial(Stochastic, output="d"), both),
        spec("KELTNER_UPPER", CHANNEL, Keltner, _period_and_one),
        spec("KELTNER_MIDDLE", CHANNEL, lambda n, _: Keltner(n, 0.0), _period_and_one),
        spec("KELTNER_LOWER", CHANNEL, lambda n, k: Keltner(n, -k), _period_and_one),
        spec("PLUS_DI", N, partial(DirectionalMovement, output="plus"), twice),
        spec("MINUS_DI", N, partial(DirectionalMovement, output="minus"), twice),
        spec("ADX", N, partial(DirectionalMovement, output="adx"), twice),
        spec("FAILED_BREAK_HIGH", BREAK, partial(FailedBreak, sign=1), _period_and_one),
        spec("FAILED_BREAK_LOW", BREAK, partial(FailedBreak, sign=-1), _period_and_one),
        spec("GAP_FILL_FRACTION", (ConstantSpec("hours"),), partial(ReopenGap, output="fill"), _one),
    ]


def _volumes() -> list[IndicatorSpec]:
    deviation = partial(SessionVwap, output="deviation")
    return [
        IndicatorSpec("OBV", Feed.CANDLE, (), Obv, _one, needs_volume=True),
        IndicatorSpec("VWAP", Feed.TICK, N, Vwap, _period, needs_volume=True),
        IndicatorSpec("VWAP_SESSION", Feed.CANDLE, HOUR, partial(SessionVwap, output="mean"), _one, _day, needs_volume=True),
        IndicatorSpec("VWAP_SESSION_STDEV", Feed.CANDLE, HOUR, deviation, _one, _day, needs_volume=True),
    ]


def _clock_anchored() -> list[IndicatorSpec]:
    def spec(
        name: str,
        constants: tuple[ConstantSpec, ...],
        build: Callable[..., Indicator],
        minutes: Callable[..., int] = _day,
        refuse: Callable[..., str | None] | None = None,
    ) -> IndicatorSpec:
        return IndicatorSpec(name, Feed.CANDLE, constants, build, _one, minutes, refuse)

    hours = (ConstantSpec("hours"),)
    return [
        spec("SESSION_RANGE_HIGH", WINDOW, _session_range(1), refuse=_window_not_empty),
        spec("SESSION_RANGE_LOW", WINDOW, _session_range(-1), refuse=_window_not_empty),
        spec("PIVOT_P", (), partial(Pivot, "p")),
        spec("PIVOT_R1", (), partial(Pivot, "r1")),
        spec("PIVOT_S1", (), partial(Pivot, "s1")),
        spec("SEASONAL_RANGE", N, partial(SeasonalRange, output="mean"), lambda n: DAY_MINUTES * n),
        spec("SEASONAL_RANGE_STDEV", N2, partial(SeasonalRange, output="deviation"), lambda n: DAY_MINUTES * n),
        spec("SESSION_MOMENTUM", SESSIONS, SessionMomentum, lambda _, __, days: DAY_MINUTES * days, _within_a_day),
        spec("ANCHORED_RETURN", (ConstantSpec("minutes"),), AnchoredReturn, lambda minutes: minutes),
        spec("REOPEN_GAP", hours, partial(ReopenGap, output="gap"), lambda hours: 60 * hours),
        spec("REOPEN_GAP_ORIGIN", hours, partial(ReopenGap, output="origin"), lambda hours: 60 * hours),
        spec("IB_DEFENDED_HIGH", BALANCE, partial(InitialBalanceDefended, sign=1)),
        spec("IB_DEFENDED_LOW", BALANCE, partial(InitialBalanceDefended, sign=-1)),
    ]


_SPECS = (*_numbers(), *_several_series(), *_candles(), *_volumes(), *_clock_anchored())

REGISTRY: Mapping[str, IndicatorSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
