"""The engine runs where POSIX is not: what only POSIX has is imported where it is used, and never by accident.

`python -m tests.test_portable` imports every module with those modules missing; `.ci/package` does that with the wheel.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import os
import pkgutil
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import anyio
import pytest

ROOT = Path(__file__).parents[1]
POSIX = ("fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty")
DRIVER = "tui.terminal.driver"
"""The one module that is made for POSIX terminals; elsewhere Textual's own is taken."""


class Missing(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname in POSIX:
            raise ModuleNotFoundError(f"No module named '{fullname}'", name=fullname)
        return None


def modules() -> list[str]:
    roots = [importlib.import_module(name) for name in ("qkt", "tui")]
    return [one.name for root in roots for one in pkgutil.walk_packages(root.__path__, f"{root.__name__}.")]


def test_posix_modules_are_imported_where_they_are_used() -> None:
    early = re.compile(rf"^(?:import|from) (?:{'|'.join(POSIX)})\b", re.MULTILINE)
    files = [path for room in ("qkt", "tui") for path in (ROOT / room).rglob("*.py")]
    found = [path for path in files if early.search(path.read_text(encoding="utf-8"))]
    assert found == [ROOT.joinpath(*DRIVER.split(".")).with_suffix(".py")]


@pytest.mark.parametrize("by_loop", [True, False])
def test_signals_reach_the_loop_also_where_loops_take_none(by_loop: bool) -> None:
    from qkt.ending import _signals

    before = signal.getsignal(signal.SIGTERM)

    async def receive() -> int:
        with anyio.fail_after(5), _signals([signal.SIGTERM], by_loop=by_loop) as signals:
            os.kill(os.getpid(), signal.SIGTERM)
            return await anext(aiter(signals))

    assert anyio.run(receive) == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before


def main() -> None:
    for name in POSIX:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Missing())
    names = [name for name in modules() if name != DRIVER]
    for name in names:
        importlib.import_module(name)
    print(f"{len(names)} modules can be imported without {', '.join(POSIX)}")


if __name__ == "__main__":
    main()
