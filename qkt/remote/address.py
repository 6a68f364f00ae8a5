"""Where a host is, as a person writes it: `user@host`, `user@host:port` or `ssh://[user@]host[:port]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qkt.core.errors import UsageError

SCHEME = "ssh://"
SHAPE = re.compile(
    r"""(?: (?P<user>[A-Za-z0-9_][A-Za-z0-9._+-]{0,63}\$?) @ )?
        (?: \[ (?P<literal>[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?) \] | (?P<host>[A-Za-z0-9_][A-Za-z0-9._-]{0,252}) )
        (?: : (?P<port>[0-9]{1,5}) )?""",
    re.VERBOSE,
)
"""Letters that mean nothing to a shell, to ssh's own options, or to a ProxyCommand that puts them into one."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host that ssh can reach. Without a user or a port the user's ssh configuration decides."""

    host: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        name = f"{self.user}@{host}" if self.user else host
        whole = name if self.port is None else f"{name}:{self.port}"
        return whole if self.user else f"{SCHEME}{whole}"

    @property
    def destination(self) -> str:
        """As ssh takes it."""
        return f"{self.user}@{self.host}" if self.user else self.host


def is_address(text: str) -> bool:
    """Whether this is meant to be one, and no name of a context."""
    return "@" in text or text.startswith(SCHEME)


def parse_address(text: str) -> Address:
    """Raises UsageError for what is none, such as a host that ssh would take for an option."""
    found = SHAPE.fullmatch(text.removeprefix(SCHEME).rstrip("/") if text.startswith(SCHEME) else text)
    port = int(found["port"]) if found is not None and found["port"] else None
    if found is None or (port is not None and not 0 < port < 65_536):
        raise UsageError(f"'{text}' is no host", expected="user@host, user@host:port or ssh://host")
    return Address(found["literal"] or found["host"], found["user"], port)
