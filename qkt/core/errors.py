"""Errors that reach people: one sentence that says where, what was found, what was expected and how to mend it."""

from __future__ import annotations


class QktError(Exception):
    """A mistake or a refusal that its reader can mend.

    `where` names the place (a file, a key, a symbol), `found` what stood there, `expected` what should have, `remedy` the
    next step. Only `found` is obligatory. `exit_code` is what the command line returns.
    """

    exit_code = 1

    def __init__(
        self,
        found: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(found)
        self.where = where
        self.found = found
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.found}" if self.where else self.found
        if self.expected:
            text += f", expected {self.expected}"
        if self.remedy:
            text += f"; {self.remedy}"
        return text

    def as_dict(self) -> dict[str, object]:
        """The same as data, for `--json`."""
        return {
            "error": type(self).__name__,
            "where": self.where,
            "found": self.found,
            "expected": self.expected,
            "remedy": self.remedy,
        }


def extra(name: str) -> str:
    """The remedy where what an extra brings is not installed. qkt is installed from a clone, it is on no index."""
    return f"in the clone of qkt: pip install '.[{name}]'"


class UsageError(QktError):
    """A command or call that cannot be understood as given."""

    exit_code = 2


class DataError(QktError):
    """Market data that cannot be used."""


class InstrumentError(QktError):
    """Instrument metadata that is missing or contradicts itself."""


class LedgerError(QktError):
    """The books do not add up, or a broker reported what cannot be booked: a defect, never the user's mistake."""


class RecordingError(QktError):
    """A run that cannot be done again."""


class StrategyError(QktError):
    """A strategy that cannot be loaded, or that failed while it ran."""
