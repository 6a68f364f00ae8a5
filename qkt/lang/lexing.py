"""Text -> tokens, each with its place; comments apart. Whatever is wrong with a character is said here, and reading goes on."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal

from qkt.lang.diagnostics import Diagnostic
from qkt.lang.keywords import AGGREGATES, CONTEXTUAL, RESERVED
from qkt.lang.tables import END
from qkt.lang.tree import Span

WORD = "WORD"  # a contextual word: what it is depends on where it stands, which the parser knows
ILLEGAL = "ILLEGAL"  # fits nowhere, and has been reported already

_COMMENT = r"--[^\n]*|\#[^\n]*|/\*.*?\*/"
_SPACE = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(
    rf"""
      (?P<comment>     {_COMMENT})
    | (?P<word>        [A-Za-z_][A-Za-z0-9_]*)
    | (?P<malformed>   [0-9]+(?:\.[0-9]+)?[eE](?![0-9]|[+-][0-9])[+-]?)
    | (?P<duration>    [0-9]+(?:[smhd]|w(?![A-Za-z0-9_])))
    | (?P<number>      [0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<text>        "(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    | (?P<percent>     %(?:[ \t\r\n]+|{_COMMENT})*[oO][fF](?![A-Za-z0-9_]))
    | (?P<punctuation> ->|==|!=|<>|<=|>=|/(?!\*)|[=<>+*%@:${{}}\[\](),.;-])
    """,
    re.VERBOSE | re.DOTALL,
)
_VENUE_SYMBOL = re.compile(r"[A-Za-z0-9_.](?:[A-Za-z0-9_.]|-(?!-))*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"'": "'", '"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_KINDS = {**dict.fromkeys(CONTEXTUAL, WORD), **{word: word for word in RESERVED}}
UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
ENDLESS = "a duration of more than a century"
_CENTURY_MS = 36_525 * UNITS["d"]
_SHORT, _LONGEST = 20, 1_000  # characters of a number: few enough not to look closer, and more than anyone means
_LARGEST_EXPONENT = 308
_RUN_OF_LETTERS = re.compile(r"[^\W\d_]+")
_MEANT = {
    "&": "write AND",
    "|": "write OR",
    "!": "write NOT, or != to compare",
    "\u00a0": "this is a non-breaking space, write a plain one",
    **dict.fromkeys("“”„‘’", "write plain quotes, \" or '"),
    **dict.fromkeys("–—−", "write a plain minus, -"),
    **dict.fromkeys("≤≥≠", "write <=, >= or !="),
}


@dataclass(slots=True)
class Token:
    """`kind` is a terminal of the grammar, `WORD` or `ILLEGAL`; `text` stands in the source from `start` to `end`; `value` is
    the text without quotes and escapes."""

    kind: str
    text: str
    start: int
    end: int
    span: Span
    value: str = ""


@dataclass(frozen=True, slots=True)
class Lexed:
    """`tokens` end with one of kind `$END` behind the last character. `comments` as written, line ends excluded."""

    tokens: list[Token]
    comments: list[Token]
    problems: list[Diagnostic]


def lex(source: str) -> Lexed:
    """All tokens of a text. Never raises."""
    return _Lexer(source).run()


def is_venue_symbol(text: str) -> bool:
    """Whether a venue's symbol can be written without quotes."""
    return _VENUE_SYMBOL.fullmatch(text) is not None


def is_endless(text: str) -> bool:
    """Whether a duration is longer than anyone means."""
    number, unit = text[:-1], text[-1:]
    return number.isdecimal() and unit in UNITS and (len(number) > _SHORT or int(number) * UNITS[unit] > _CENTURY_MS)


class _Lexer:
    def __init__(self, source: str) -> None:
        self._source = source
        self._lines = [0, *(m.end() for m in re.finditer("\n", source))]
        self._line = 1  # of the last place asked for
        self._symbol = -1  # the number of the token that may be a venue's symbol, after PREFIX:
        self._lexed = Lexed([], [], [])

    def run(self) -> Lexed:
        source = self._source
        tokens = self._lexed.tokens
        space, token = _SPACE.match, _TOKEN.match
        at = 1 if source.startswith("\ufeff") else 0  # the mark that some editors put in front
        while (at := space(source, at).end()) < len(source):  # type: ignore[union-attr]
            if len(tokens) == self._symbol and (symbol := _VENUE_SYMBOL.match(source, at)):
                at = self._add("VENUE_SYMBOL", at, symbol.end())
                continue
            found = token(source, at)
            if found is None:
                at = self._refuse(at)
                continue
            end = found.end()
            match found.lastgroup:
                case "word":
                    word = found.group()
                    tokens.append(Token(self._kind_of_word(word), word, at, end, self.span(at, end), word))
                case "punctuation":
                    sign = found.group()
                    self._look_back_from(sign)
                    tokens.append(Token(sign, sign, at, end, self.span(at, end), sign))
                case "number":
                    self._number(at, end)
                case "comment":
                    self._comment(at, end)
                case "text":
                    self._text(at, end)
                case "malformed":
                    self._problem("QKT0005", at, end, f"malformed number '{found.group()}'", "digits must follow the e")
                    self._add("NUMBER", at, end, value="0")
                case "percent":
                    self._add("_PERCENT_OF", at, end)
                case _:
                    self._duration(at, end)
            at = end
        self._add(END, len(source), len(source))
        return self._lexed

    def span(self, start: int, end: int) -> Span:
        """Most places are on the line of the one before; the others are searched for."""
        lines, line = self._lines, self._line
        if not lines[line - 1] <= start or (line < len(lines) and lines[line] <= start):
            self._line = line = bisect_right(lines, start)
        begin = lines[line - 1]
        if line == len(lines) or end <= lines[line] or end <= start + 1:
            return Span(line, start - begin + 1, line, end - begin + 1)
        last = bisect_right(lines, end - 1)
        return Span(line, start - begin + 1, last, end - lines[last - 1] + 1)

    def _add(self, kind: str, start: int, end: int, value: str | None = None) -> int:
        text = self._source[start:end]
        self._lexed.tokens.append(Token(kind, text, start, end, self.span(start, end), text if value is None else value))
        return end

    def _problem(self, code: str, start: int, end: int, message: str, hint: str | None = None) -> None:
        self._lexed.problems.append(Diagnostic(code, "error", self.span(start, end), message, hint))

    def _comment(self, start: int, end: int) -> None:
        text = self._source[start:end].rstrip()
        end = start + len(text)
        self._lexed.comments.append(Token("COMMENT", text, start, end, self.span(start, end), text))

    def _kind_of_word(self, word: str) -> str:
        tokens = self._lexed.tokens
        if tokens and (tokens[-1].kind == "." or (len(tokens) == 1 and tokens[0].kind == "STRATEGY")):
            return "FIELD"
        return _KINDS.get(word.upper(), "IDENT")

    def _look_back_from(self, sign: str) -> None:
        """Two signs decide what the word before them is: `max(` is the function, `PREFIX:` is a name whatever it spells."""
        tokens = self._lexed.tokens
        if sign == "(" and tokens and tokens[-1].text.upper() in AGGREGATES and tokens[-1].kind == "IDENT":
            self._rename(-1, "AGGREGATE")
        elif sign == ":" and len(tokens) >= 2 and tokens[-2].kind == "=" and tokens[-1].text.isidentifier():
            self._rename(-1, "IDENT")
            self._symbol = len(tokens) + 1

    def _rename(self, index: int, kind: str) -> None:
        old = self._lexed.tokens[index]
        self._lexed.tokens[index] = Token(kind, old.text, old.start, old.end, old.span, old.value)

    def _number(self, start: int, end: int) -> None:
        text = self._source[start:end]
        if len(text) <= _SHORT and "e" not in text and "E" not in text:
            self._add("NUMBER", start, end)
            return
        exponent = text.lower().partition("e")[2].lstrip("+-")
        if len(text) > _LONGEST or len(exponent) > len("308"):
            beyond = True
        else:
            beyond = abs(Decimal(text).adjusted()) > _LARGEST_EXPONENT
        if beyond:
            self._problem("QKT0312", start, end, "this number is too large, or too small, to compute with")
            self._stand_in("NUMBER", "1", start, end)
        else:
            self._add("NUMBER", start, end)

    def _duration(self, start: int, end: int) -> None:
        if is_endless(self._source[start:end]):
            self._problem("QKT0112", start, end, ENDLESS)
            self._stand_in("DURATION", "1d", start, end)
        else:
            self._add("DURATION", start, end)

    def _stand_in(self, kind: str, text: str, start: int, end: int) -> None:
        """A token for one that has been reported, so that nobody computes with what was written."""
        self._lexed.tokens.append(Token(kind, text, start, end, self.span(start, end), text))

    def _text(self, start: int, end: int) -> None:
        def escaped(found: re.Match[str]) -> str:
            if found[1] not in _ESCAPED:
                at = start + 1 + found.start()
                self._problem("QKT0004", at, at + 2, f"unknown escape '{found[0]}'", "a text knows \\' \\\" \\\\ \\n and \\t")
            return _ESCAPED.get(found[1], found[1])

        self._add("STRING", start, end, value=_ESCAPE.sub(escaped, self._source[start + 1 : end - 1]))

    def _refuse(self, at: int) -> int:
        source = self._source
        character = source[at]
        if character in "\"'":
            end = source.find("\n", at)
            end = len(source) if end < 0 else end
            self._problem("QKT0003", at, at + 1, "a text that does not end", f"close it with {character} on the same line")
            return self._add("STRING", at, end, value=source[at + 1 : end])
        if source.startswith("/*", at):
            self._problem("QKT0002", at, at + 2, "a comment that does not end", "close it with */")
            return len(source)
        letters = _RUN_OF_LETTERS.match(source, at)
        end = letters.end() if letters else at + 1
        while end < len(source) and source[end] == character:
            end += 1
        hint = "names are made of the letters A to Z, digits and _" if letters else _MEANT.get(character)
        self._problem("QKT0001", at, end, f"unexpected character{'s' if end > at + 1 else ''} {source[at:end]!r}", hint)
        return end if character.isspace() else self._add(ILLEGAL, at, end)
