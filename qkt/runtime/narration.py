"""Effects in words: the lines that tell an operator what a session did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from qkt.runtime.control.rows import Level
from qkt.runtime.lines import LineKind


class Said(NamedTuple):
    level: Level
    kind: LineKind
    text: str


LEVELS: dict[str, Level] = {"DEBUG": "DEBUG", "INFO": "INFO", "WARN": "WARN", "WARNING": "WARN", "ERROR": "ERROR"}


def narrated(kind: str, value: dict[str, Any]) -> Said | None:
    """The line of an effect, None for what another line tells already."""
    teller = TELLERS.get(kind)
    return None if teller is None else teller(value)


def _plain(number: Any) -> str:
    """A number without the zeros that only its storage has."""
    text = str(number)
    short = text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text
    return "0" if short == "-0" else short


def _order(v: dict[str, Any]) -> Said:
    level = v["stop"] or v["limit"]
    price = f" at {_plain(level)}" if level else ""
    return Said(
        "INFO",
        "order",
        f"{v['order_id']}: {v['purpose'].lower()} {v['side']} {_plain(v['quantity'])} {v['symbol']} {v['order_type']}{price}",
    )


def _fill(v: dict[str, Any]) -> Said:
    text = f"{v['order_id']}: {v['side']} {_plain(v['quantity'])} {v['symbol']} at {_plain(v['price'])}, {v['position_effect']}"
    return Said("INFO", "fill", f"{text}, realised {_plain(v['realized'])}")


def _refused(v: dict[str, Any]) -> Said:
    return Said("WARN", "order", f"{v['order_id']} refused: {v['reason']}")


def _log(v: dict[str, Any]) -> Said:
    return Said(LEVELS.get(v["level"].upper(), "INFO"), "log", v["text"])


def _operator(verb: str) -> Any:
    def tell(v: dict[str, Any]) -> Said:
        reason = v.get("reason")
        return Said("WARN", "operator", f"{verb} by {v['author']}{f': {reason}' if reason else ''}")

    return tell


def modification(v: Mapping[str, Any]) -> str:
    """What a command moves, in words: `leg 3: stop 1.09, target 1.1`."""
    of = f"leg {v['leg']}" if v.get("leg") is not None else str(v.get("order"))
    to = [f"{name} {_plain(v[name])}" for name in ("stop", "target", "level") if v.get(name) is not None]
    even = ["stop at break-even"] if v.get("break_even") else []
    part = [f"close {_plain(v['close'])}"] if v.get("close") is not None else []
    return f"{of}: {', '.join([*even, *to, *part])}"


def _halted(v: dict[str, Any]) -> Said | None:
    """A rule's halt; an operator's and the engine's own are told by what put them."""
    if v["author"] != "engine" or v["lasts"] == "WHILE" or v["cause"] == "fault":
        return None
    whose = f"{v['strategy']} is halted" if v["strategy"] else "halted"
    return Said("ERROR", "halt", f"{whose}{' for the day' if v['lasts'] == 'DAILY' else ''}: {v['reason']}")


def _lifted(v: dict[str, Any]) -> Said | None:
    if v["lasts"] == "WHILE":
        return None
    whose = f" of {v['strategy']}" if v["strategy"] else ""
    by = "" if v["by"] == "engine" else f" by {v['by']}"
    return Said("WARN", "halt", f"halt{whose} lifted{by} ({v['why']}): {v['reason']}")


def _of_child(verb: str) -> Any:
    return lambda v: Said("WARN", "operator", f"{v['child']} {verb} by {v['author']}")


def _gated(v: dict[str, Any]) -> Said:
    count = v["closing"]
    closing = f", {count} position{'' if count == 1 else 's'} closing" if count else ""
    return Said("INFO", "engine", f"{v['strategy']} {'may trade' if v['active'] else 'is out'}: {v['reason']}{closing}")


def _book_risk(v: dict[str, Any]) -> Said:
    weights = ", ".join(f"{name} {weight}" for name, weight in v["weights"])
    text = f"equity {v['equity']} of peak {v['peak']}: new risk * {v['ladder']}, weights {weights} ({v['method']})"
    return Said("INFO", "engine", text)


def _sized(v: dict[str, Any]) -> Said:
    regime = f" ({v['regime']})" if v["regime"] else ""
    numbers = f"asked {v['asked']} * ladder {v['ladder']} * weight {v['weight']}{regime} = {v['sized']}"
    return Said("INFO", "engine", f"{v['strategy']}: {v['symbol']} {numbers}")


def _distrusted(v: dict[str, Any]) -> Said | None:
    """What the gate finds; that a feed refuses a symbol it says itself."""
    if v["fault"] == "unavailable":
        return None
    if v["detail"] is None:
        return Said("INFO", "feed", f"{v['symbol']} is {v['fault']} no longer")
    return Said("WARN", "feed", f"{v['symbol']} is {v['fault']}: {v['detail']}")


TELLERS: dict[str, Any] = {
    "distrust": _distrusted,
    "order": _order,
    "fill": _fill,
    "refused": _refused,
    "rejected": _refused,
    "cancel_failed": _refused,
    "cancelled": lambda v: Said("INFO", "order", f"{v['order_id']} cancelled: {v['reason']}"),
    "log": _log,
    "halt": _operator("halted"),
    "resume": _operator("resumed"),
    "flatten": _operator("flattened"),
    "halted": _halted,
    "lifted": _lifted,
    "standing": lambda v: Said("WARN", "halt", f"still holds, and will halt again: {v['reason']}"),
    "modify": lambda v: Said("WARN", "operator", f"modified by {v['author']}, {modification(v)}"),
    "moved": lambda v: Said("INFO", "order", f"{v['order_id']} moved to {_plain(v['level'])}"),
    "unmodified": lambda v: Said("WARN", "operator", f"nothing was modified: {v['reason']}"),
    "block": lambda v: Said("ERROR", "halt", f"entries are blocked: {v['reason']}"),
    "unblock": lambda v: Said("INFO", "halt", f"entries may pass again ({v['cause']})"),
    "fault": lambda v: Said("ERROR", "halt", f"{v.get('child', 'the strategy')} failed and is halted: {v['text']}"),
    "gated": _gated,
    "regime": lambda v: Said("INFO", "engine", f"the regime is {v['regime']}, was {v['before'] or 'none'}"),
    "book_risk": _book_risk,
    "sized": _sized,
    "suppressed": lambda v: Said("INFO", "engine", f"{v['strategy']}: {v['symbol']} suppressed, {v['reason']}"),
    "stop_child": _of_child("stopped"),
    "start_child": _of_child("started"),
    "wound_down": lambda v: Said("INFO", "engine", f"{v['child']}: {v['closed']} closed, {v['held']} held"),
    "gap": lambda v: Said("WARN", "feed", f"unseen since {v['since']}: {v['reason']}"),
}
