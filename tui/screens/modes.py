"""Which class shows which screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from textual.screen import Screen

from tui.screens.overview import Overview

MODES: Mapping[str, Callable[[], Screen[Any]]] = {
    "overview": Overview,
}
