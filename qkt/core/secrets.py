"""What must never be shown: passwords, tokens, keys. Whoever reads one tells it to `conceal`, whoever writes text for others
passes it through `redacted`.

Two nets, since a venue may put a secret of its own into an error: values that are known to be secret, in any spelling in which
they travel, and what stands where secrets usually stand (`password=…`, `Bearer …`, `https://user:…@host`).
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

HIDDEN = "***"
SHORTEST = 4
"""Shorter values are not looked for: hiding them would hide every word and number that holds them."""
WORD = 8
"""Values shorter than this are hidden only where they stand alone."""

NAMES = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)"
NOTHING = ("null", "None", "true", "false")
"""What data holds where there is no secret; it stays data."""
_NAME = re.compile(NAMES, re.IGNORECASE)
_NAMED = re.compile(
    rf"({NAMES}[\w-]*[\"']?\s*[=:]\s*(?:(?:Bearer|Basic)\s+)?[\"']?)([^\s\"'&,;)}}\]\\]+)",
    re.IGNORECASE,
)
_IN_A_PATH = re.compile(r"[/\\][\w.-]*$")
_HEADER = re.compile(r"(\b(?:Bearer|Basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE)
_LOGIN = re.compile(r"(\w://)[^\s/@]+(?=@)")
# Schemes whose host is one; each has a form with an s.
_PLAIN = ("http", "json", "form", "xml", "mailto", "ntfy", "gotify")
# Words without which there is nothing to be found: looking for them is a hundred times faster than looking for the rest.
_HINTS = ("pass", "pwd", "secret", "token", "key", "credential")


class Secrets:
    """Values that are known to be secret."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._known: tuple[tuple[str, re.Pattern[str]], ...] = ()
        self._lock = threading.Lock()

    def conceal(self, values: Iterable[str]) -> None:
        """Hide these from now on, wherever they appear."""
        found = {one for value in values for one in (value, *_parts(value)) if len(one) >= SHORTEST}
        with self._lock:
            if found <= self._values:
                return
            self._values |= found
            spellings = {one for value in self._values for one in _spellings(value)}
            self._known = tuple((one, _pattern(one)) for one in sorted(spellings, key=len, reverse=True))

    def redacted(self, text: str) -> str:
        """The text with every secret replaced."""
        for spelling, pattern in self._known:
            if spelling in text:
                text = pattern.sub(HIDDEN, text)
        lower = text.lower()
        if any(hint in lower for hint in _HINTS):
            text = _NAMED.sub(_without_value, text)
        if "bearer" in lower or "basic" in lower:
            text = _HEADER.sub(rf"\1{HIDDEN}", text)
        if "://" in lower and "@" in lower:
            text = _LOGIN.sub(rf"\1{HIDDEN}", text)
        return text


def _without_value(found: re.Match[str]) -> str:
    """A name without its value. What a message says of a file of that name (`/etc/passwd: permission denied`) is none."""
    name, value = found.groups()
    if value in NOTHING:
        return found[0]
    if name.endswith(": ") and value.isalpha() and _IN_A_PATH.search(found.string, 0, found.start()):
        return found[0]
    return name + HIDDEN


def names_a_secret(name: str) -> bool:
    """Whether a variable or key of this name holds a secret."""
    return _NAME.search(name) is not None


def conceal_environment(environment: Mapping[str, str] = os.environ) -> None:
    """Hide the values of variables whose names say that they are secret, but no names of files."""
    conceal(value for name, value in environment.items() if names_a_secret(name) and not os.path.exists(value))


def _parts(value: str) -> Iterator[str]:
    """What of a URL is secret by itself: its login, what looks like a key in its path and query, and, where the scheme is a
    service's, what stands for the host."""
    if "://" not in value:
        return
    scheme, _, rest = value.partition("://")
    place, _, path = rest.partition("/")
    login, _, host = place.rpartition("@")
    yield from login.split(":", 1)
    words = re.split(r"[/?&=#]", path)
    if scheme.lower().rstrip("s") not in _PLAIN:
        words += [host, *host.split(":")]
    yield from (word for word in words if len(word) >= WORD and any(map(str.isdigit, word)))


def _spellings(value: str) -> Iterator[str]:
    yield value
    yield from (quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], repr(value)[1:-1])


def _pattern(spelling: str) -> re.Pattern[str]:
    found = re.escape(spelling)
    return re.compile(found if len(spelling) >= WORD else rf"(?<!\w){found}(?!\w)")


_process = Secrets()
conceal = _process.conceal
redacted = _process.redacted
