"""What the dashboard's tests share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _a_terminal_with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TMUX", "COLORTERM", "TERM"):
        monkeypatch.delenv(name, raising=False)
