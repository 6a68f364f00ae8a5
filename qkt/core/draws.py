"""Random numbers without a state: each is a function of a seed and a key, so one draw more or less shifts no other."""

from __future__ import annotations

from hashlib import blake2b

BITS = 64


def _word(seed: int, key: tuple[object, ...]) -> int:
    text = "\x1f".join([str(seed), *map(str, key)])
    return int.from_bytes(blake2b(text.encode(), digest_size=BITS // 8).digest(), "big")


def unit(seed: int, *key: object) -> float:
    """A number in [0, 1), the same in every run and on every machine."""
    return (_word(seed, key) >> 11) * 2.0**-53


def integer(n: int, seed: int, *key: object) -> int:
    """A whole number from 0 to n, both included, each equally likely."""
    return _word(seed, key) * (n + 1) >> BITS
