"""Random programs: sentences of the grammar itself, so that a new production is covered as soon as it is written.

A program is derived from the rules of `grammar.lark` down to its words. Where the parser checks more than the grammar says (a
sequence has two stages, fractions make one at most) a rule of its own stands below. Names mean nothing, so these programs parse
but do not check.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from lark.grammar import NonTerminal

from qkt.lang.fields import EXIT_FIELDS, NOW_FIELDS, POSITION_FIELDS
from qkt.lang.keywords import CONTEXTUAL, RESERVED
from qkt.lang.tables import GRAMMAR, _lark

STREAMS = ("k", "gold", "m2", "day")
NAMES = ("slow", "px", "entry", "T", "step", "Open", "info", "_x")
FUNCTIONS = ("ema", "ATR", "sma", "sqrt", "clamp", "close", "log", "nothing")
VENUE_SYMBOLS = ("EURUSD", "BRK.B", "1000PEPE", "US-500", "NOW", '"US500.cash"', "'x y#--z'")
TEXTS = ('"a"', "'b\"c'", '"it\\\'s \\\\ \\n\\t"', '"Ä -- 🜚 # /*"', "''")
NUMBERS = ("0", "1", "2.50", "1e3", "0.0000000001", "12345678901234567890.5", "1E-7", "007")
DURATIONS = ("90s", "15m", "120m", "2h", "1d", "3w", "1000000s")
COMMENTS = ("-- c\n", "# c\n", "/* c */", "/* c\n   d */", "\n\n-- c\n\n")
DEEPEST = 60


@dataclass(frozen=True)
class Production:
    """One way to write `origin`: symbols of the grammar and, as they are written, words. `name` is what builds its node."""

    number: int
    origin: str
    name: str
    parts: tuple[tuple[bool, str], ...]  # whether it is a symbol that has productions of its own, and which


@functools.cache
def grammar() -> tuple[dict[str, list[Production]], dict[str, list[Production]]]:
    """The productions of every symbol, and of every symbol those that end soonest."""
    lark = _lark(GRAMMAR.read_text(encoding="utf-8"))
    texts = {t.name: t.pattern.value.replace("\\", "") for t in lark.terminals if t.pattern is not None}
    productions: defaultdict[str, list[Production]] = defaultdict(list)
    for number, rule in enumerate(lark.rules):
        parts = tuple((isinstance(s, NonTerminal), texts.get(str(s.name), str(s.name))) for s in rule.expansion)
        origin = str(rule.origin.name)
        productions[origin].append(Production(number, origin, str(rule.alias or origin), parts))
    heights: dict[str, int] = {}
    while len(heights) < len(productions):
        for origin, several in productions.items():
            known = [h for one in several if (h := _height(one, heights)) is not None]
            if known:
                heights[origin] = min(known)
    ending = {origin: [p for p in several if _height(p, heights) == heights[origin]] for origin, several in productions.items()}
    return dict(productions), ending


def _height(production: Production, heights: dict[str, int]) -> int | None:
    parts = [heights.get(name) if symbol else 0 for symbol, name in production.parts]
    return None if None in parts else 1 + max((p for p in parts if p is not None), default=0)


def program(random: Random, used: set[int] | None = None) -> str:
    """The text of a strategy or portfolio. Nearly all parse; the rest breaks one of the parser's own checks. The numbers
    of the productions it is made of are added to `used`, and a production that is not in it yet is chosen more often."""
    derivation = _Derivation(random, used if used is not None else set())
    return _laid_out(random, derivation.derive("file", 0))


class _Derivation:
    def __init__(self, random: Random, used: set[int]) -> None:
        self._random = random
        self._used = used
        self._productions, self._ending = grammar()
        self._fresh = 0
        self._left = random.choice((30, 100, 200, 300))  # productions to go before everything comes to its end
        self._in_expression = False
        self._own: dict[str, Callable[[int], list[str]]] = {
            "_blocks": self._blocks,
            "_parts": self._parts,
            "strategy_header": lambda _: ["STRATEGY", self._name(), "VERSION", "3"],
            "version": lambda _: [random.choice(("1", "2", "2147483647"))],
            "warmup": lambda _: [random.choice(("1", "300"))],
            "layer_count": lambda _: [random.choice(("1", "4"))],
            "minute": lambda _: [random.choice(("0", "07", "59"))],
            "timeframe": lambda _: random.choice((["1m"], ["4h"], ["1", "h"], ["2", "weeks"])),
            "time_of_day": self._time_of_day,
            "sequence": self._sequence,
            "basket": lambda _: [
                self._new(),
                *["=", "BASKET", "EQUAL_WEIGHT", "[", "k", ",", "gold", ",", "m2", "]", "EVERY", "1h"],
            ],
            "equity_series": lambda _: [self._new(), *["=", "SERIES", "ACCOUNT", ".", "EQUITY", "EVERY", "5m"]],
            "synchronize": self._synchronize,
            "scale_leg": lambda depth: [random.choice(("0.1", "0.25")), *self.derive("exit_price", depth)],
            "oco": self._oco,
            "stage": self._stage,
            "layer": lambda depth: self._layer(depth, random.choice(("layer", "layer_at"))),
            "bars_ago": lambda _: ["[", random.choice(("0", "1", "25")), "]"],
            "ago": lambda _: ["T", "-", random.choice(("1", "12"))],
            "log_field": lambda depth: [self._new(), "=", *self.derive("expr", depth)],
            "oco_leg": lambda depth: self.derive("entry", depth),
            "_loop_rules": lambda depth: [*self.derive("rule", depth), *self._maybe("rule", depth)],
            "override": lambda depth: [self._new(), "=", *self.derive("literal", depth)],
            "param": lambda depth: ["PARAM", self._new(), "=", *self.derive("literal", depth)],
            "binding": lambda depth: [self._new(), "=", *self.derive("expr", depth)],
        }

    def derive(self, symbol: str, depth: int) -> list[str]:
        """The words of one way to write a symbol of the grammar."""
        if symbol == "expr" and not self._in_expression:
            return self._expression(depth)
        if symbol in self._own:
            self._cover(symbol)
            return self._own[symbol](depth + 1)
        ways = self._productions[symbol] if self._left > 0 and depth < DEEPEST else self._ending[symbol]
        return self._expanded(self._chosen(ways), depth + 1)

    def _expression(self, depth: int) -> list[str]:
        """An outermost expression, whose size is counted by itself."""
        left, self._left, self._in_expression = self._left, self._random.choice((0, 15, 60)), True
        words = self.derive("expr", depth)
        self._left, self._in_expression = left, False
        return words

    def _chosen(self, among: list[Production]) -> Production:
        new = [production for production in among if production.number not in self._used]
        chosen = self._random.choice(new if new and self._random.random() < 0.5 else among)
        self._used.add(chosen.number)
        self._left -= 1
        return chosen

    def _cover(self, symbol: str) -> None:
        self._used.update(production.number for production in self._productions[symbol])

    def _expanded(self, production: Production, depth: int) -> list[str]:
        special = self._special(production, depth)
        if special is not None:
            return special
        words: list[str] = []
        for symbol, name in production.parts:
            words += self.derive(name, depth) if symbol else [self._terminal(name)]
        return words

    def _special(self, rule: Production, depth: int) -> list[str] | None:
        """Productions whose words the parser looks at more closely."""
        choice = self._random.choice
        match rule.name:
            case "over":
                return [choice(("MIN", "max")), "(", *self.derive("expr", depth), ")", "OVER", "20", "BARS"]
            case "risk_percent":
                return ["0.5", "PCT", "RISK", *(["OF", "BOOK"] if len(rule.parts) == 4 else [])]
            case "now" if len(rule.parts) > 1:
                return ["NOW", ".", choice(NOW_FIELDS)]

            case "exit_state":
                return ["EXIT", ".", choice(tuple(EXIT_FIELDS))]
            case "position" if len(rule.parts) > 3:
                return ["POSITION", ".", self._name(), ".", choice(tuple(POSITION_FIELDS))]
            case "stream":
                venue = choice(("SIM", "exness", "NOW"))
                warmup = choice(([], ["WARMUP", *self.derive("warmup", depth), "BARS"]))
                return [self._new(), "=", venue, ":", choice(VENUE_SYMBOLS), "EVERY", *self.derive("timeframe", depth), *warmup]
            case "stack_layers":
                self._cover("__stack_star_19")
                more = [word for _ in range(self._random.randrange(3)) for word in [",", *self._layer(depth, "layer_at")]]
                return ["[", *self._layer(depth, "layer"), *more, *choice(([], [","])), "]", *self._maybe("within", depth)]
            case _:
                return None

    def _terminal(self, name: str) -> str:
        choice = self._random.choice
        match name:
            case "IDENT":
                return self._name()
            case "FIELD":
                return choice((self._name(), choice(("close", "open", "when", "BUY", "stage", "price"))))
            case "NUMBER":
                return choice(NUMBERS)
            case "DURATION":
                return choice(DURATIONS)
            case "STRING":
                return choice(TEXTS)
            case "VENUE_SYMBOL":
                return choice(VENUE_SYMBOLS)
            case "AGGREGATE":
                return choice(("MAX", "min", "MEAN", "Sum"))
            case "_PERCENT_OF":
                return choice(("%OF", "% OF", "%  -- of\n of"))
            case _:
                return name

    def _name(self) -> str:
        return self._random.choice(STREAMS + NAMES + FUNCTIONS)

    def _new(self) -> str:
        self._fresh += 1
        return f"n{self._fresh}"

    def _maybe(self, symbol: str, depth: int) -> list[str]:
        return self.derive(symbol, depth) if self._random.random() < 0.5 else []

    # --------------------------------------------------------------------------------- what the grammar leaves to the parser

    def _blocks(self, depth: int) -> list[str]:
        """DEFAULTS and SYMBOLS once and first, the others in any number and order."""
        first = [self._maybe("defaults", depth), self.derive("symbols", depth)]
        self._random.shuffle(first)
        others = ("let", "param", "schedule", "sequence", "rules", "rules")
        more = [self.derive(self._random.choice(others), depth) for _ in range(self._random.randrange(4))]
        self._cover("block")
        return [word for part in (*first, *more) for word in part]

    def _parts(self, depth: int) -> list[str]:
        words = self._maybe("symbols", depth)
        for part in ("child", "child", "let", "param", "regimes", "allocate", "runs"):
            words += self._maybe(part, depth)
        self._cover("part")
        return words

    def _time_of_day(self, _: int) -> list[str]:
        seconds = self._random.choice(([], [":", "05"]))
        return [self._random.choice(("0", "07", "23")), ":", self._random.choice(("00", "30", "59")), *seconds]

    def _sequence(self, depth: int) -> list[str]:
        words = ["SEQUENCE", self._new(), "ON", self._name(), "{"]
        self._cover("__sequence_plus_5")
        for _ in range(self._random.choice((2, 3, 8))):
            words += self.derive("stage", depth)
        return [*words, "}"]

    def _stage(self, depth: int) -> list[str]:
        return ["STAGE", self._new(), *self._maybe("within", depth), ":", *self.derive("expr", depth)]

    def _synchronize(self, depth: int) -> list[str]:
        self._cover("__synchronize_plus_2")
        return [*["SYNCHRONIZE", "k", "gold", "m2"], *self._maybe("within", depth)]

    def _oco(self, depth: int) -> list[str]:
        self._cover("oco_exit")
        self._cover("__oco_star_18")
        legs = [[word, "AT", *self.derive("expr", depth)] for word in ("STOP", "LIMIT")]
        self._random.shuffle(legs)
        return ["{", *legs[0], ",", *legs[1], "}"]

    def _layer(self, depth: int, kind: str) -> list[str]:
        """A layer as the first of its list (`layer`) or behind it, where it needs a price (`layer_at`)."""
        ways = [p for p in self._productions["layer"] if kind == "layer" or p.name != "layer_market"]
        return self._expanded(self._chosen(ways), depth + 1)


_CASED = RESERVED | CONTEXTUAL


def _laid_out(random: Random, words: list[str]) -> str:
    """The words on lines, in any case, with comments between them."""
    comments = random.choice((0.0, 0.0, 0.05))
    cased = random.choice((str.upper, str.lower, str.title))
    text: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        names = before == "." or (word in STREAMS or word in NAMES or word in FUNCTIONS)
        text.append(cased(word) if word.upper() in _CASED and not names else word)
        text.append("\n" if random.random() < 0.15 else " ")
        if random.random() < comments:
            text.append(f"{random.choice(COMMENTS)} ")
    return "".join(text)
