"""Rings once for every alert that comes while somebody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.viewmodel import View

if TYPE_CHECKING:
    from qkt.runtime.control.rows import AlertRow


class Bell:
    """Knows which alerts were there before."""

    def __init__(self) -> None:
        self._known: set[str] | None = None

    def news(self, view: View) -> AlertRow | None:
        """The newest alert that was not there at the last look; those of the first picture are no news."""
        if view.state is None:
            return None
        known, self._known = self._known, {key for key, row in view.tables.alerts.items() if row.acknowledged is None}
        new = set() if known is None else self._known - known
        return view.tables.alerts[max(new, key=int)] if new else None
