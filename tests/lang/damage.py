"""Files as people break them, and what must hold for any text whatever: places for all errors, no crash, no second lost."""

from __future__ import annotations

import functools
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from types import FrameType

from qkt.lang import tree
from qkt.lang.codes import CODES
from qkt.lang.diagnostics import Diagnostic, LanguageError, render
from qkt.lang.formatter import format_source
from qkt.lang.keywords import CONTEXTUAL, RESERVED
from qkt.lang.loader import check_text, load_text
from tests.lang.programs import program

ROOT = Path(__file__).parents[2]
LONGEST_S = 1.0
HANGING_S = 10.0

WORDS = sorted(RESERVED | CONTEXTUAL)
SIGNS = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    ";",
    ":",
    "=",
    "<",
    ">=",
    "->",
    "--",
    "+",
    "*",
    "/",
    "%",
    "@",
    "$",
    "/*",
    "*/",
    '"',
    "'",
]
NUMBERS = [
    "0",
    "00",
    "1e",
    "1e999",
    "1e-999",
    "9" * 60,
    "0." + "0" * 60 + "1",
    "2147483648",
    "99999999999999999999m",
    "1e1000000000",
    "9" * 5_000,
    "9" * 500 + "d",
]
ODD = [
    "\x00",
    "\u00a0",
    "\u2028",
    "\x0c",
    "\x85",
    "\ufeff",
    "é",
    "Ω",
    "🜚",
    "\u0301",
    "\u202e",
    "１",
    "²",
    "\ud7ff",
    "–",
    "“",
    "\r",
    "\t",
]
NESTS = [
    ("(", ")"),
    ("NOT ", ""),
    ("- ", ""),
    ("abs(", ")"),
    ("CASE WHEN ", " THEN 1 END"),
    ("1 + (", ")"),
    ("{", "}"),
    ("[", "]"),
]


@functools.cache
def originals() -> tuple[str, ...]:
    """Sound files: our examples, and the golden cases where they are at hand."""
    folders = (ROOT / "strategies", ROOT.parent / "shared" / "golden", ROOT.parents[1] / "shared" / "golden")
    texts = (path.read_text(encoding="utf-8") for folder in folders for path in sorted(folder.rglob("*.qkt")))
    return tuple(dict.fromkeys(texts))


def damaged(random: Random) -> str:
    """A sound file, or a random sentence of the grammar, with some damage done to it."""
    source = random.choice(originals()) if random.random() < 0.8 else program(random)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        source = random.choice(WAYS)(random, source)
    return source


def _place(random: Random, source: str) -> int:
    return random.randrange(len(source) + 1)


def _delete(random: Random, source: str) -> str:
    at = _place(random, source)
    return source[:at] + source[at + random.choice((1, 1, 2, 5, 40)) :]


def _insert(random: Random, source: str) -> str:
    at = _place(random, source)
    return source[:at] + random.choice((random.choice(SIGNS), random.choice(ODD), chr(random.randrange(32, 127)))) + source[at:]


def _swap_characters(random: Random, source: str) -> str:
    at = _place(random, source)
    return source[:at] + source[at : at + 2][::-1] + source[at + 2 :]


TOKEN = re.compile(r"\w+|[^\w\s]")
NUMBER = re.compile(r"\b[0-9][0-9.]*\b")
NAME = re.compile(r"\b[a-z_]\w*\b")


def _replace_token(random: Random, source: str) -> str:
    tokens = list(TOKEN.finditer(source))
    new = random.choice((random.choice(tokens)[0] if tokens else "", random.choice(WORDS), random.choice(SIGNS), "", "1"))
    return _replaced(random, source, TOKEN, f" {new} ")


def _exchange_tokens(random: Random, source: str) -> str:
    tokens = list(TOKEN.finditer(source))
    if len(tokens) < 2:
        return source
    a, b = sorted(random.sample(tokens, 2), key=lambda token: token.start())
    return source[: a.start()] + b[0] + source[a.end() : b.start()] + a[0] + source[b.end() :]


def _other_number(random: Random, source: str) -> str:
    return _replaced(random, source, NUMBER, random.choice([*NUMBERS, "1", "2", "3.5", "20", "0.001"]))


def _other_name(random: Random, source: str) -> str:
    return _replaced(random, source, NAME, random.choice(NAME.findall(source) or [""]))


def _replaced(random: Random, source: str, pattern: re.Pattern[str], new: str) -> str:
    found = list(pattern.finditer(source))
    if not found:
        return source
    old = random.choice(found)
    return source[: old.start()] + new + source[old.end() :]


def _truncate(random: Random, source: str) -> str:
    return source[: _place(random, source)]


def _lines(random: Random, source: str) -> str:
    lines = source.split("\n")
    at, other = (random.randrange(len(lines)) for _ in range(2))
    match random.randrange(3):
        case 0:
            lines.insert(other, lines[at])
        case 1:
            lines[at], lines[other] = lines[other], lines[at]
        case _:
            del lines[at]
    return "\n".join(lines)


def _join(random: Random, source: str) -> str:
    return source + random.choice(("", "\n", " ")) + random.choice(originals())


def _nest(random: Random, source: str) -> str:
    at = random.choice([0, *(token.start() for token in TOKEN.finditer(source))])
    before, behind = random.choice(NESTS)
    depth = random.choice((3, 30, 300, 1000))
    return f"{source[:at]} {before * depth} 1 {behind * depth} {source[at:]}"


WAYS: list[Callable[[Random, str], str]] = [
    *[_delete, _insert, _swap_characters, _replace_token, _replace_token, _exchange_tokens],
    *[_other_number, _other_number, _other_name, _other_name, _truncate, _lines, _join, _nest],
]


# ------------------------------------------------------------------------------------------------- what holds for any text


def assert_survives(source: str) -> str:
    """Read, check, format and, where it is sound, compile the text. Returns how far it came: broken, wrong, sound, runs."""
    with _watched("checking"):
        result = check_text(source)
    _assert_placed(source, result.problems)
    assert result.file is not None or not result.ok
    with _watched("telling"):
        assert (not result.problems) == (render("f.qkt", source, result.problems) == "")
    if result.file is not None:
        _assert_formattable(source)
    if not result.ok:
        return "broken" if result.file is None else "wrong"
    if isinstance(result.file, tree.Portfolio):
        return "sound"
    with _watched("compiling"):
        load_text(source)
    return "runs"


def _assert_formattable(source: str) -> None:
    """The formatter compares the trees itself. It refuses what has errors of grammar, where the parser left something out."""
    with _watched("formatting"), suppress(LanguageError):
        format_source(source)


def _assert_placed(source: str, problems: tuple[Diagnostic, ...]) -> None:
    lines = source.split("\n")
    for problem in problems:
        span = problem.span
        assert problem.code in CODES, problem
        assert 1 <= span.line <= span.end_line <= len(lines), problem
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1, problem
        assert (span.line, span.column) <= (span.end_line, span.end_column), problem
        assert span.end_column <= len(lines[span.end_line - 1]) + 1, problem


@contextmanager
def _watched(what: str) -> Iterator[None]:
    """Processor time, so that a busy machine changes nothing; a step that hangs is interrupted."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"{what} hangs")

    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANGING_S)
    start = time.process_time()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    took = time.process_time() - start
    assert took <= LONGEST_S, f"{what} took {took:.2f} s"
