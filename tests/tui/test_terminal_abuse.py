"""A terminal that freezes, vanishes, or is left or lost by a crash while frozen holds nobody up who trades."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
pytest.importorskip("textual")


@pytest.mark.parametrize("abuse", ["freeze", "leave_frozen", "vanish", "crash_frozen"])
def test_the_loop_is_never_held_up_by_its_terminal(abuse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.tui import abused

    monkeypatch.setenv("XDG_RUNTIME_DIR", "/tmp")
    act: Callable[..., tuple[float, float]] = getattr(abused, abuse)
    with abused.abused() as one:
        worst, noise = act(one, 2.0)
        assert one.end() == 0
    assert worst < abused.LIMIT + noise
