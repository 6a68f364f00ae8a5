"""A digest of what checked actions do: equal as long as they do the same, whatever else changes in the file."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256


def fingerprint(item: object) -> str:
    """16 hexadecimal digits."""
    return _digest(item, {})


def _digest(item: object, known: dict[int, str]) -> str:
    """Every part is digested once, however often it is shared. The numbers of memories are not what is done."""
    found = known.get(id(item))
    if found is None:
        text = _told(item, known)
        found = known[id(item)] = sha256(text.encode()).hexdigest()[:16]
    return found


def _told(item: object, known: dict[int, str]) -> str:
    if isinstance(item, Enum):
        return f"{type(item).__name__}.{item.name}"
    if isinstance(item, tuple):
        return f"({','.join(_digest(part, known) for part in item)})"
    if is_dataclass(item):
        told = ",".join(f"{f.name}={_digest(getattr(item, f.name), known)}" for f in fields(item) if f.name != "slot")
        return f"{type(item).__name__}({told})"
    return repr(item)
