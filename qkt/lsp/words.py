"""Every word and field of the language in a line, for people who point at it."""

from __future__ import annotations

from collections.abc import Iterator

# Spellings that are read but not offered.
OTHER_SPELLINGS = frozenset({"ORDERTYPE", "STOPLOSS", "TAKEPROFIT", "RETRACE", "FLATTEN"})


def _lines(table: str) -> Iterator[tuple[str, str]]:
    """`WORD|what it means`, a line each."""
    for line in table.split("\n"):
        if line:
            word, _, note = line.partition("|")
            yield word, note


_THE_FRAME_OF_A_FILE = """
STRATEGY|a strategy: `STRATEGY name VERSION 1` opens the file
PORTFOLIO|a portfolio of strategies: `PORTFOLIO name VERSION 1 CAPITAL 100000` opens the file
VERSION|the file's own version, a whole number; it tells readers only
DEFAULTS|clauses that entries of rules and schedules take when they have none of their own
SYMBOLS|the streams of the file: `name = VENUE:SYMBOL EVERY 5m`
LET|a name for an expression, put in wherever it is used
PARAM|a plain value that a run may override with `--param`
SCHEDULE|actions at times of the clock
SEQUENCE|stages that must come true one after the other; `SEQUENCE.name.complete` asks for it
RULES|the rules of the file
WHEN|a condition; the rule fires when it becomes true at the close of a bar
THEN|the actions of a rule, separated by `;`
FOR|`FOR EACH name IN [a, b] DO WHEN …`: one rule for each stream
EACH|`FOR EACH name IN [a, b] DO WHEN …`: one rule for each stream
IN|`x IN [1, 2]`: whether a number is among others; also the streams of FOR EACH
DO|begins the rules of FOR EACH, in braces if there are several
EVERY|the timeframe of a stream, the rhythm of a schedule, of a tightening stop or of rebalancing
WARMUP|`WARMUP 300 BARS`: rules that mention the stream wait for so many bars at least
BARS|counts closed bars
BASKET|a synthetic stream of several others: `BASKET EQUAL_WEIGHT [a, b] EVERY 1h`
EQUAL_WEIGHT|every member of the basket counts the same
SERIES|`SERIES ACCOUNT.EQUITY EVERY 1h`: the account's equity as a stream
SYNCHRONIZE|`SYNCHRONIZE a b`: rules see the bars of one moment together
WITHIN|the longest time that something may take
STAGE|one condition of a SEQUENCE
AS|gives a name
"""
_SCHEDULES = """
AT|a time of day in a schedule; a price in an order
HOUR|`EVERY HOUR AT :30`, in UTC
DAY|`EVERY DAY AT 08:00 LONDON`; as time in force: until the end of the trading day
WEEKDAY|`EVERY WEEKDAY AT …`: Monday to Friday in the zone
UTC|the zone of universal time
NY|the zone of New York
LONDON|the zone of London
TOKYO|the zone of Tokyo
SYDNEY|the zone of Sydney
CHICAGO|the zone of Chicago
BROKER|the zone of the venue's server
"""
_PORTFOLIOS = """
CAPITAL|the money that the portfolio divides among its children
IMPORT|`IMPORT "file.qkt" AS name`: a child of the portfolio
HOLD|keeps the child's positions when its gate closes
REGIMES|states of the market that choose the weights of the children
NAME|the name of REGIMES
STATE|one state of REGIMES, with a condition or DEFAULT
DEFAULT|the state when no other is true
ALLOCATE|the weights of the children in each state
METHOD|how ALLOCATE divides: REGIME_WEIGHTED
REBALANCE|how often weights are applied anew
CASH|the share that no child gets
RUN|lets a child trade, always or while a condition is true
WEIGHT|the child's share of CAPITAL
OVERRIDE|values for PARAMs of the child
"""
_EXPRESSIONS = """
AND|both; Undefined counts as unknown
OR|one of both, or both; Undefined counts as unknown
NOT|the opposite; Undefined stays Undefined
IS|`x IS NULL`, `x IS NOT NULL`: whether a value is Undefined
NULL|the Undefined value
BETWEEN|`x BETWEEN 1 AND 2`, both ends included
CROSSES|`a CROSSES ABOVE b`: was not above at the bar before, and is now
ABOVE|the upward direction of CROSSES; where STACK puts its layers
BELOW|the downward direction of CROSSES; where STACK puts its layers
CASE|`CASE WHEN a THEN 1 ELSE 2 END`: the value of the first branch that is true
ELSE|the value of CASE when no branch is true
END|ends CASE
TRUE|a condition that holds
FALSE|a condition that does not hold
MAX|`MAX(e) SINCE …`, `max(e) OVER n BARS`, `max(a, b)`: the largest
MIN|`MIN(e) SINCE …`, `min(e) OVER n BARS`, `min(a, b)`: the smallest
MEAN|`MEAN(e) SINCE …`: the mean
SUM|`SUM(e) SINCE …`, `sum(e, n)`: the sum
SINCE|the window of an aggregate: `SINCE OPEN`, or the last n bars with `SINCE T-n`
OVER|`max(e) OVER 20 BARS`: a rolling window
OPEN|`SINCE OPEN`, `name@open`: since the position was opened
T|`name@T-3`: three bars ago; `SINCE T-3`: the last three bars
ACCOUNT|the strategy's money: `ACCOUNT.equity`
STREAK|wins and losses in a row: `STREAK.losses`
TRADES|`TRADES.today`: entries since the day began
COOLDOWN|`COOLDOWN.remaining_s`: seconds that a pause after a loss still lasts
POSITION|`POSITION.x`: the signed quantity held; `POSITION.x.entry_price` and other fields
POSITION_AVG_PRICE|`POSITION_AVG_PRICE.x`: the average entry price, as `POSITION.x.avg_price`
OPEN_ORDERS|`OPEN_ORDERS.x`: how many entry orders are working
NOW|the time of evaluation: `NOW` in epoch milliseconds, `NOW.hour_utc` and other fields
SYMBOL|in DEFAULTS, the stream of the entry
ENTRY_QTY|in the SIZING of STACK_AT, the quantity that the parent was filled with
EXIT|in exit hooks, the closing fill: `EXIT.price`
"""
_ACTIONS = """
BUY|a long entry: `BUY x SIZING 0.1`
SELL|a short entry: `SELL x SIZING 0.1`
CLOSE|closes the position of a stream, or a part with SIZING
CLOSE_ALL|cancels entries and closes every position of the strategy
FLATTEN|another word for CLOSE_ALL
RESIZE|`RESIZE x TO 2`: brings an open position to a size
TO|the size that RESIZE aims at; where a STEP moves the stop
MIN_STEP|the smallest change that RESIZE makes
CANCEL|cancels the working entries of a stream
CANCEL_ALL|cancels the working entries of all streams
INCLUDING|`CANCEL x INCLUDING PROTECTION`: protective exits too
PROTECTION|`CANCEL x INCLUDING PROTECTION`: protective exits too
LOG|writes a line: `LOG "text {price}" price = x.close`
INFO|the usual level of LOG
WARN|a level of LOG
ERROR|a level of LOG
DEBUG|a level of LOG
OCO_ENTRY|two entries of which the first to fill cancels the other
LATCH|two wires around a price; the first break of one enters in its direction
OFFSET|how far the wires of a LATCH lie from its price
FROM|the price between the wires of a LATCH, its stream's close if left out
ARM|how long a LATCH waits, five minutes if left out
CONFIRM|what must confirm the break of a wire
CLOSE_BEYOND|the break counts when a bar closes beyond the wire
TIME_IN_BREACH|the break counts when the price stays beyond the wire so long
RETEST_HOLD|the break counts when the price comes back near the wire and holds
ENTER|an entry of a LATCH
EXPIRE|how long a resting entry of a LATCH lives
WITH|a distance in the direction of the break or fill
AGAINST|a distance against the direction of the break or fill
RETRACE|another word for AGAINST
"""
_SIZES_AND_ORDERS = """
SIZING|how much: lots, money, a share of equity, or risk to the stop
RISK|`RISK 0.01`: the share of equity lost at the stop; `RISK $ 50`: money lost at the stop
OF|`5 PCT OF EQUITY`, `RISK 0.01 OF BOOK`
BOOK|the portfolio's capital and what its children have realised
USD|`2500 USD`: worth so much account currency
PCT|percent points: of equity, of a price, or `1 PCT RISK`
EQUITY|balance and open profit
BALANCE|starting balance and realised profit
ORDER_TYPE|the kind of order: MARKET, LIMIT AT, STOP AT, TRAILING
ORDERTYPE|another spelling of ORDER_TYPE in DEFAULTS
MARKET|at once, at the price that is there
LIMIT|at a price or better
STOP|from a price on, at market
TRAILING|a stop that follows the best price
BY|a distance in price
TIF|time in force: GTC, IOC, FOK, DAY, GTD
GTC|until cancelled
IOC|at once, and what is not filled is cancelled
FOK|at once and in full, or not at all
GTD|until a time: `TIF GTD UNTIL NOW + 2h`
UNTIL|the time at which a GTD order ends, epoch milliseconds
"""
_PROTECTION_AND_WHAT_FOLLOWS_AN_ENTRY = """
BRACKET|a stop and a target, bound to the position: `BRACKET { STOP LOSS BY 1, TAKE PROFIT RR 2 }`
STOP_LOSS|the exit that limits the loss
STOPLOSS|another spelling of STOP_LOSS in DEFAULTS
LOSS|`STOP LOSS`: the exit that limits the loss
TAKE_PROFIT|the exit that takes the profit
TAKEPROFIT|another spelling of TAKE_PROFIT in DEFAULTS
TAKE|`TAKE PROFIT`: the exit that takes the profit
PROFIT|`TAKE PROFIT`: the exit that takes the profit
RR|a target at a multiple of the stop's distance
AFTER|`AFTER MFE >= d`: from a favourable move of d on
MFE|the largest favourable move since the fill, in price
MAE|the largest adverse move since the fill, in price
STEP|`STEP TO BREAKEVEN AFTER MFE >= d`: moves the stop once
BREAKEVEN|the price of the fill
ENTRY|the price of the fill
TIGHTEN|`TIGHTEN BY d EVERY 5m FLOOR f`: a stop that comes nearer as time goes by
FLOOR|the least distance of a tightening stop
TRAILING_STOP|a stop that follows the best price since the fill
TIME_EXIT|`TIME_EXIT AFTER 2h`: closes what the entry opened after so long
OCO|an exit pair at prices: `OCO { STOP AT a, LIMIT AT b }`
STACK|several layers of one entry, the later ones at distances from the fill of the first
SPACING|the distance between the layers of a STACK
STACK_AT|a further position once the first has moved far enough
RECOVER|how far the price must come back after an adverse move
ON_FILL|entries that are placed when this one is filled
ON_STOP|what to do when the stop closed the position
ON_TP|what to do when the target closed the position
ON_CLOSE|what to do when anything else closed the position
ON|the stream of a SEQUENCE or of a LATCH entry; behind WHEN, the stream that wakes the rule
"""
WORD_NOTES: dict[str, str] = {
    word: note
    for table in (
        _THE_FRAME_OF_A_FILE,
        _SCHEDULES,
        _PORTFOLIOS,
        _EXPRESSIONS,
        _ACTIONS,
        _SIZES_AND_ORDERS,
        _PROTECTION_AND_WHAT_FOLLOWS_AN_ENTRY,
    )
    for word, note in _lines(table)
}

# Fields by what stands before the dot; STAGE is what follows `SEQUENCE.name.stage`, and "" are the windows of the clock.
_FIELDS = {
    "stream": """
open|the first price of the bar
high|the highest price of the bar
low|the lowest price of the bar
close|the last price of the bar
volume|the volume of the bar
price|the close
value|the close, as MACRO streams are read
bid|the bid of the bar's last quote
ask|the ask of the bar's last quote
spread|ask minus bid of the bar's last quote
timestamp|the end of the bar, epoch milliseconds
hl2|the middle of high and low
hlc3|the mean of high, low and close
ohlc4|the mean of open, high, low and close
mid|the middle of bid and ask of the bar's last quote
tick_size|the smallest step of the price
contract_size|units of one lot
volume_step|the step of the quantity, lots
volume_min|the least quantity, lots
swap_long_points|the nightly financing of a long position, points
swap_short_points|the nightly financing of a short position, points
candle|the whole bar, as candle indicators take it
tick|every tick, as tick indicators take it
""",
    "ACCOUNT": """
equity|balance and open profit
balance|starting balance and realised profit
realized_pnl|profit of closed trades after costs
unrealized_pnl|profit of open positions
total_pnl|realised and open profit
dd_pct|how far equity is below its peak, percent
equity_peak|the highest equity so far
open_positions_count|symbols with a position
last_trade_at|time of the last outcome, epoch milliseconds; Undefined before it
last_trade_pnl|profit of the last outcome; Undefined before it
win_streak|wins in a row
loss_streak|losses in a row
trades_today|outcomes since the day began
wins_today|wins since the day began
losses_today|losses since the day began
""",
    "STREAK": """
wins|wins in a row
losses|losses in a row
banked|profit of the wins in a row
""",
    "TRADES": """
today|entries since the day began
""",
    "COOLDOWN": """
remaining_s|seconds that the pause after a loss still lasts
""",
    "POSITION": """
quantity|signed quantity, 0 when flat
qty|signed quantity, 0 when flat
entry_price|average entry price; Undefined when flat
avg_price|average entry price; Undefined when flat
avg_entry_price|average entry price; Undefined when flat
unrealized_pnl|open profit of the position
realized_pnl|realised profit of the strategy
pnl|realised profit of the strategy and open profit of the position
holding_duration|seconds since the oldest leg was opened, 0 when flat
mfe|the largest favourable move since the entry, in price
mae|the largest adverse move since the entry, in price
count|open legs
open_count|open legs
longs|open long legs
long_count|open long legs
shorts|open short legs
short_count|open short legs
gross|the sum of the legs' quantities
trades_today|outcomes on the symbol since the day began
last_trade_at|time of the last outcome on the symbol, epoch milliseconds
""",
    "SEQUENCE": """
stage|how many stages are done, 0 when none
complete|TRUE on the bar on which the last stage was reached
""",
    "STAGE": """
price|the close at which the stage was reached
time|when the stage was reached, epoch milliseconds
""",
    "NOW": """
hour_utc|hour, 0 to 23, UTC
minute_utc|minute, 0 to 59
weekday|0 is Monday, 6 is Sunday, UTC
month|1 to 12
day|day of the month, from 1
days_in_month|28 to 31
date_utc|days since 1970-01-01
epoch_ms|milliseconds since 1970-01-01 UTC, as NOW alone
""",
    "EXIT": """
price|the price of the closing fill
side|BUY or SELL, the side of the closing fill
qty|the quantity that was closed
quantity|the quantity that was closed
pnl|the profit of what was closed
reason|STOP, TP or CLOSE
""",
    "": """
SESSION_WINDOW|`SESSION_WINDOW(8, 0, 16, 30)`: whether the time of day, UTC, is in the window, both ends included
CALENDAR_WINDOW|`CALENDAR_WINDOW(11, 15, 2, 6)`: whether the day of the year is in the window, both ends included
LAST_TRADING_DAY_OF_MONTH|`LAST_TRADING_DAY_OF_MONTH()`: whether this is the month's last Monday to Friday
""",
}
FIELD_NOTES: dict[tuple[str, str], str] = {(g, word): note for g, table in _FIELDS.items() for word, note in _lines(table)}

ACCESSORS = frozenset({"ACCOUNT", "STREAK", "TRADES", "COOLDOWN", "NOW", "EXIT"})
