"""The parser and the formatter over random sentences of the grammar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.lang import tree
from qkt.lang.diagnostics import LanguageError
from qkt.lang.formatter import format_source
from qkt.lang.lexing import lex
from qkt.lang.parser import parse
from qkt.lang.walk import same, walk
from tests.lang.programs import grammar, program

DEEP = 2_000


def is_sound(source: str) -> bool:
    return not any(problem.severity == "error" for problem in parse(source).problems)


def assert_canonical(source: str) -> None:
    text = format_source(source)
    assert same(parse(text).file, parse(source).file)
    assert sorted(c.text for c in lex(text).comments) == sorted(c.text for c in lex(source).comments)
    assert format_source(text) == text


@given(st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_any_program_keeps_its_tree_and_its_comments_and_is_formatted_once(random: Random) -> None:
    source = program(random)
    if is_sound(source):
        assert_canonical(source)


def test_random_programs_use_every_production_of_the_grammar() -> None:
    used: set[int] = set()
    every = {production.number for several in grammar()[0].values() for production in several}
    for seed in range(1_000):
        candidate = set(used)
        source = program(Random(seed), candidate)
        if is_sound(source):
            used = candidate
        if used == every:
            return
    missing = [p for several in grammar()[0].values() for p in several if p.number not in used]
    raise AssertionError(f"never in a program that parses: {missing}")


def test_nearly_all_random_programs_parse() -> None:
    assert sum(is_sound(program(Random(seed))) for seed in range(60)) >= 55


def test_random_programs_have_every_kind_of_node() -> None:
    kinds = {c for c in vars(tree).values() if isinstance(c, type) and issubclass(c, tree.Node)} - {tree.Node}
    used: set[int] = set()
    for seed in range(400):
        kinds -= {type(node) for node in walk(parse(program(Random(seed), used)).file)}
        if not kinds:
            return
    raise AssertionError(f"never made: {kinds}")


def below(item: object) -> Iterator[tree.Node]:
    if isinstance(item, tree.Node):
        yield item
        for field in fields(item):
            yield from below(getattr(item, field.name))
    elif isinstance(item, tuple):
        for part in item:
            yield from below(part)


def test_a_walk_meets_every_node_in_the_order_of_its_fields() -> None:
    for seed in range(100):
        file = parse(program(Random(seed))).file
        assert [*map(id, walk(file))] == [*map(id, below(file))]


NESTED = {"parentheses": ("1 + (", "2", ")"), "NOT": ("NOT ", "TRUE", ""), "calls": ("f(", "1", ")"), "signs": ("- ", "1", "")}


@pytest.mark.parametrize("what", NESTED)
def test_nesting_beyond_reason_is_a_problem_with_a_place(what: str) -> None:
    before, middle, behind = NESTED[what]
    with pytest.raises(LanguageError, match=r"<text>:1:10: error QKT0310"):
        format_source(f"STRATEGY t VERSION 1 LET deep = {before * DEEP}{middle}{behind * DEEP}")


def test_a_long_chain_is_no_nesting() -> None:
    for sign in (" + ", " AND ", " * "):
        assert_canonical(f"STRATEGY t VERSION 1 LET long = {sign.join(['1'] * DEEP)}")
