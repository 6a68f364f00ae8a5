"""The fields that streams and state accessors have, and where their values come from."""

from __future__ import annotations

from typing import Literal, TypeAlias

# Fields of streams. PAST_FIELDS keep a past and feed indicators bare.
PRICE_FIELDS = ("open", "high", "low", "close", "volume")
DERIVED_FIELDS = ("hl2", "hlc3", "ohlc4", "mid")
QUOTE_FIELDS = ("bid", "ask", "spread")
SAME_AS_CLOSE = ("price", "value")
PAST_FIELDS = (*PRICE_FIELDS, "price", *DERIVED_FIELDS)
SERIES_FIELDS = ("candle", "tick")
INSTRUMENT_FIELDS = {
    "tick_size": "point_size",
    "contract_size": "contract_size",
    "volume_step": "volume_step",
    "volume_min": "volume_min",
    "swap_long_points": "swap_long_points",
    "swap_short_points": "swap_short_points",
}
STREAM_FIELDS = (
    *PRICE_FIELDS,
    *SAME_AS_CLOSE,
    *QUOTE_FIELDS,
    "timestamp",
    *DERIVED_FIELDS,
    *INSTRUMENT_FIELDS,
    *SERIES_FIELDS,
)

# Attributes of PositionView; None marks what is put together from several.
POSITION_FIELDS: dict[str, str | None] = {
    "quantity": "quantity",
    "qty": "quantity",
    "entry_price": "entry_price",
    "avg_price": "entry_price",
    "avg_entry_price": "entry_price",
    "unrealized_pnl": "unrealized_pnl",
    "realized_pnl": None,
    "pnl": None,
    "holding_duration": "holding_duration",
    "mfe": "mfe",
    "mae": "mae",
    "count": "count",
    "open_count": "count",
    "longs": "longs",
    "long_count": "longs",
    "shorts": "shorts",
    "short_count": "shorts",
    "gross": "gross",
    "trades_today": "trades_today",
    "last_trade_at": "last_trade_at",
}

ACCOUNT_FIELDS = (
    "equity",
    "balance",
    "realized_pnl",
    "unrealized_pnl",
    "total_pnl",
    "dd_pct",
    "equity_peak",
    "open_positions_count",
    "last_trade_at",
    "last_trade_pnl",
    "win_streak",
    "loss_streak",
    "trades_today",
    "wins_today",
    "losses_today",
)

# Accessor -> field -> attribute of AccountView.
STATE_FIELDS: dict[str, dict[str, str]] = {
    "ACCOUNT": {name: name for name in ACCOUNT_FIELDS},
    "STREAK": {"wins": "win_streak", "losses": "loss_streak", "banked": "banked"},
    "TRADES": {"today": "entries_today"},
    "COOLDOWN": {"remaining_s": "cooldown_remaining"},
}

ExitAttribute: TypeAlias = Literal["price", "quantity", "pnl", "side", "reason"]
EXIT_FIELDS: dict[str, ExitAttribute] = {
    "price": "price",
    "qty": "quantity",
    "quantity": "quantity",
    "pnl": "pnl",
    "side": "side",
    "reason": "reason",
}

NOW_FIELDS = ("hour_utc", "minute_utc", "weekday", "month", "day", "days_in_month", "date_utc", "epoch_ms")

# Attributes whose value may be Undefined, and those that are integers.
MAYBE_UNDEFINED = frozenset({"entry_price", "last_trade_at", "last_trade_pnl"})
INTEGERS = frozenset(
    {
        "count",
        "longs",
        "shorts",
        "trades_today",
        "wins_today",
        "losses_today",
        "entries_today",
        "last_trade_at",
        "open_positions_count",
        "win_streak",
        "loss_streak",
        "cooldown_remaining",
    }
)
