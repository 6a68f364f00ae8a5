"""Characters, numbers, texts and comments."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.lang import tree
from qkt.lang.lexing import lex
from qkt.lang.parser import parse

HEADER = "STRATEGY t VERSION 1 SYMBOLS k = SIM:K EVERY 1m\n"


def kinds(source: str) -> list[str]:
    return [token.kind for token in lex(source).tokens[:-1]]


def codes(source: str) -> list[tuple[str, int, int]]:
    return [(p.code, p.span.line, p.span.column) for p in parse(source).problems]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("90s 15m 2h 1d", ["DURATION"] * 4),
        ("5min", ["DURATION", "IN"]),
        ("2within", ["NUMBER", "WITHIN"]),
        ("2w", ["DURATION"]),
        ("1.5m", ["NUMBER", "IDENT"]),
        ("1e3 1.5E-3 007", ["NUMBER"] * 3),
        ("a--1", ["IDENT"]),
        ("a - -1", ["IDENT", "-", "-", "NUMBER"]),
        ("a->0", ["IDENT", "->", "NUMBER"]),
        ("a/**/b # c\nd", ["IDENT", "IDENT", "IDENT"]),
        ("a<>b<=c!=d==e", ["IDENT", "<>", "IDENT", "<=", "IDENT", "!=", "IDENT", "==", "IDENT"]),
        ("% /* of */ of", ["_PERCENT_OF"]),
        ("% offer", ["%", "IDENT"]),
        ("x.when", ["IDENT", ".", "FIELD"]),
        ("max(1) max", ["AGGREGATE", "(", "NUMBER", ")", "IDENT"]),
    ],
)
def test_tokens(source, expected):
    assert kinds(source) == expected


def test_texts_know_five_escapes():
    result = parse(HEADER + r"""PARAM a = "it\'s \"x\" \\ \n\t" """)
    assert isinstance(result.file, tree.Strategy)
    text = result.file.params[0].value
    assert isinstance(text, tree.Text)
    assert text.value == 'it\'s "x" \\ \n\t'


def test_numbers_keep_all_digits():
    result = parse(HEADER + "PARAM a = -1.2300 PARAM b = 12345678901234567890.123456789")
    assert isinstance(result.file, tree.Strategy)
    assert [p.value.value for p in result.file.params] == [Decimal("-1.2300"), Decimal("12345678901234567890.123456789")]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("/* open", [("QKT0002", 2, 1)]),
        ("PARAM a = 'open\nPARAM b = 3", [("QKT0003", 2, 11)]),
        (r"PARAM a = 'x\qy'", [("QKT0004", 2, 13)]),
        ("PARAM a = 1e\nPARAM b = $", [("QKT0005", 2, 11), ("QKT0100", 3, 11)]),
        ("LET a = 1 & 2\nLET b = 3 ~ 4\nLET c = 5", [("QKT0001", 2, 11), ("QKT0001", 3, 11)]),
        ("LET a\u00a0= 1", [("QKT0001", 2, 6)]),
        ("LET größe = 1", [("QKT0001", 2, 7)]),
        ("LET a = 0m", [("QKT0111", 2, 9)]),
    ],
)
def test_what_is_wrong_with_characters_is_said_where_it_is_and_reading_goes_on(body, expected):
    assert codes(HEADER + body) == expected


def test_every_character_is_a_column():
    (problem,) = parse(HEADER + "LET a = '\u00e9\U0001f600' \t ~").problems
    assert (problem.span.line, problem.span.column) == (2, 16)


def test_a_byte_order_mark_is_nothing():
    assert parse("\ufeff" + HEADER).problems == ()


def test_comments_are_kept_with_their_place():
    comments = lex("a -- one \n/* two\n three */ # four").comments
    assert [(c.text, c.span.line, c.span.end_line) for c in comments] == [
        ("-- one", 1, 1),
        ("/* two\n three */", 2, 3),
        ("# four", 3, 3),
    ]
