"""Which words are names, and where."""

from __future__ import annotations

import pytest

from qkt.lang import tree
from qkt.lang.keywords import AGGREGATES, CONTEXTUAL, RESERVED, RESUMING
from qkt.lang.parser import parse
from qkt.lang.tables import load_tables

FREE = sorted(CONTEXTUAL | AGGREGATES | {"ARROW", "CASH", "COUNT", "AVG"})
TOKENS = {"IDENT", "FIELD", "NUMBER", "DURATION", "STRING", "VENUE_SYMBOL", "AGGREGATE", "_PERCENT_OF", "$END"}


def accepted(source: str) -> bool:
    return parse(source).problems == ()


def test_the_word_lists_are_the_words_of_the_grammar():
    words = {t for row in load_tables().actions for t in row if t[0].isalpha() or t[0] == "_"}
    assert words - TOKENS == RESERVED | CONTEXTUAL
    assert not RESERVED & CONTEXTUAL
    assert RESUMING <= RESERVED


@pytest.mark.parametrize("word", [f(w) for w in FREE for f in (str.lower, str.upper)])
def test_a_contextual_word_is_a_stream_a_let_a_param_and_a_log_field(word):
    assert accepted(
        f"STRATEGY t VERSION 1 SYMBOLS a = SIM:A EVERY 1m WARMUP 3 BARS "
        f"{word} = SIM:B EVERY 1m, b = SIM:C EVERY 1m SYNCHRONIZE a {word} "
        f"RULES WHEN ON {word} {word}.close > 1 AND POSITION.{word} = 0 AND a.close CROSSES ABOVE {word} "
        f"THEN BUY {word} SIZING 1 STOP LOSS BY 1 ; CLOSE {word} ; CANCEL {word} ; RESIZE {word} TO 1 ; CLOSE_ALL {word} "
        f"FOR EACH {word} IN a, {word} DO WHEN ema({word}.close, 3) > {word} THEN CLOSE {word}"
    )
    assert accepted(
        f"STRATEGY t VERSION 1 SYMBOLS k = SIM:A EVERY 1m PARAM {word} = 2 LET x = {word} + 1, y = -{word} * {word}[1] "
        f"LET {word} = k.close, z = {word}@buy DEFAULTS {{ sizing = {word} stopLoss = BY {word} PCT tif = GTD UNTIL {word} }} "
        f"SEQUENCE {word} ON k {{ STAGE {word}: {word} > 1 STAGE b WITHIN 5m: {word} < 2 }} "
        f"RULES WHEN {word} IN [{word}, 2] AND {word} IS NOT NULL OR NOT {word} BETWEEN {word} AND {word} "
        f"THEN BUY k SIZING {word} STOP AT {word} LIMIT AT {word} STOP LOSS BY {word} TAKE PROFIT BY {word} PCT ; "
        f'LOG "{{{word}}}" {word}=k.close {word}_=3 ; LATCH k OFFSET {word} FROM {word} AS {word} {{ ENTER LIMIT WITH {word} }}'
    )


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_reserved_word_is_no_name(word):
    problems = parse(f"STRATEGY t VERSION 1 SYMBOLS k = SIM:A EVERY 1m LET {word.lower()} = 3").problems
    assert problems[0].span.column == 53
    assert "cannot be a name" in (problems[0].hint or "")


@pytest.mark.parametrize("word", ["when", "Let", "STRATEGY", "ema", "close", "now"])
def test_any_word_names_a_strategy_and_follows_a_dot(word):
    result = parse(f"STRATEGY {word} VERSION 1 SYMBOLS k = SIM:A EVERY 1m LET x = k.{word}, y = POSITION.{word}")
    assert result.problems == ()
    assert result.file is not None
    assert result.file.name.text == word
    field = result.file.lets[0].value
    assert isinstance(field, tree.Field)
    assert field.field.text == word


@pytest.mark.parametrize("word", ["now", "DAY", "SYMBOLS", "exness"])
def test_any_word_is_a_venue(word):
    assert accepted(f"STRATEGY t VERSION 1 SYMBOLS k = {word}:A EVERY 1m, m = {word} : B EVERY 1m")


def test_keywords_in_any_case_and_names_as_written():
    result = parse("strategy Mine version 1 symbols Gold = sim:XAU every 5m rules when Gold.close > 1 then buy Gold sizing 1")
    assert result.problems == ()
    assert isinstance(result.file, tree.Strategy)
    stream = result.file.declarations[0]
    assert isinstance(stream, tree.Stream)
    assert (stream.alias.text, stream.market, stream.timeframe.text) == ("Gold", "sim:XAU", "5m")


def test_contextual_words_keep_their_meaning_where_they_have_one():
    source = (
        'STRATEGY t VERSION 1 SYMBOLS k = SIM:A EVERY 1m RULES WHEN k.close > 1 THEN LOG warn "x" step=floor(2) ; '
        "BUY k SIZING 5 usd STOP LOSS BY 2 step TO breakeven + 1 AFTER mfe >= 3 STEP TO Entry AFTER MFE >= 4"
    )
    result = parse(source)
    assert result.problems == ()
    assert isinstance(result.file, tree.Strategy)
    rule = result.file.rules[0]
    assert isinstance(rule, tree.Rule)
    log, entry = rule.actions
    assert isinstance(log, tree.Log)
    assert log.level == "WARN"
    assert isinstance(entry, tree.Entry)
    assert entry.sizing is not None
    assert entry.sizing.form == "money"
    assert entry.bracket is not None
    assert isinstance(entry.bracket.stop_loss, tree.SteppedStop)
    assert len(entry.bracket.stop_loss.steps) == 2
