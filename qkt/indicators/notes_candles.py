"""The notes of calls on whole candles and ticks."""

from __future__ import annotations

from qkt.indicators.notes import WILDER, Note

ADX_ELSEWHERE = (
    "talipp and `ta` agree on ADX; TA-Lib sums n - 1 candles for its seed and shows the DIs from candle n + 1: it differs at "
    "first and converges"
)
KELTNER = "C. Keltner, 1960, in the form of L. Raschke"
KELTNER_ELSEWHERE = "pandas-ta and TradingView average the range in another way or over another length"
STOCHASTIC = "G. Lane, 1957"
STOCHASTIC_ELSEWHERE = "TA-Lib STOCHF agrees but for candles without a range: 50 here, 0 there; STOCH and TradingView smooth K"
SESSION_VWAP_READY = "the first candle with volume of a complete session"
DAY = "the bars of a day, and one"
REOPEN = "the first hole"
HOURS = "the bars of so many hours, and one"
BALANCE = "the first candle after the balance"
BREAKS = "length"

CANDLE_NOTES: dict[str, Note] = {
    "ATR": Note(
        "average true range",
        "Wilder average of max(h - l, |h - previous c|, |l - previous c|), from the second candle on",
        "n + 1",
        source=WILDER,
        elsewhere="TA-Lib and pandas-ta agree; TradingView, talipp and `ta` count h - l of the first candle and converge",
    ),
    "WILLIAMS_R": Note(
        "where the close stands below the highest high, -100 to 0",
        "-100·(HH - c)/(HH - LL) over the last n, -100 without a range",
        "n",
        source="L. Williams, 1973",
        elsewhere="TA-Lib agrees but for candles without a range, where it gives 0",
    ),
    "CCI": Note(
        "commodity channel index",
        "(TP - mean)/(0.015 · mean |TP - mean|), TP = (h + l + c)/3; 0 when flat",
        "n",
        source="D. Lambert, 1980",
        elsewhere="libraries agree",
    ),
    "STOCH_K": Note(
        "stochastic K, not smoothed, 0 to 100",
        "100·(c - LL)/(HH - LL) over k candles, 50 without a range",
        "k + d - 1",
        source=STOCHASTIC,
        elsewhere=STOCHASTIC_ELSEWHERE,
    ),
    "STOCH_D": Note(
        "stochastic D, 0 to 100",
        "mean of the last d values of K",
        "k + d - 1",
        source=STOCHASTIC,
        elsewhere=STOCHASTIC_ELSEWHERE,
    ),
    "KELTNER_UPPER": Note(
        "upper Keltner line", "EMA(c) + k·ATR, both over n", "n + 1", source=KELTNER, elsewhere=KELTNER_ELSEWHERE
    ),
    "KELTNER_MIDDLE": Note("middle Keltner line", "EMA(c) over n", "n + 1", source=KELTNER, elsewhere=KELTNER_ELSEWHERE),
    "KELTNER_LOWER": Note(
        "lower Keltner line", "EMA(c) - k·ATR, both over n", "n + 1", source=KELTNER, elsewhere=KELTNER_ELSEWHERE
    ),
    "PLUS_DI": Note(
        "share of the range that was upward movement",
        "100·S(+DM)/S(TR), S Wilder's average",
        "2n",
        source=WILDER,
        elsewhere=ADX_ELSEWHERE,
    ),
    "MINUS_DI": Note(
        "share of the range that was downward movement",
        "100·S(-DM)/S(TR), S Wilder's average",
        "2n",
        source=WILDER,
        elsewhere=ADX_ELSEWHERE,
    ),
    "ADX": Note(
        "strength of the trend, whichever way, 0 to 100",
        "S(100·|+DI - -DI|/(+DI + -DI)), S Wilder's average",
        "2n",
        source=WILDER,
        elsewhere=ADX_ELSEWHERE,
    ),
    "OBV": Note(
        "on-balance volume",
        "+ v after a higher close, - v after a lower one, 0 on the first candle",
        "1",
        source="J. Granville, 1963",
        elsewhere="TradingView agrees; TA-Lib and talipp start at the first candle's volume",
    ),
    "VWAP": Note(
        "volume-weighted average price of the last n ticks that carry a volume",
        "Σ price·volume / Σ volume, over ticks; Undefined while all volumes are 0",
        "the n-th tick with a volume",
        "n",
        elsewhere="TradingView and pandas-ta mean the average of the session so far, which is VWAP_SESSION here",
    ),
    "VWAP_SESSION": Note(
        "volume-weighted average price of the session so far",
        "A = Σ TP·v / Σ v since the session's start, TP = (h + l + c)/3; sessions last 24 h from the hour, UTC",
        SESSION_VWAP_READY,
        DAY,
        elsewhere="TradingView and pandas-ta agree for sessions from midnight",
    ),
    "VWAP_SESSION_STDEV": Note(
        "weighted deviation of the session's prices from their average",
        "√(Σ v·(TP - A)² / Σ v), of the population",
        SESSION_VWAP_READY,
        DAY,
        source="updated as in D. West, 1979",
    ),
    "SESSION_RANGE_HIGH": Note(
        "high of the last complete daily window",
        "max(h) of the window, UTC; it may wrap midnight",
        "the first candle after a complete window",
        DAY,
    ),
    "SESSION_RANGE_LOW": Note(
        "low of the last complete daily window",
        "min(l) of the window, UTC; it may wrap midnight",
        "the first candle after a complete window",
        DAY,
    ),
    "PIVOT_P": Note(
        "pivot of the last complete UTC day", "P = (H + L + C)/3 of the day", "the first candle after a complete day", DAY
    ),
    "PIVOT_R1": Note("first resistance above the pivot", "2·P - L", "the first candle after a complete day", DAY),
    "PIVOT_S1": Note("first support below the pivot", "2·P - H", "the first candle after a complete day", DAY),
    "SEASONAL_RANGE": Note(
        "usual range of a candle at this hour of the day",
        "mean of h - l of the last n candles of the same UTC hour, the current one excluded",
        "the (n + 1)-th candle of its hour",
        "the bars of n days, and one",
    ),
    "SEASONAL_RANGE_STDEV": Note(
        "how much the range varies at this hour of the day",
        "sample deviation of h - l of the last n candles of the same UTC hour, 0 when flat",
        "the (n + 1)-th candle of its hour",
        "the bars of n days, and one",
    ),
    "SESSION_MOMENTUM": Note(
        "what the last sessions returned together",
        "Σ (last close - first open)/first open of the last complete sessions [start, end), UTC hours",
        "the first candle of a session after so many complete ones",
        "the bars of so many days, and one",
    ),
    "ANCHORED_RETURN": Note(
        "move since the bucket began",
        "c / first open of the bucket - 1; buckets stand on the epoch's grid",
        "the first candle that begins a bucket",
        "the bars of a bucket, and one",
    ),
    "REOPEN_GAP": Note(
        "gap over the last hole in the data longer than so many hours", "first open after - last close before", REOPEN, HOURS
    ),
    "REOPEN_GAP_ORIGIN": Note("the close before the last hole in the data", "last close before the hole", REOPEN, HOURS),
    "GAP_FILL_FRACTION": Note(
        "how much of the last gap is filled, 1 when all of it",
        "(first open after - c) / gap; negative while it widens, Undefined for a gap of 0",
        REOPEN,
        "1",
    ),
    "FAILED_BREAK_HIGH": Note(
        "1 after a break above the range that failed, for so many candles",
        "a high above the highest of `length` candles, then a close back below that level within `reclaim` candles",
        BREAKS,
        "length + 1",
    ),
    "FAILED_BREAK_LOW": Note(
        "1 after a break below the range that failed, for so many candles",
        "a low below the lowest of `length` candles, then a close back above that level within `reclaim` candles",
        BREAKS,
        "length + 1",
    ),
    "IB_DEFENDED_HIGH": Note(
        "1 once the high of the initial balance was touched and held, to the session's end",
        "h ≥ balance high and c < balance high after the first minutes of the session",
        BALANCE,
        DAY,
    ),
    "IB_DEFENDED_LOW": Note(
        "1 once the low of the initial balance was touched and held, to the session's end",
        "l ≤ balance low and c > balance low after the first minutes of the session",
        BALANCE,
        DAY,
    ),
}
