"""One generated function while it is being written, and the values it can name."""

from __future__ import annotations

from dataclasses import dataclass

from qkt.lang.code import Block, Code, is_defined, name
from qkt.lang.module import GeneratedModule
from qkt.lang.values import Expression, Indicator, Past, below

DERIVED = {
    "hl2": "({0}.high + {0}.low) / 2.0",
    "hlc3": "({0}.high + {0}.low + {0}.close) / 3.0",
    "ohlc4": "({0}.open + {0}.high + {0}.low + {0}.close) / 4.0",
    "timestamp": "float({0}.end)",
}
CANDLE, INSTANT = "candle", "now"
QUOTES = {"mid": "({0}.bid + {0}.ask) / 2.0", "spread": "round({0}.ask - {0}.bid, 8)"}


@dataclass(frozen=True, slots=True)
class Local:
    """A value that stands in a local variable; `maybe` tells that it can be None."""

    name: str
    maybe: bool


class Frame:
    """One function. `head` collects reads that come before everything else, `kept` is what stands in variables at this point
    of the text.

    A function that handles a closed candle of `alias` gets it as its argument and evaluates at its end; without an alias the
    argument is the evaluation time. Any other stream is read at its latest closed candle.
    """

    def __init__(self, module: GeneratedModule, alias: str | None, depth: int) -> None:
        self.module = module
        self.alias = alias
        self.instant = INSTANT if alias is None else f"{CANDLE}.end"
        self.head = Block(depth)
        self.body = Block(depth)
        self.kept: dict[Expression, Local] = {}
        self._reads: dict[Expression, str] = {}
        self._fields: dict[str, str] = {}
        self._temporaries = 0

    @property
    def argument(self) -> str:
        return INSTANT if self.alias is None else CANDLE

    def temporary(self) -> str:
        self._temporaries += 1
        return f"t{self._temporaries}"

    def forget(self, kinds: tuple[type, ...]) -> None:
        """Values made of these kinds do not stand in variables any more: they may change from here on."""
        self.kept = {
            value: local for value, local in self.kept.items() if not any(isinstance(part, kinds) for part in below(value))
        }

    def field(self, alias: str, field: str) -> tuple[tuple[Code, ...], Code]:
        """Guards and text of a stream's field: this function's own candle, or the latest one of another stream."""
        if alias != self.alias:
            latest = self.module.latest(alias)
            return self._plain_field(latest, field, (is_defined(latest),))
        if field in ("bid", "ask", *QUOTES):
            return self._plain_field(CANDLE, field, ())
        if field not in self._fields:
            self._fields[field] = field
            text = DERIVED[field].format(CANDLE) if field in DERIVED else f"{CANDLE}.{field}"
            self.head.add(f"{field} = {text}")
        return (), name(self._fields[field])

    @staticmethod
    def _plain_field(candle: str, field: str, guards: tuple[Code, ...]) -> tuple[tuple[Code, ...], Code]:
        if field in QUOTES:
            quoted = (*guards, is_defined(f"{candle}.bid"), is_defined(f"{candle}.ask"))
            return quoted, Code(f"({QUOTES[field].format(candle)})")
        text = Code(f"({DERIVED[field].format(candle)})" if field in DERIVED else f"{candle}.{field}")
        return ((*guards, is_defined(text.text)) if field in ("bid", "ask") else guards), text

    def indicator(self, value: Indicator) -> str:
        """The local variable with the indicator's output."""
        if value not in self._reads:
            self.head.add(f"{self.fed(value)} = {self.module.indicator(value)}.value")
        return self._reads[value]

    def fed(self, value: Indicator) -> str:
        """The same, where this function has just fed the indicator."""
        return self._reads.setdefault(value, f"{self.module.indicator(value)}_value")

    def past(self, value: Past) -> str:
        """The local variable with a value of so many bars ago."""
        if value not in self._reads:
            self.read_past(value, self.head)
        return self._reads[value]

    def read_past(self, value: Past, block: Block) -> None:
        queue, depth = self.module.past(value)
        self._reads[value] = self.module.past_local(value)
        block.add(f"{self._reads[value]} = {queue}[{depth - value.bars}]")
