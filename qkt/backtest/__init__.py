"""History and a strategy in, a result out: the runner, the replay at two speeds, metrics, the report of a run.

The room must not know what a strategy means or how an order is filled: it only moves time.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    """Importing this room makes it an attribute of `qkt` under the name of the public function; calling it is that call."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from qkt.backtest.api import backtest

        return backtest(*args, **kwargs)


sys.modules[__name__].__class__ = _Room
