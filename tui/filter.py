"""Filters as they are typed: words that must all hold, `!word` that must not, `pnl<0`, `state:halt`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tui.table import Cell, Column, Context, Keyed

COMPARISON = re.compile(r"^([a-z&%/ ]+?)(<=|>=|<|>|=|:)(.+)$", re.IGNORECASE)
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
}


@dataclass(frozen=True, slots=True)
class Test:
    """One word of a filter."""

    __test__ = False  # pytest collects nothing here

    word: str
    absent: bool = False
    column: str | None = None
    sign: str = ":"


def parse(text: str) -> tuple[Test, ...]:
    """The tests of a filter. Whatever is typed is a filter: what is no comparison is a word to be found."""
    return tuple(_test(word) for word in text.lower().split())


def _test(word: str) -> Test:
    absent = word.startswith("!") and len(word) > 1
    bare = word[1:] if absent else word
    found = COMPARISON.match(bare)
    if found is None:
        return Test(bare, absent)
    column, sign, value = found.groups()
    return Test(value, absent, plain(column), sign)


def plain(title: str) -> str:
    """A column as it is typed: letters only, so that `P&L` is `pnl` and `DAY%` is `day`."""
    return re.sub(r"[^a-z]", "", title.lower().replace("&", "n"))


def matching(rows: Iterable[Keyed], tests: Sequence[Test], columns: Sequence[Column], context: Context) -> list[Keyed]:
    """The rows that pass all tests."""
    if not tests:
        return list(rows)
    return [row for row in rows if _passes(row, tests, columns, context)]


def holds(text: str, tests: Sequence[Test]) -> bool:
    """Whether a line of text passes; a comparison is looked for as it was typed."""
    low = text.lower()
    return all(((f"{t.column}{t.sign}{t.word}" if t.column else t.word) in low) is not t.absent for t in tests)


def _passes(row: Keyed, tests: Sequence[Test], columns: Sequence[Column], context: Context) -> bool:
    texts = [(plain(column.title), _text(column.cell(row, context))) for column in columns]
    whole = " ".join((row.key, *(text for _, text in texts))).lower()
    return all(_holds(test, texts, whole) is not test.absent for test in tests)


def _holds(test: Test, texts: Sequence[tuple[str, str]], whole: str) -> bool:
    if test.column is None:
        return test.word in whole
    of_column = [text for title, text in texts if title.startswith(test.column) or title.endswith(test.column)]
    if not of_column:
        return f"{test.column}{test.sign}{test.word}" in whole
    if test.sign == ":":
        return any(test.word in text.lower() for text in of_column)
    return any(_compares(text, test) for text in of_column)


def _compares(text: str, test: Test) -> bool:
    try:
        return OPERATORS[test.sign](number(text), number(test.word))
    except ValueError:
        return test.sign == "=" and text.strip().lower() == test.word


def number(text: str) -> float:
    return float(re.sub(r"[^0-9.eE+-]", "", text))


def _text(cell: Cell | str) -> str:
    return cell if isinstance(cell, str) else cell.text
