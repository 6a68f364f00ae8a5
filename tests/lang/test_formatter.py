"""The canonical form: one spelling for each thing, the same tree, every comment kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.lang.diagnostics import LanguageError
from qkt.lang.formatter import format_source
from qkt.lang.lexing import lex
from qkt.lang.parser import parse
from tests.lang.tree_shape import shape

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"
HEADER = "STRATEGY t VERSION 1\n\nSYMBOLS\n    k = SIM:KLM EVERY 1m\n"


def assert_canonical(source: str) -> str:
    """Formatted, the source has the same tree and the same comments, and formatting again changes nothing."""
    text = format_source(source)
    assert shape(parse(text).file) == shape(parse(source).file)
    assert sorted(c.text for c in lex(text).comments) == sorted(c.text for c in lex(source).comments)
    assert format_source(text) == text
    return text


def action(text: str) -> str:
    """The lines after THEN."""
    made = assert_canonical(HEADER + f"RULES WHEN 1 > 0 THEN {text}")
    return made[made.index("THEN ") + 5 : -1]


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ('LOG INFO "a\\"b"', 'LOG "a\\"b"'),
        ("log warn 'it\\'s' x = k.close", 'LOG WARN "it\'s" x=k.close'),
        ("BUY k SIZING 1 LIMIT AT 5", "BUY k SIZING 1 ORDER_TYPE = LIMIT AT 5"),
        ("BUY k STOP AT 5 LIMIT AT 6 SIZING 1", "BUY k SIZING 1 ORDER_TYPE = STOP AT 5 LIMIT AT 6"),
        ("BUY k SIZING 1 TRAILING PCT 2", "BUY k SIZING 1 ORDER_TYPE = TRAILING PCT 2"),
        ("BUY k SIZING 1 STOP_LOSS BY 5 PCT", "BUY k SIZING 1 BRACKET { STOP LOSS PCT 5 }"),
        ("BUY k SIZING 1 TAKE_PROFIT RR 2 STOP LOSS AT 5", "BUY k SIZING 1 BRACKET { STOP LOSS AT 5, TAKE PROFIT RR 2 }"),
        ("BUY k SIZING 1 TAKE PROFIT { 0.5 BY 1,0.5 BY 2 }", "BUY k SIZING 1 BRACKET { TAKE PROFIT { 0.5 BY 1, 0.5 BY 2 } }"),
        (
            "BUY k SIZING 1 BRACKET { TRAILING_STOP BY 2, TAKE PROFIT BY 3 }",
            "BUY k SIZING 1 TRAILING_STOP BY 2 BRACKET { TAKE PROFIT BY 3 }",
        ),
        ("BUY k SIZING 1 TIME_EXIT AFTER 120m", "BUY k SIZING 1 TIME_EXIT AFTER 2h"),
        ("BUY k SIZING 5 %OF equity", "BUY k SIZING 5 PCT OF EQUITY"),
        ("BUY k SIZING risk $ 5 tif gtd NOW + 2h", "BUY k SIZING RISK $ 5 TIF GTD UNTIL NOW + 2h"),
        ("BUY k STACK [ 1, 2 MARKET AT entry + 1, ] within 1d", "BUY k STACK [1, 2 AT entry + 1] WITHIN 1d"),
        ("FLATTEN", "CLOSE_ALL"),
        ("CLOSE_ALL k", "CLOSE k"),
        ("CANCEL k including protection", "CANCEL k INCLUDING PROTECTION"),
        ("CLOSE k ;", "CLOSE k ;"),
        (
            "SELL k SIZING 1 ON_STOP { BUY k SIZING 1 LIMIT RETRACE 2 ; }",
            "SELL k SIZING 1 ON_STOP { BUY k SIZING 1 ORDER_TYPE = LIMIT AGAINST 2 }",
        ),
    ],
)
def test_actions_have_one_spelling(written, canonical):
    assert action(written) == canonical


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("(a+b)*(c)-d", "(a + b) * c - d"),
        ("a-(b-c)-(-d)", "a - (b - c) - -d"),
        ("-(-a)", "- -a"),
        ("-(a*b)", "-(a * b)"),
        ("not (a=1 and b<>2)", "NOT (a = 1 AND b != 2)"),
        ("a=1 or b=2 and c==3", "a = 1 OR (b = 2 AND c = 3)"),
        ("(a = 1) = (b = 2)", "a = 1 = (b = 2)"),
        ("a not in [1,2]", "a NOT IN [1, 2]"),
        ("POSITION_AVG_PRICE.k", "POSITION.k.avg_price"),
        ("a@BUY + b@t-3", "a@buy + b@T-3"),
        ("case when a>1 then 1 end", "CASE WHEN a > 1 THEN 1 END"),
        ("min( a ) over 3 bars", "MIN(a) OVER 3 BARS"),
        ("true and null is null", "TRUE AND NULL IS NULL"),
    ],
)
def test_expressions_have_one_spelling(written, canonical):
    assert assert_canonical(HEADER + f"LET v = {written}") == HEADER + f"\nLET v = {canonical}\n"


def test_blocks_come_in_one_order_with_all_lets_together():
    source = (
        "STRATEGY t VERSION 1 SYMBOLS k = SIM:KLM EVERY 1 h, m = MT5:'US500.cash' EVERY 1m LET a = 1 "
        "RULES WHEN a > 1 THEN CLOSE k LET b = 2 PARAM p = -3 DEFAULTS { sizing = 1, stopLoss = 5 } "
        "FOR EACH s IN k, m DO WHEN s.close > 1 THEN CLOSE s "
        "WHEN s.close > 2 THEN CLOSE s"
    )
    assert assert_canonical(source) == (
        """STRATEGY t VERSION 1

DEFAULTS {
    SIZING = 1
    STOP_LOSS = BY 5
}

SYMBOLS
    k = SIM:KLM EVERY 1h
    m = MT5:US500.cash EVERY 1m

PARAM p = -3

LET a = 1,
    b = 2

RULES
    WHEN a > 1
    THEN CLOSE k
    FOR EACH s IN [k, m] DO {
        WHEN s.close > 1
        THEN CLOSE s
        WHEN s.close > 2
        THEN CLOSE s
    }
"""
    )


def test_long_rules_go_on_below():
    source = (
        HEADER + "RULES WHEN k.close > ema(k.close, 20) AND k.close > ema(k.close, 50) AND k.close > ema(k.close, 100) "
        "AND POSITION.k = 0 "
        "THEN BUY k SIZING 0.5 PCT RISK LIMIT AT k.close - 0.5 STOP LOSS BY 2 * atr(k, 14) TAKE PROFIT RR 2 TIF DAY ; LOG 'in'"
    )
    assert assert_canonical(source).split("RULES\n")[1] == (
        """    WHEN k.close > ema(k.close, 20)
     AND k.close > ema(k.close, 50)
     AND k.close > ema(k.close, 100)
     AND POSITION.k = 0
    THEN BUY k SIZING 0.5 PCT RISK
             ORDER_TYPE = LIMIT AT k.close - 0.5
             BRACKET { STOP LOSS BY 2 * atr(k, 14), TAKE PROFIT RR 2 }
             TIF DAY ;
         LOG "in"
"""
    )


@pytest.mark.parametrize("head", ["STRATEGY t VERSION 1", "PORTFOLIO p VERSION 1 CAPITAL 5"])
def test_a_comment_below_the_header_stays_there_when_an_empty_line_follows(head):
    rest = "SYMBOLS\n    k = SIM:KLM EVERY 1m\n"
    below = f"{head}  -- a\n-- b\n/* c\n   d */\n\n{rest}"
    assert assert_canonical(below) == below
    above = f"{head}\n\n-- b\n{rest}"
    assert assert_canonical(above.replace("\n\n", "\n")) == above
    assert assert_canonical(above) == above


def test_comments_and_blank_lines_stay():
    source = """-- what this is

-- and why
STRATEGY t VERSION 1 -- the name

# the market
SYMBOLS
    k = SIM:KLM EVERY 1m -- one
    -- two
    m = SIM:MNO EVERY 1m

LET a = 1, -- first

    /* second */
    b = 2

-- entries
RULES
    -- up
    WHEN k.close > 1 -- moves up
    THEN CLOSE k


    WHEN k.close > 2
    THEN CLOSE k  -- behind

-- the end
"""
    assert assert_canonical(source) == (
        """-- what this is

-- and why
STRATEGY t VERSION 1  -- the name

# the market
SYMBOLS
    k = SIM:KLM EVERY 1m  -- one
    -- two
    m = SIM:MNO EVERY 1m

LET a = 1,  -- first

    /* second */
    b = 2

-- entries
RULES
    -- up
    -- moves up
    WHEN k.close > 1
    THEN CLOSE k

    WHEN k.close > 2
    THEN CLOSE k  -- behind

-- the end
"""
    )


def test_a_file_with_errors_is_not_formatted():
    with pytest.raises(LanguageError, match="unexpected"):
        format_source(HEADER + "RULES WHEN")


_GOLDEN = [path.read_text() for path in sorted(GOLDEN.glob("*/*.qkt"))]


@pytest.mark.skipif(not _GOLDEN, reason="the golden cases stand outside of this repository, in ../shared/golden")
@pytest.mark.parametrize("source", _GOLDEN, ids=lambda source: source.split()[1])
def test_golden_files_keep_their_tree(source):
    assert_canonical(source)


# ------------------------------------------------------------------------------------------------------------- properties

_NAMES = st.sampled_from(["a", "b", "day", "k.close", "POSITION.k", "1", "0.50", "15m", "NOW.month", "'x y'", "NULL"])
_EXPRESSIONS = st.recursive(
    _NAMES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "=", "==", "!=", "<", "AND", "OR"]), inner).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        ),
        st.tuples(inner, st.sampled_from(["+", "-", "*", "AND", "OR"]), inner).map(lambda t: f"({' '.join(t)})"),
        inner.map(lambda e: f"NOT ({e})"),
        inner.map(lambda e: f"-({e})"),
        inner.map(lambda e: f"({e}) IS NOT NULL"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}) NOT IN [{t[1]}, 2]"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}) BETWEEN ({t[1]}) AND (3)"),
        st.tuples(inner, inner).map(lambda t: f"ema({t[0]}, {t[1]})[2]"),
        st.tuples(inner, inner).map(lambda t: f"CASE WHEN {t[0]} THEN {t[1]} END"),
    ),
    max_leaves=12,
)


@given(_EXPRESSIONS)
@settings(max_examples=150, deadline=None)
def test_any_expression_keeps_its_tree(text):
    source = (
        HEADER + f"RULES WHEN {text} THEN BUY k SIZING {text} PCT OF EQUITY STOP AT {text} LIMIT AT {text} STOP LOSS BY {text}"
    )
    if not parse(source).problems:
        assert_canonical(source)


@pytest.mark.skipif(not _GOLDEN, reason="the golden cases stand outside of this repository, in ../shared/golden")
@given(st.data())
@settings(max_examples=80, deadline=None)
def test_comments_anywhere_are_kept(data):
    source = data.draw(st.sampled_from(_GOLDEN))
    gaps = [token.start for token in lex(source).tokens]
    for number, gap in enumerate(sorted(data.draw(st.sets(st.sampled_from(gaps), max_size=6)), reverse=True)):
        comment = data.draw(
            st.sampled_from([f" -- c{number}\n", f"\n\n# c{number}\n", f" /* c{number} */ ", f"\n/* c{number}\n  more */\n"])
        )
        source = source[:gap] + comment + source[gap:]
    if parse(
        source
    ).problems:  # a comment between a venue's prefix and its symbol is no problem, one inside of a symbol would be
        return
    assert_canonical(source)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("POSITION.k", "POSITION.k"),
        ("(POSITION.k)", "(POSITION.k)"),
        ("POSITION.k * 0.5", "(POSITION.k) * 0.5"),
        ("(POSITION.k * 2 + 1) * 2", "(POSITION.k * 2 + 1) * 2"),
        ("POSITION.k.gross", "POSITION.k.gross"),
    ],
)
def test_a_size_that_begins_with_a_position_is_spelled_as_every_reader_takes_it(written: str, canonical: str) -> None:
    head = "STRATEGY t VERSION 1 SYMBOLS k = SIM:K EVERY 1m RULES WHEN k.close > 1 THEN BUY k SIZING "
    assert format_source(head + written).endswith(f"SIZING {canonical}\n")


def test_comments_behind_a_rule_and_behind_its_loop_stay_apart() -> None:
    head = "STRATEGY t VERSION 1\n\nSYMBOLS\n    k = SIM:K EVERY 1m\n\nRULES\n"
    loop = "    FOR EACH s IN [k] DO {\n        WHEN s.close > 1\n        THEN CLOSE s  -- the rule\n    }  # the loop\n"
    assert format_source(head + loop) == head + loop
    bare = loop.replace("  -- the rule", "")
    assert format_source(head + bare) == head + bare.replace(" {", "").replace("    }", "").replace("CLOSE s\n", "CLOSE s")
