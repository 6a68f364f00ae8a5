"""Numbers of the MetaTrader 5 trade protocol.

Unproven: written down from descriptions of the package, not from a recording; `qkt mt5-record` makes one to hold them against.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Action(IntEnum):
    DEAL = 1
    PENDING = 5
    SLTP = 6
    MODIFY = 7
    REMOVE = 8
    CLOSE_BY = 10


class OrderType(IntEnum):
    BUY = 0
    SELL = 1
    BUY_LIMIT = 2
    SELL_LIMIT = 3
    BUY_STOP = 4
    SELL_STOP = 5
    BUY_STOP_LIMIT = 6
    SELL_STOP_LIMIT = 7
    CLOSE_BY = 8


class Filling(IntEnum):
    """`type_filling` of a request. The bits of a symbol's `filling_mode` are others: `FillingBit`."""

    FOK = 0
    IOC = 1
    RETURN = 2
    BOC = 3


class FillingBit(IntFlag):
    FOK = 1
    IOC = 2
    BOC = 4


class Lifetime(IntEnum):
    """`type_time` of a request. The bits of a symbol's `expiration_mode` are others: `LifetimeBit`."""

    GTC = 0
    DAY = 1
    SPECIFIED = 2
    SPECIFIED_DAY = 3


class LifetimeBit(IntFlag):
    GTC = 1
    DAY = 2
    SPECIFIED = 4
    SPECIFIED_DAY = 8


class OrderBit(IntFlag):
    """Bits of a symbol's `order_mode`."""

    MARKET = 1
    LIMIT = 2
    STOP = 4
    STOP_LIMIT = 8
    SL = 16
    TP = 32
    CLOSE_BY = 64


class State(IntEnum):
    """Where an order stands."""

    STARTED = 0
    PLACED = 1
    CANCELED = 2
    PARTIAL = 3
    FILLED = 4
    REJECTED = 5
    EXPIRED = 6
    REQUEST_ADD = 7
    REQUEST_MODIFY = 8
    REQUEST_CANCEL = 9

    @property
    def ended(self) -> bool:
        return self in (State.CANCELED, State.FILLED, State.REJECTED, State.EXPIRED)


class DealType(IntEnum):
    """The first two are executions, everything from BALANCE on is money alone."""

    BUY = 0
    SELL = 1
    BALANCE = 2
    CREDIT = 3
    CHARGE = 4
    CORRECTION = 5


class Entry(IntEnum):
    IN = 0
    OUT = 1
    INOUT = 2
    OUT_BY = 3


class Reason(IntEnum):
    """Why an order or a deal came about."""

    CLIENT = 0
    MOBILE = 1
    WEB = 2
    EXPERT = 3
    SL = 4
    TP = 5
    STOP_OUT = 6


class TradeMode(IntEnum):
    """What may be traded of a symbol."""

    DISABLED = 0
    LONG_ONLY = 1
    SHORT_ONLY = 2
    CLOSE_ONLY = 3
    FULL = 4


class Execution(IntEnum):
    REQUEST = 0
    INSTANT = 1
    MARKET = 2
    EXCHANGE = 3


class MarginMode(IntEnum):
    """How an account holds positions: only RETAIL_HEDGING keeps several of one symbol."""

    RETAIL_NETTING = 0
    EXCHANGE = 1
    RETAIL_HEDGING = 2


class AccountMode(IntEnum):
    DEMO = 0
    CONTEST = 1
    REAL = 2


class Code(IntEnum):
    """Return codes of `order_send`."""

    REQUOTE = 10004
    REJECT = 10006
    CANCEL = 10007
    PLACED = 10008
    DONE = 10009
    DONE_PARTIAL = 10010
    ERROR = 10011
    TIMEOUT = 10012
    INVALID = 10013
    INVALID_VOLUME = 10014
    INVALID_PRICE = 10015
    INVALID_STOPS = 10016
    TRADE_DISABLED = 10017
    MARKET_CLOSED = 10018
    NO_MONEY = 10019
    PRICE_CHANGED = 10020
    PRICE_OFF = 10021
    INVALID_EXPIRATION = 10022
    ORDER_CHANGED = 10023
    TOO_MANY_REQUESTS = 10024
    NO_CHANGES = 10025
    SERVER_DISABLES_AT = 10026
    CLIENT_DISABLES_AT = 10027
    LOCKED = 10028
    FROZEN = 10029
    INVALID_FILL = 10030
    CONNECTION = 10031
    ONLY_REAL = 10032
    LIMIT_ORDERS = 10033
    LIMIT_VOLUME = 10034
    INVALID_ORDER = 10035
    POSITION_CLOSED = 10036
    INVALID_CLOSE_VOLUME = 10038
    CLOSE_ORDER_EXIST = 10039
    LIMIT_POSITIONS = 10040
    REJECT_CANCEL = 10041
    LONG_ONLY = 10042
    SHORT_ONLY = 10043
    CLOSE_ONLY = 10044
    FIFO_CLOSE = 10045
    HEDGE_PROHIBITED = 10046


class LastError(IntEnum):
    """What `last_error` says of the last call. From INTERNAL down the link to the terminal is broken."""

    OK = 1
    FAIL = -1
    INVALID_PARAMS = -2
    NO_MEMORY = -3
    NOT_FOUND = -4
    INVALID_VERSION = -5
    AUTH_FAILED = -6
    UNSUPPORTED = -7
    AUTO_TRADING_DISABLED = -8
    INTERNAL = -10000
    SEND_FAILED = -10001
    RECEIVE_FAILED = -10002
    INIT_FAILED = -10003
    NO_CONNECTION = -10004
    TIMEOUT = -10005


TICKS_ALL = -1
M1 = 1
H1 = 0x4001
COMMENT = 31
"""Characters of a comment that the package takes; servers may keep as few as 16."""
REQUEST_KEYS: dict[str, type] = {
    **dict.fromkeys(
        ("action", "magic", "order", "type", "type_filling", "type_time", "expiration", "deviation", "position", "position_by"),
        int,
    ),
    **dict.fromkeys(("volume", "price", "stoplimit", "sl", "tp"), float),
    **dict.fromkeys(("symbol", "comment"), str),
}
"""Every key that `order_send` takes, with its type."""
