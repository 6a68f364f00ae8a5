"""Source text -> the syntax tree, and everything that is wrong with its grammar."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from qkt.lang import tree
from qkt.lang.building import BUILDERS, Builder, Place
from qkt.lang.diagnostics import Diagnostic
from qkt.lang.expecting import describe, words_of
from qkt.lang.keywords import RESERVED, RESUMING
from qkt.lang.lexing import ILLEGAL, WORD, Lexed, Token, lex
from qkt.lang.tables import END, Tables, load_tables
from qkt.lang.tree import Span


@dataclass(frozen=True, slots=True)
class ParseResult:
    """`file` is there when all names that the text declares are in it, even if rules with errors had to be left out. `lexed` is
    what it was made of."""

    file: tree.Strategy | tree.Portfolio | None
    problems: tuple[Diagnostic, ...]
    lexed: Lexed = field(repr=False)
    path: str = "<text>"


def parse(source: str, path: str = "<text>") -> ParseResult:
    """The tree of a text, and all errors and warnings of its grammar in the order of the text. Never raises for bad text."""
    lexed = lex(source)
    parser = _Parser(load_tables(), lexed.tokens)
    file = parser.run()
    problems = sorted((*lexed.problems, *parser.place.problems), key=lambda p: (p.span.line, p.span.column))
    return ParseResult(file, tuple(problems), lexed, path)


def continuations(source: str) -> frozenset[str]:
    """The terminals with which a text that breaks off can go on: what an editor may offer behind it."""
    parser = _Parser(load_tables(), lex(source).tokens)
    return frozenset(parser.read_on())


_INSERTED = ("THEN", "DO", "RULES")  # words whose absence is mended, so that reading can go on
_LOSES_NO_NAMES = {"WHEN", "RUN", "SCHEDULE"}  # what begins so declares nothing that other parts of a file use
_SHIFT = -1
_NEAR = 0.65  # how alike a word and the word that was meant must be to read on as if it had been written


class _Parser:
    """Runs the tables over the tokens. Three stacks in step: `states` (one more), `values`, and the `firsts` token of each."""

    def __init__(self, tables: Tables, tokens: list[Token]) -> None:
        self._tables = tables
        self._tokens = tokens
        self._builders = _builders()
        self._in_case = _inside_case(tokens)
        self._names_lost = False
        self._header_lost = False
        self._states = [tables.start]
        self._values: list[Any] = []
        self._firsts: list[Token] = []
        self._last: Token | None = None
        self.place = Place(tokens[0])

    def run(self) -> tree.Strategy | tree.Portfolio | None:
        self._read(len(self._tokens))
        file = self._values[0] if len(self._values) == 1 else None
        if not isinstance(file, tree.Strategy | tree.Portfolio) or self._names_lost:
            return None
        return None if self._header_lost and not file.declarations else file

    def read_on(self) -> set[str]:
        """What could follow the last token before the end."""
        self._read(len(self._tokens) - 1)
        return self._expected(self._states)

    def _read(self, until: int) -> None:
        index = 0
        while index < until:
            token = self._tokens[index]
            if self._feed(token, token.kind if token.kind != WORD else self._kind(index)):
                index += 1
            else:
                index = self._recover(index)

    # ------------------------------------------------------------------------------------------------------ the machine

    def _feed(self, token: Token, kind: str) -> bool:
        """Reduces and shifts; False, with nothing done, if the token cannot follow."""
        states = self._states
        shift = self._tables.actions[states[-1]].get(kind, -1)
        if shift < 0:
            steps = self._steps((kind,), states)
            if steps is None:
                return False
            self.place.next = token
            for number, state in steps:
                if number != _SHIFT:
                    self._reduce(number, state, token)
            if not steps or steps[-1][0] != _SHIFT:
                return True  # the end
            shift = steps[-1][1]
        states.append(shift)
        self._values.append(token)
        self._firsts.append(token)
        self._last = token
        return True

    def _reduce(self, number: int, state: int, upcoming: Token) -> None:
        """Puts what a reduction makes of the last values in their place; it leads to a state."""
        rule = self._tables.reductions[number]
        keep = len(self._values) - rule.size
        values = self._values[keep:]
        first = self._firsts[keep] if values else upcoming
        del self._values[keep:], self._states[keep + 1 :], self._firsts[keep:]
        children: list[Any] = []
        for index in rule.shape:
            if index is None:
                children.append(None)
            elif index >= 0:
                children.append(values[index])
            elif children:
                children.extend(values[~index])
            else:
                children = values[~index]  # nobody else has it, and a list that grows rule by rule is not copied each time
        builder = self._builders[number]
        value: Any
        if rule.single and len(children) == 1:
            value = children[0]
        elif builder is None:
            value = children
        else:
            place = self.place
            place.first = first
            place.span = self._span(first) if rule.size else Span(*_start(first), *_start(first))
            value = builder(place, *children)
        self._values.append(value)
        self._firsts.append(first)
        self._states.append(state)

    def _span(self, first: Token) -> Span:
        line, column, _, _ = first.span
        _, _, end_line, end_column = (self._last or first).span
        return Span(line, column, end_line, end_column)

    def _viable(self, *kinds: str, states: list[int] | None = None) -> bool:
        """Whether these terminals could follow one after the other."""
        return self._steps(kinds, self._states if states is None else states) is not None

    def _steps(self, kinds: Iterable[str], below: list[int]) -> list[tuple[int, int]] | None:
        """What these terminals, one after the other, do to a stack of states: reductions by number, or `_SHIFT`, each with the
        state it leads to. None where one cannot follow. An end that is accepted does nothing more."""
        tables = self._tables
        actions, reductions, landing = tables.actions, tables.reductions, tables.landing
        steps: list[tuple[int, int]] = []
        kept = len(below)  # so many states of the stack are left; new ones come on top of them without copying it
        above: list[int] = []
        state = below[-1]
        for kind in kinds:
            while (action := actions[state].get(kind)) is not None and action < 0:
                rule = reductions[~action]
                if rule.size > len(above):
                    kept -= rule.size - len(above)
                    above.clear()
                elif rule.size:
                    del above[-rule.size :]
                state = landing(above[-1] if above else below[kept - 1], rule.origin, kind)
                above.append(state)
                steps.append((~action, state))
            if action is not None:
                state = action
                above.append(state)
                steps.append((_SHIFT, state))
            elif kind != END or state != tables.end:
                return None
        return steps

    def _kind(self, index: int) -> str:
        """The terminal of a contextual word: itself where the grammar has a place for it, a name anywhere else."""
        word = self._tokens[index].text.upper()
        if not self._viable("IDENT"):
            return word
        if not self._viable(word):
            return "IDENT"
        after = self._tokens[index + 1].kind
        return "IDENT" if not self._viable(word, after) and self._viable("IDENT", after) else word

    # --------------------------------------------------------------------------------------------------------- recovery

    def _recover(self, index: int) -> int:
        """Reports the error at a token, mends it or skips what cannot be read, and says at which token to go on."""
        if self._tokens[index].kind == ILLEGAL:
            return self._skip(index)
        expected = self._expected(self._states)
        if expected == {"="} and (back := self._misread_word(index)) is not None:
            index, expected = back
        token = self._tokens[index]
        kind = token.text.upper() if token.kind == WORD else token.kind
        missing = next((word for word in _INSERTED if self._viable(word, kind)), None)
        meant = self._meant(token, expected) if missing is None else None
        self._report(token, expected, meant, missing)
        if missing is not None:
            self._feed(Token(missing, missing, token.start, token.start, Span(*_start(token), *_start(token))), missing)
            return index
        if meant is not None:
            self._feed(Token(meant, meant, token.start, token.end, token.span), meant)
            return index + 1
        return self._skip(index)

    def _expected(self, states: list[int]) -> set[str]:
        return {kind for kind in self._tables.actions[states[-1]] if self._viable(kind, states=states)}

    def _misread_word(self, index: int) -> tuple[int, set[str]] | None:
        """`LOG "a" x=1 CLOSE k`: CLOSE was read as the name of a field, which lacks its `=`. What does not belong is CLOSE."""
        states = self._states[:-1]
        expected = self._expected(states)
        word = self._values[-1]
        if not isinstance(word, Token) or word.kind not in ("IDENT", WORD) or expected <= {"IDENT"}:
            return None
        del self._states[-1], self._values[-1], self._firsts[-1]
        return index - 1, expected

    def _meant(self, token: Token, expected: set[str]) -> str | None:
        if not token.text.isidentifier() or token.kind in RESERVED:
            return None
        near = difflib.get_close_matches(token.text.upper(), words_of(expected), n=1, cutoff=_NEAR)
        return near[0] if near else None

    def _report(self, token: Token, expected: set[str], meant: str | None, missing: str | None) -> None:
        found = "end of the file" if token.kind == END else f"'{token.text}'"
        if expected == {"STRATEGY", "PORTFOLIO"}:
            hint = "a file begins with STRATEGY name VERSION 1, or with PORTFOLIO"
            self.place.error("QKT0101", token.span, f"unexpected {found}", hint if meant is None else f"did you mean {meant}?")
            return
        if missing == "RULES":
            self.place.error("QKT0104", token.span, f"{token.kind} outside RULES", "write RULES before it")
            return
        hint = f"expected {describe({missing} if missing else expected)}"
        if meant is not None:
            hint += f". Did you mean {meant}?"
        elif token.kind in RESUMING and "LET" in expected:
            hint = f"a {'portfolio' if 'IMPORT' in expected else 'strategy'} has no {token.kind}"
        elif expected == {"IDENT"} and self._last is not None and self._last.kind == "NUMBER":
            hint = f"expected the unit of {self._last.text}: s, m, h, d or w"
        elif "IDENT" in expected and token.kind in RESERVED and "CASE" not in expected:
            hint += f"; {token.kind} is a word of the language and cannot be a name"
        self.place.error("QKT0100", token.span, f"unexpected {found}", hint)

    def _skip(self, index: int) -> int:
        """Drops what cannot be read, up to a token from which reading can go on, and the unfinished part before it."""
        if not any(state in self._tables.resuming for state in self._states):
            self._pretend_header()
        for at in range(index, len(self._tokens)):
            kind = self._tokens[at].kind
            if kind != END and (kind not in RESUMING or (kind == "WHEN" and at in self._in_case)):
                continue
            for depth in range(len(self._states), 0, -1):
                if self._states[depth - 1] in self._tables.resuming and self._viable(kind, states=self._states[:depth]):
                    self._note_loss(depth - 1, self._tokens[index:at])
                    del self._states[depth:], self._values[depth - 1 :], self._firsts[depth - 1 :]
                    return at
        return len(self._tokens)

    def _note_loss(self, kept: int, skipped: list[Token]) -> None:
        if kept < len(self._values):
            reduced = not isinstance(self._values[kept], Token)
            self._names_lost |= not reduced and self._firsts[kept].kind not in _LOSES_NO_NAMES
        else:
            self._names_lost |= any(token.kind == "=" for token in skipped)

    def _pretend_header(self) -> None:
        """Reads the blocks of a file without a readable header as those of the kind of file that has such blocks."""
        self._header_lost = True
        is_portfolio = any(token.kind in ("PORTFOLIO", "IMPORT", "RUN") for token in self._tokens)
        origin = "portfolio_header" if is_portfolio else "strategy_header"
        name = tree.Ident(Span(*_start(self._tokens[0]), *_start(self._tokens[0])), "")
        self._states = [self._tables.start, self._tables.gotos[self._tables.start][origin]]
        self._values = [(name, 1, None) if is_portfolio else (name, 1)]
        self._firsts = [self._tokens[0]]


@functools.cache
def _builders() -> list[Builder | None]:
    """What makes the value of each reduction, None where its parts are handed on as a list."""
    return [BUILDERS.get(reduction.name) for reduction in load_tables().reductions]


def _start(token: Token) -> tuple[int, int]:
    return token.span.line, token.span.column


def _inside_case(tokens: list[Token]) -> set[int]:
    """The places between a CASE and its END, whose WHEN begins no rule."""
    inside: set[int] = set()
    closed: list[tuple[int, int]] = []
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind == "CASE":
            opened.append(index)
        elif token.kind == "END" and opened:
            closed.append((opened.pop(), index))
        elif token.kind in RESUMING and token.kind != "WHEN":
            opened.clear()
    covered = 0
    for first, last in sorted(closed):  # one inside of another adds nothing
        inside.update(range(max(first, covered), last))
        covered = max(covered, last)
    return inside
