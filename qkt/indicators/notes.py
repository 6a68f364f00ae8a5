"""What the reference says of a call beyond its signature, and the notes of calls on numbers and conditions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """One call in words.

    `meaning` is one line for a reader who knows the market, `formula` one line for a reader who wants to compute it. `ready`
    is the input with the first value; `warmup`, where it is not the same, the bars that rules wait for. `source` names where
    the formula was published, `elsewhere` how well-known libraries differ.
    """

    meaning: str
    formula: str
    ready: str
    warmup: str = ""
    source: str = ""
    elsewhere: str = ""


WILDER = "J. W. Wilder, New Concepts in Technical Trading Systems, 1978"
MULLOY = "P. Mulloy, Technical Analysis of Stocks & Commodities, 1994"
APPEL = "G. Appel, 1979"
BOLLINGER = "J. Bollinger, 1992"
NONE_ELSEWHERE = "TA-Lib, talipp and pandas-ta agree"
MACD_READY = "slow + signal - 1"
MACD_ELSEWHERE = (
    "talipp and pandas-ta agree, and show the line from input slow on; TA-Lib starts the fast average together with the slow "
    "one, which differs at first and converges"
)
BANDS_ELSEWHERE = "TA-Lib, talipp and TradingView agree: the deviation of the bands is that of the population, unlike STDDEV"
INCLUDED = "TA-Lib MAX and MIN and TradingView count the current input; shift theirs by one"
SAMPLE = "pandas agrees; TA-Lib, talipp and TradingView divide by n unless told otherwise"

NUMBER_NOTES: dict[str, Note] = {
    "SMA": Note("simple moving average", "Σ x / n over the last n", "n", elsewhere=NONE_ELSEWHERE),
    "EMA": Note(
        "exponential moving average",
        "E = E + 2/(n + 1) · (x - E), seeded with the mean of the first n",
        "n",
        elsewhere="TA-Lib, talipp and pandas-ta agree; TradingView's formula seeds with the first input alone",
    ),
    "WMA": Note(
        "average that weights recent inputs more",
        "Σ k·x_k / (n(n + 1)/2), k = 1 for the oldest",
        "n",
        elsewhere=NONE_ELSEWHERE,
    ),
    "DEMA": Note(
        "double exponential average, with less lag than an EMA",
        "2·e1 - e2, e1 = EMA(x), e2 = EMA(e1)",
        "2n - 1",
        source=MULLOY,
        elsewhere="TA-Lib and talipp agree",
    ),
    "TEMA": Note(
        "triple exponential average, with less lag than a DEMA",
        "3·e1 - 3·e2 + e3, each the EMA of the one before",
        "3n - 2",
        source=MULLOY,
        elsewhere="TA-Lib and talipp agree",
    ),
    "HMA": Note(
        "Hull moving average, smooth and quick",
        "WMA over r of 2·WMA(n/2 rounded down) - WMA(n), r = √n rounded to nearest",
        "n + r - 1",
        source="A. Hull, 2005",
        elsewhere="TradingView, talipp and pandas-ta round √n down: they differ for n = 7, 14, 21 and others",
    ),
    "RSI": Note(
        "relative strength index, 0 to 100",
        "100 - 100/(1 + G/L), G and L Wilder averages of gains and losses, seeded with the mean of the first n",
        "n + 1",
        source=WILDER,
        elsewhere="libraries agree but for a market that stands still: 50 here, 0 in TA-Lib, 100 in TradingView",
    ),
    "STDDEV": Note("sample standard deviation", "√(Σ(x - mean)² / (n - 1)), 0 when flat", "n", elsewhere=SAMPLE),
    "VARIANCE": Note("sample variance", "Σ(x - mean)² / (n - 1), 0 when flat", "n", elsewhere=SAMPLE),
    "ZSCORE": Note(
        "distance from the mean in sample deviations",
        "(x - mean) / STDDEV, the current input in the window; Undefined when flat",
        "n",
        elsewhere="pandas-ta agrees",
    ),
    "REGRESSION_SLOPE": Note(
        "change per input of the straight line through the last n",
        "least-squares slope on positions 0 … n - 1, 0 when flat",
        "n",
        elsewhere="TA-Lib LINEARREG_SLOPE agrees",
    ),
    "PERCENTILE_RANK": Note(
        "share of the last n inputs below the current one, 0 to (n - 1)/n",
        "count(v < x) / n; ties and the current input do not count",
        "n",
        elsewhere="scipy percentileofscore 'strict' / 100 agrees; TradingView counts ≤ among the n inputs before, times 100",
    ),
    "VARIANCE_RATIO": Note(
        "whether returns trend (above 1) or revert (below 1)",
        "var(sums of k returns) / (k · mean square deviation of returns) over n returns, overlapping, no bias correction",
        "n + 1",
        source="A. Lo and C. MacKinlay, 1988",
        elsewhere="the `arch` package corrects for bias unless told otherwise",
    ),
    "SKEW": Note(
        "asymmetry of the last n returns",
        "m3 / m2^1.5, moments of the population of returns; 0 when flat",
        "n + 1",
        elsewhere="scipy skew on returns agrees; pandas corrects for bias, pandas-ta looks at prices instead of returns",
    ),
    "ER": Note(
        "efficiency ratio: 1 for a straight way, near 0 for noise",
        "|x - x_n ago| / Σ|steps| over the last n steps, 0 without movement",
        "n + 1",
        source="P. Kaufman, Smarter Trading, 1995",
        elsewhere="pandas-ta agrees",
    ),
    "LAG": Note("the value n inputs ago", "x_(t - n)", "n + 1"),
    "RUNLENGTH": Note(
        "how many times in a row the value rose (+) or fell (-)",
        "run ± 1 while the direction holds, ±1 when it turns, 0 when unchanged",
        "2",
        "1",
    ),
    "HIGHEST": Note(
        "the highest of the n inputs before this one, which can exceed it",
        "max(x_(t-n) … x_(t-1))",
        "n + 1",
        elsewhere=INCLUDED,
    ),
    "LOWEST": Note(
        "the lowest of the n inputs before this one, which can undercut it",
        "min(x_(t-n) … x_(t-1))",
        "n + 1",
        elsewhere=INCLUDED,
    ),
    "MACD": Note(
        "MACD line: fast average minus slow average",
        "EMA(fast) - EMA(slow), each seeded on its own first inputs",
        MACD_READY,
        source=APPEL,
        elsewhere=MACD_ELSEWHERE,
    ),
    "MACD_SIGNAL": Note(
        "signal line of the MACD", "EMA(signal) of the MACD line", MACD_READY, source=APPEL, elsewhere=MACD_ELSEWHERE
    ),
    "MACD_HIST": Note(
        "MACD line minus its signal line", "MACD - MACD_SIGNAL", MACD_READY, source=APPEL, elsewhere=MACD_ELSEWHERE
    ),
    "BOLLINGER_UPPER": Note(
        "upper Bollinger band", "mean + k·√(Σ(x - mean)² / n)", "n", source=BOLLINGER, elsewhere=BANDS_ELSEWHERE
    ),
    "BOLLINGER_MIDDLE": Note("middle Bollinger band", "mean of the last n", "n", source=BOLLINGER, elsewhere=BANDS_ELSEWHERE),
    "BOLLINGER_LOWER": Note(
        "lower Bollinger band", "mean - k·√(Σ(x - mean)² / n)", "n", source=BOLLINGER, elsewhere=BANDS_ELSEWHERE
    ),
    "SUM": Note("sum of the last n", "Σ x", "n"),
    "AVG": Note("mean of the last n, another name of SMA", "Σ x / n", "n", elsewhere=NONE_ELSEWHERE),
    "MIN_OVER": Note("lowest of the last n, the current one included", "min(x_(t-n+1) … x_t)", "n"),
    "MAX_OVER": Note("highest of the last n, the current one included", "max(x_(t-n+1) … x_t)", "n"),
    "CORRELATION": Note(
        "correlation of two series, -1 to 1",
        "Pearson's r of the last n pairs of levels; Undefined while either is flat",
        "n",
        elsewhere="TA-Lib CORREL agrees",
    ),
    "BETA": Note(
        "slope of the first series on the second",
        "Σ(x - x̄)(y - ȳ) / Σ(y - ȳ)² on levels; Undefined while y is flat",
        "n",
        elsewhere="TA-Lib BETA works on returns and takes its arguments the other way round",
    ),
    "RESID": Note(
        "what a linear fit of the first series on the others leaves of its newest value",
        "y - ŷ, ordinary least squares with intercept over the last n rows; Undefined while regressors are collinear",
        "n",
        elsewhere="numpy lstsq agrees",
    ),
    "CONFIRM_RATIO": Note(
        "share of the peers that moved in the direction of the first series",
        "count(sign(peer move over n) = sign(first move over n)) / peers; no move matches only no move",
        "n + 1",
        "n",
    ),
    "RUNLENGTH_WHERE": Note("for how many inputs in a row the condition has held", "run + 1 while TRUE, 0 when FALSE", "1"),
    "COUNT": Note("how often the condition held in the last n", "count(TRUE) over the last n", "n"),
}
