"""Text on its way to the clipboard: through tmux, else the terminal, else a file; it says which."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.app import Dashboard

# What terminals take in one OSC 52 sequence: base64 of it stays under 100,000 characters.
MOST = 74_994


def copy_from(app: Dashboard, text: str) -> None:
    """Copy what stands on a screen, in a thread as tmux may be slow, and say where it went."""
    if not text:
        app.say("nothing to copy here", "dim")
        return
    folder = app.memory.path.parent if app.memory.path is not None else Path.cwd()

    def work() -> None:
        said = copy(text, lambda words: app.call_from_thread(app.copy_to_clipboard, words), folder)
        app.call_from_thread(app.say, said)

    app.run_worker(work, thread=True, group="copy")


def copy(text: str, terminal: Callable[[str], None], folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """Copy, and say in words where it went. `terminal` sends OSC 52. Blocks for tmux: call it in a thread."""
    environ = os.environ if environ is None else environ
    if environ.get("TMUX") and _tmux(text):
        return "copied to tmux and the clipboard"
    if len(text.encode()) <= MOST:
        terminal(text)
        return "copied to the clipboard"
    file = folder / "qkt-copied.txt"
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as problem:
        return f"too long for a terminal, and {file} cannot be written: {problem.strerror}"
    return f"too long for a terminal; written to {file}"


def _tmux(text: str) -> bool:
    """Its default settings drop OSC 52 of programs, so tmux is told itself."""
    try:
        done = subprocess.run(
            ["tmux", "load-buffer", "-w", "-"], input=text.encode(), capture_output=True, timeout=2, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
