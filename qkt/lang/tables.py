"""The grammar as LALR tables: compiled by Lark once, kept as plain data in the user's cache directory.

Compiling takes a few hundred milliseconds, which a command that checks one file would feel; loading takes about ten. Without a
usable cache the tables are compiled again, silently.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lark import Lark
    from lark.grammar import Rule

GRAMMAR = Path(__file__).with_name("grammar.lark")

END = "$END"
_START = "file"
_RESUMING = {"strategy_header", "portfolio_header", "_blocks", "_parts", "_rules", "_runs", "loop", "_loop_rules"}


@dataclass(frozen=True, slots=True)
class Reduction:
    """A rule of the grammar as the parser applies it to the values on its stack.

    `shape` says what becomes of the `size` values: their indices in order, `~i` where value `i` is a list to be spliced in,
    and None where an optional part was left out; values not listed are words and punctuation. `name` is the function
    that makes the node; an empty name hands the values on as a list, and `single` hands on an only value as it is.
    """

    origin: str
    name: str
    size: int
    shape: tuple[int | None, ...]
    single: bool

    @property
    def passes_on(self) -> bool:
        """Whether it does no more than give one value another name, as most levels of an expression do."""
        return self.single and self.shape == (0,) and self.size == 1


@dataclass(frozen=True, slots=True)
class Tables:
    """`actions` by state and terminal: the next state, or `~r` to apply reduction `r`. A terminal that the grammar writes in
    quotes is known by that text, every other by its name. Reading can be taken up again in the `resuming` states."""

    actions: list[dict[str, int]]
    gotos: list[dict[str, int]]
    reductions: list[Reduction]
    start: int
    end: int
    resuming: frozenset[int]
    _landings: dict[tuple[int, str, str], int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def landing(self, state: int, origin: str, kind: str) -> int:
        """The state that an `origin` behind `state` leads to when `kind` comes next, with all reductions done that would only
        hand the value on: of the ten levels between a name and a condition, none costs a step of its own."""
        key = (state, origin, kind)
        found = self._landings.get(key)
        if found is None:
            found = self.gotos[state][origin]
            while (action := self.actions[found].get(kind, 0)) < 0 and self.reductions[~action].passes_on:
                found = self.gotos[state][self.reductions[~action].origin]
            self._landings[key] = found
        return found


@functools.cache
def load_tables() -> Tables:
    """The tables of this version's grammar, from the cache if it has them."""
    source = GRAMMAR.read_bytes()
    key = hashlib.sha256(source + Path(__file__).read_bytes()).hexdigest()[:16]
    cached = _cache_directory() / f"grammar-{key}.json"
    try:
        return _from_data(json.loads(cached.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError):
        data = compile_grammar(source.decode())
        _write(cached, json.dumps(data, separators=(",", ":")))
        return _from_data(data)


def _cache_directory() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("qkt", appauthor=False)


def _write(path: Path, text: str) -> None:
    """Whole or not at all, so that a reader never sees half a file. A directory that cannot be written costs only time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(name, path)
        except OSError:
            os.unlink(name)
            raise


def _from_data(data: dict[str, Any]) -> Tables:
    return Tables(
        actions=data["actions"],
        gotos=data["gotos"],
        reductions=[Reduction(o, name, size, tuple(shape), single) for o, name, size, shape, single in data["reductions"]],
        start=data["start"],
        end=data["end"],
        resuming=frozenset(data["resuming"]),
    )


# -------------------------------------------------------------------------------------------------------------- compiling


def compile_grammar(source: str) -> dict[str, Any]:
    """The tables as plain data. Conflicts that Lark resolves in favour of the longer form are listed in the tests."""
    from lark.parsers.lalr_analysis import Shift

    lark = _lark(source)
    table = lark.parse_interactive("").parser_state.parse_conf.parse_table
    text_of = {t.name: t.pattern.value for t in lark.terminals if t.pattern is not None}
    rules = {rule: i for i, rule in enumerate(lark.rules)}

    order = [table.start_states[_START]]  # Lark numbers its states anew in every run; here they are in order of their reach
    numbers = {order[0]: 0}
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for state in order:
        actions.append({})
        gotos.append({})
        for symbol, (kind, target) in sorted(table.states[state].items()):
            if kind is not Shift:
                actions[-1][text_of.get(symbol, symbol)] = ~rules[target]
                continue
            row = gotos[-1] if symbol.islower() else actions[-1]
            if target not in numbers:
                numbers[target] = len(order)
                order.append(target)
            row[text_of.get(symbol, symbol)] = numbers[target]
    return {
        "actions": actions,
        "gotos": gotos,
        "reductions": [_reduction(rule) for rule in rules],
        "start": 0,
        "end": numbers[table.end_states[_START]],
        "resuming": sorted({target for row in gotos for symbol, target in row.items() if symbol in _RESUMING}),
    }


def _lark(source: str) -> Lark:
    from lark import Lark
    from lark.lexer import Lexer

    class NoLexer(Lexer):
        """The tokens come from lexing.py."""

        def __init__(self, _conf: object) -> None: ...

        def lex(self, _state: object) -> Iterator[Any]:  # type: ignore[override]
            return iter(())

    return Lark(source, parser="lalr", lexer=NoLexer, start=_START, maybe_placeholders=True)


def _reduction(rule: Rule) -> tuple[str, str, int, list[int | None], bool]:
    from lark.grammar import Terminal

    origin = str(rule.origin.name)
    helper = origin.startswith("_")
    shape: list[int | None] = []
    # empty_indices has a True for every value that an optional part would have given, between a False for each symbol present
    flags = list(rule.options.empty_indices) or [False] * len(rule.expansion)
    position = 0
    for empty in flags:
        if empty:
            shape.append(None)
            continue
        symbol = rule.expansion[position]
        if isinstance(symbol, Terminal):
            if rule.options.keep_all_tokens or not symbol.filter_out:
                shape.append(position)
        else:
            shape.append(~position if symbol.name.startswith("_") else position)
        position += 1
    name = "" if helper else str(rule.alias or origin)
    return origin, name, len(rule.expansion), shape, bool(rule.options.expand1 and not rule.alias)
