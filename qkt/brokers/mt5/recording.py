"""What the package really gives, written down: names of fields, types, codes, so that shapes made by hand can be held to it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from qkt.brokers.mt5.constants import H1, M1, TICKS_ALL
from qkt.brokers.mt5.records import Account, Deal, LastTick, Position, Record, Symbol, TerminalState, VenueOrder

SHAPES: dict[str, type[Record]] = {
    "terminal_info": TerminalState,
    "account_info": Account,
    "symbol_info": Symbol,
    "symbol_info_tick": LastTick,
    "orders_get": VenueOrder,
    "positions_get": Position,
    "history_orders_get": VenueOrder,
    "history_deals_get": Deal,
}
PRIVATE = ("login", "name", "password")
PREFIXES = ("TRADE_", "ORDER_", "DEAL_", "POSITION_", "SYMBOL_", "ACCOUNT_", "COPY_TICKS_", "TIMEFRAME_", "RES_")


def record(module: Any, symbol: str, since: int, now: int) -> dict[str, Any]:
    """Make every reading call once, and return what came. Names and numbers of the account are left out. Times are seconds of
    the server's clock. Sends no order."""
    calls: dict[str, Any] = {}

    def call(name: str, *arguments: Any) -> None:
        found = getattr(module, name)(*arguments)
        calls[name] = {"arguments": list(arguments), "error": list(module.last_error()), "result": _told(found)}

    call("terminal_info")
    call("account_info")
    module.symbol_select(symbol, True)
    call("symbol_info", symbol)
    call("symbol_info_tick", symbol)
    call("copy_ticks_from", symbol, since, 10, TICKS_ALL)
    call("copy_rates_range", symbol, M1, since, now)
    call("copy_rates_range", symbol, H1, since, now)
    for name in ("orders_get", "positions_get"):
        call(name)
    for name in ("history_orders_get", "history_deals_get"):
        call(name, since, now)
    call("symbol_info", "NO SUCH SYMBOL")
    constants = {name: getattr(module, name) for name in dir(module) if name.startswith(PREFIXES)}
    version = module.version() if hasattr(module, "version") else None
    return {"version": version, "calls": calls, "constants": {k: v for k, v in constants.items() if isinstance(v, int)}}


def missing(recorded: dict[str, Any]) -> list[str]:
    """Fields that are read here and that the recording does not have, as `call.field`."""
    found = []
    for name, kind in SHAPES.items():
        result = recorded["calls"].get(name, {}).get("result")
        row = result[0] if isinstance(result, list) and result else result
        if isinstance(row, dict):
            found += [f"{name}.{one.name}" for one in fields(kind) if one.name not in row]  # type: ignore[arg-type]
    return found


def _told(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        row = value._asdict()
        return {
            key: "hidden" if key in PRIVATE and "symbol" not in type(value).__name__.lower() else one
            for key, one in row.items()
        }
    if hasattr(value, "dtype"):
        return {"dtype": [list(one) for one in value.dtype.descr], "rows": [list(row) for row in value[:5].tolist()]}
    if isinstance(value, tuple):
        return [_told(one) for one in value[:3]]
    return value
