"""Exponential averages and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from qkt.indicators.inputs import Column, FloatArray
from qkt.indicators.ties import difference, differences


class Ema:
    """Exponential moving average: E <- E + alpha * (x - E), seeded with the mean of the first n inputs. Ready on input n.

    alpha = 2 / (n + 1) unless given.
    """

    __slots__ = ("_alpha", "_n", "_seen", "_sum", "value")

    def __init__(self, n: int, alpha: float | None = None) -> None:
        self._n = n
        self._alpha = 2.0 / (n + 1) if alpha is None else alpha
        self._seen = 0
        self._sum = 0.0
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        value = self.value
        if value is None:
            return self._seed(x)
        self.value = value = value + self._alpha * (x - value)
        return value

    def _seed(self, x: float) -> float | None:
        self._seen += 1
        self._sum += x
        if self._seen == self._n:
            self.value = self._sum / self._n
        return self.value

    def column(self, x: FloatArray) -> Column:
        """Feed consecutive numbers; returns the value after each."""
        seeds = self._n - self._seen
        out: Column = [self._seed(v) for v in x[:seeds].tolist()]
        value, alpha = self.value, self._alpha
        if value is not None:
            for v in x[seeds:].tolist():
                value = value + alpha * (v - value)
                out.append(value)
            self.value = value
        return out


def wilder(n: int) -> Ema:
    """Wilder's smoothing, A <- (A * (n - 1) + x) / n: an exponential average with alpha = 1/n (J. W. Wilder, 1978)."""
    return Ema(n, 1.0 / n)


def smoothed(ema: Ema, inner: Sequence[float | None]) -> Column:
    """Feeds an average with the values of an inner column, Undefined only at its beginning."""
    import numpy as np

    defined = [v for v in inner if v is not None]
    return [None] * (len(inner) - len(defined)) + ema.column(np.array(defined))


class Dema:
    """Double exponential average 2 e1 - e2, e1 = EMA of x, e2 = EMA of e1. Ready on input 2n - 1. Source: P. Mulloy, 1994."""

    __slots__ = ("_e1", "_e2", "value")

    def __init__(self, n: int) -> None:
        self._e1, self._e2 = Ema(n), Ema(n)
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        e1 = self._e1.update(x)
        if e1 is not None and (e2 := self._e2.update(e1)) is not None:
            self.value = 2.0 * e1 - e2
        return self.value

    def column(self, x: FloatArray) -> Column:
        """Feed consecutive numbers; returns the value after each."""
        first = self._e1.column(x)
        second = smoothed(self._e2, first)
        out = [None if a is None or b is None else 2.0 * a - b for a, b in zip(first, second, strict=True)]
        self.value = out[-1] if out else self.value
        return out


class Tema:
    """Triple exponential average 3 e1 - 3 e2 + e3, each the EMA of the one before. Ready on input 3n - 2.

    Source: P. Mulloy, 1994.
    """

    __slots__ = ("_e1", "_e2", "_e3", "value")

    def __init__(self, n: int) -> None:
        self._e1, self._e2, self._e3 = Ema(n), Ema(n), Ema(n)
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        e1 = self._e1.update(x)
        if e1 is not None and (e2 := self._e2.update(e1)) is not None and (e3 := self._e3.update(e2)) is not None:
            self.value = 3.0 * e1 - 3.0 * e2 + e3
        return self.value

    def column(self, x: FloatArray) -> Column:
        """Feed consecutive numbers; returns the value after each."""
        first = self._e1.column(x)
        second = smoothed(self._e2, first)
        third = smoothed(self._e3, second)
        out = [
            None if a is None or b is None or c is None else 3.0 * a - 3.0 * b + c
            for a, b, c in zip(first, second, third, strict=True)
        ]
        self.value = out[-1] if out else self.value
        return out


class Macd:
    """Moving average convergence/divergence: line = EMA(fast) - EMA(slow), signal = EMA of the line, histogram = line - signal.

    Both averages are seeded on their own first inputs. The line is exactly 0 between averages that are the same, so a
    constant market has no sign. All three are ready on input slow + signal - 1. Source: G. Appel, 1979.
    """

    __slots__ = ("_fast", "_output", "_signal", "_slow", "value")

    def __init__(self, fast: int, slow: int, signal: int, output: Literal["line", "signal", "histogram"] = "line") -> None:
        self._fast, self._slow, self._signal = Ema(fast), Ema(slow), Ema(signal)
        self._output = output
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        fast, slow = self._fast.update(x), self._slow.update(x)
        if fast is not None and slow is not None:
            line = difference(fast, slow)
            signal = self._signal.update(line)
            if signal is not None:
                self.value = self._choose(line, signal)
        return self.value

    def _choose(self, line: float, signal: float) -> float:
        if self._output == "line":
            return line
        return signal if self._output == "signal" else line - signal

    def column(self, x: FloatArray) -> Column:
        """Feed consecutive numbers; returns the value after each."""
        import numpy as np

        fast, slow = self._fast.column(x), self._slow.column(x)
        start = slow.count(None)
        lines = differences(np.array(fast[start:], dtype=np.float64), np.array(slow[start:], dtype=np.float64))
        signals = self._signal.column(lines)
        values = [None if s is None else self._choose(v, s) for v, s in zip(lines.tolist(), signals, strict=True)]
        self.value = values[-1] if values else self.value
        return [None] * start + values
