"""The words of the language, and which of them may also be names.

Words have a meaning in any letter case. `RESERVED` words are never names, except as a strategy's name, after a `.`, and as
a venue's symbol. `CONTEXTUAL` words have their meaning only where the grammar has a place for it; anywhere else they are names.
"""

from __future__ import annotations

_SKELETON = """
    STRATEGY PORTFOLIO VERSION DEFAULTS SYMBOLS LET PARAM SCHEDULE SEQUENCE RULES WHEN THEN FOR EACH IN DO
    IMPORT REGIMES ALLOCATE RUN OVERRIDE SYNCHRONIZE
"""
_EXPRESSIONS = """
    AND OR NOT IS BETWEEN CROSSES SINCE CASE ELSE END TRUE FALSE NULL ACCOUNT STREAK TRADES COOLDOWN POSITION
    POSITION_AVG_PRICE OPEN_ORDERS NOW SYMBOL ENTRY_QTY EXIT
"""
_ACTIONS = """
    BUY SELL CLOSE_ALL FLATTEN RESIZE CANCEL CANCEL_ALL OCO_ENTRY LATCH SIZING ORDER_TYPE TIF BRACKET OCO STACK STACK_AT
    ON_FILL ON_STOP ON_TP ON_CLOSE STOP LIMIT TRAILING STOP_LOSS TAKE TAKE_PROFIT RISK
"""
_SMALL_WORDS = "AS AT BY OF ON TO WITH AGAINST RETRACE WITHIN AFTER EVERY FROM UNTIL ARM"

_NARROW_WORDS = """
    ABOVE BALANCE BARS BASKET BELOW BOOK BREAKEVEN BROKER CAPITAL CHICAGO CLOSE CLOSE_BEYOND CONFIRM DAY DEBUG DEFAULT ENTER
    ENTRY EQUAL_WEIGHT EQUITY ERROR EXPIRE FLOOR FOK GTC GTD HOLD HOUR IOC LOG LONDON LOSS MAE MARKET METHOD MFE MIN_STEP NAME
    NY OFFSET OPEN PCT PROFIT REBALANCE RECOVER RETEST_HOLD RR SERIES SPACING STAGE STATE STEP SYDNEY T TIGHTEN TIME_IN_BREACH
    TOKYO USD UTC WARMUP WARN WEEKDAY WEIGHT
"""
_OUR_WORDS = (
    "INFO OVER TIME_EXIT TRAILING_STOP INCLUDING PROTECTION ORDERTYPE STOPLOSS TAKEPROFIT"  # not in the published language
)

RESERVED = frozenset((_SKELETON + _EXPRESSIONS + _ACTIONS + _SMALL_WORDS).split())
CONTEXTUAL = frozenset((_NARROW_WORDS + _OUR_WORDS).split())

AGGREGATES = frozenset({"MAX", "MIN", "MEAN", "SUM"})  # words only directly before "(", names everywhere else

# A block or rule begins here; after an error the parser goes on at one of these.
RESUMING = frozenset(
    {
        *("DEFAULTS", "SYMBOLS", "LET", "PARAM", "SCHEDULE", "SEQUENCE", "RULES", "WHEN", "FOR"),
        *("IMPORT", "REGIMES", "ALLOCATE", "RUN"),
    }
)

NOW_FIELDS = ("hour_utc", "minute_utc", "weekday", "month", "day", "days_in_month", "date_utc", "epoch_ms")
EXIT_FIELDS = ("price", "side", "qty", "quantity", "pnl", "reason")
POSITION_FIELDS = (
    *("quantity", "qty", "entry_price", "avg_price", "avg_entry_price", "unrealized_pnl", "realized_pnl", "pnl"),
    *("holding_duration", "mfe", "mae", "count", "open_count", "longs", "long_count", "shorts", "short_count", "gross"),
    *("trades_today", "last_trade_at"),
)
