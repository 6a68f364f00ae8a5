"""What a text declares, read from its tokens alone, so that it is there while a line is half typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from qkt.lang.keywords import RESUMING
from qkt.lang.lexing import Token, lex
from qkt.lang.tree import Span


class What(StrEnum):
    """Kinds of things that have a name."""

    STRATEGY = "strategy"
    STREAM = "stream"
    LET = "LET"
    PARAM = "PARAM"
    SEQUENCE = "sequence"
    STAGE = "stage"
    LOOP = "loop variable"
    IMPORT = "import"
    REGIME = "regime state"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Entry:
    """A declared thing: its name, where the name stands, where all of it stands, and its text on one line. `parent` is the
    sequence of a stage; `path` the file of an import."""

    what: What
    name: str
    name_span: Span
    span: Span
    text: str
    parent: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Outline:
    """All declarations in the order of the text, and the tokens they were read from."""

    source: str
    tokens: list[Token]
    entries: list[Entry] = field(default_factory=list)

    def named(self, name: str, *kinds: What, parent: str = "") -> Entry | None:
        """The declaration of a name; of several with one name the first."""
        fitting = (e for e in self.entries if e.name == name and (not kinds or e.what in kinds))
        return next((e for e in fitting if not parent or e.parent == parent), None)

    def of(self, *kinds: What, parent: str = "") -> list[Entry]:
        return [e for e in self.entries if e.what in kinds and (not parent or e.parent == parent)]

    def token_at(self, offset: int) -> int | None:
        """The index of the token that an offset lies in or directly behind, words before signs."""
        touching = [i for i, t in enumerate(self.tokens[:-1]) if t.start <= offset <= t.end]
        words = [i for i in touching if self.tokens[i].text[:1].isalnum() or self.tokens[i].text[:1] == "_"]
        return next(iter(words or touching), None)


_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


def outline(source: str) -> Outline:
    """What a text declares. Never raises."""
    tokens = lex(source).tokens
    result = Outline(source, tokens)
    scan = _Scan(source, tokens)
    result.entries.extend(scan.run())
    return result


class _Scan:
    def __init__(self, source: str, tokens: list[Token]) -> None:
        self._source = source
        self._tokens = tokens
        self._block = ""
        self._sequence = ""
        self._cases = 0

    def run(self) -> Iterator[Entry]:
        for index, token in enumerate(self._tokens):
            kind = token.text.upper() if token.kind == "WORD" else token.kind
            self._cases += (kind == "CASE") - (kind == "END" and self._cases > 0)
            if kind in RESUMING:
                self._block = kind
            found = self._declared(index, kind)
            if found is not None:
                yield found

    def _declared(self, index: int, kind: str) -> Entry | None:
        match kind:
            case "STRATEGY" | "PORTFOLIO" if index == 0:
                return self._entry(What.STRATEGY, index, index + 1, index + 3)
            case "PARAM":
                return self._entry(What.PARAM, index, index + 1, self._end(index))
            case "SEQUENCE" if self._at(index + 2) == "ON":
                self._sequence = self._tokens[index + 1].text
                return self._entry(What.SEQUENCE, index, index + 1, self._closed(index))
            case "STAGE" if self._block == "SEQUENCE":
                return self._entry(What.STAGE, index, index + 1, self._end(index, "STAGE"), parent=self._sequence)
            case "EACH":
                return self._entry(What.LOOP, index - 1, index + 1, self._end(index, "DO"))
            case "IMPORT" if self._at(index + 2) == "AS":
                return self._entry(What.IMPORT, index, index + 3, index + 3, path=self._tokens[index + 1].value)
            case "STATE" if self._block == "REGIMES" or (self._block == "WHEN" and self._at(index + 2) in ("WHEN", "DEFAULT")):
                return self._entry(What.REGIME, index, index + 1, self._end(index, "STATE"))
            case "WHEN" if self._cases == 0 and self._at(index - 2) != "STATE":
                return self._entry(What.RULE, index, index, self._end(index, "RUN"))
            case "=" if self._at(index - 1) not in ("", "."):
                return self._bound(index)
            case _:
                return None

    def _bound(self, index: int) -> Entry | None:
        """`name =` as a stream of SYMBOLS, or in a LET at its beginning or behind a comma."""
        before = self._at(index - 2)
        if self._block == "SYMBOLS" and (self._at(index + 2) == ":" or self._at(index + 1) in ("BASKET", "SERIES")):
            return self._entry(What.STREAM, index - 1, index - 1, self._end(index, stop_at_binding=True))
        if self._block == "LET" and (before == "LET" or (before == "," and self._outside(index - 2))):
            return self._entry(What.LET, index - 1, index - 1, self._end(index, stop_at_binding=True))
        return None

    def _at(self, index: int) -> str:
        if not 0 <= index < len(self._tokens):
            return ""
        token = self._tokens[index]
        return token.text.upper() if token.kind == "WORD" else token.kind

    def _outside(self, index: int) -> bool:
        """Whether a place lies outside of all brackets of its block."""
        depth = 0
        while index >= 0 and self._at(index) not in RESUMING:
            depth += (self._at(index) in _CLOSING) - (self._at(index) in _OPENING)
            index -= 1
        return depth == 0

    def _end(self, index: int, word: str = "", *, stop_at_binding: bool = False) -> int:
        """The last token of what begins before `index`: all up to the next block, rule, `word`, or declaration."""
        depth = cases = 0
        for at in range(index + 1, len(self._tokens)):
            kind = self._at(at)
            if kind in _OPENING:
                depth += 1
            elif kind in _CLOSING:
                depth -= 1
            cases += (kind == "CASE") - (kind == "END")
            ends = kind in RESUMING and cases == 0 and not (kind == "SEQUENCE" and self._at(at + 1) == ".")
            binding = stop_at_binding and depth == 0 and (kind == "," or (self._block == "SYMBOLS" and self._at(at + 1) == "="))
            if depth < 0 or ends or binding or kind in ("$END", word, "SYNCHRONIZE"):
                return at - 1
        return len(self._tokens) - 1

    def _closed(self, index: int) -> int:
        """The `}` of a block that begins at `index`, or where it breaks off."""
        for at in range(index + 1, len(self._tokens)):
            if self._at(at) == "}":
                return at
            if self._at(at) in RESUMING and self._at(at) != "SEQUENCE":
                return at - 1
        return len(self._tokens) - 1

    def _entry(self, what: What, first: int, name: int, last: int, *, parent: str = "", path: str = "") -> Entry | None:
        if name >= len(self._tokens) - 1:
            return None
        last = min(max(last, name), len(self._tokens) - 2)
        a, b, named = self._tokens[first], self._tokens[last], self._tokens[name]
        text = " ".join(self._source[a.start : b.end].split())
        span = Span(a.span.line, a.span.column, b.span.end_line, b.span.end_column)
        shown = f"WHEN {text[5:60]}" if what is What.RULE else named.text
        return Entry(what, shown.strip(), named.span, span, text, parent, path)
