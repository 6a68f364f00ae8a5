"""How a program starts the dashboard: the entry point `qkt.dashboard`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from tui.link import EngineLink

Left = Literal["left", "keep", "stop"]
"""How it ended: left an engine of another process; left a hosted engine to go on headless, or ended it."""


async def run(
    link: EngineLink,
    *,
    memory: Path | None = None,
    read_only: bool = False,
    ascii_only: bool | None = None,
    theme: str | None = None,
    keys: Mapping[str, str] | None = None,
    mouse: bool = True,
    driver_class: Any = None,
) -> Left:
    """Show the engine behind a link until the operator leaves. Cancelling it ends it as well.

    `memory` is the file that keeps sorts, filters and theme between runs; `keys` the user's `[keys]`, action to key.
    `driver_class` is Textual's terminal driver. Raises ValueError for keys that clash.
    """
    from tui.app import Dashboard
    from tui.memory import Memory, recalled

    app = Dashboard(
        link,
        memory=Memory() if memory is None else recalled(memory),
        read_only=read_only,
        ascii_only=ascii_only,
        theme=theme,
        keys=keys,
        driver_class=driver_class,
    )
    return cast("Left", await app.run_async(mouse=mouse) or ("keep" if link.hosted else "left"))
