"""What is offered, explained and found at a place, while the text is whole and while it is half typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from qkt.indicators import INDICATOR_REFERENCE
from qkt.lang.fields import ACCOUNT_FIELDS, EXIT_FIELDS, NOW_FIELDS, POSITION_FIELDS, STATE_FIELDS, STREAM_FIELDS
from qkt.lang.keywords import AGGREGATES, CONTEXTUAL, RESERVED
from qkt.lsp import What, completions, definition, hover, outline
from qkt.lsp.places import Places
from qkt.lsp.words import FIELD_NOTES, WORD_NOTES
from tests.lang.damage import originals

HEAD = """STRATEGY t VERSION 1
SYMBOLS
    gold = SIM:XAU EVERY 5m,
    silver = SIM:XAG EVERY 1h WARMUP 50 BARS
PARAM fast = 9
LET slow_line = ema(gold.close, 21), gap = ask_bid(gold, 2) + 1
SEQUENCE sweep ON gold {
    STAGE low: gold.close < 5
    STAGE high WITHIN 2h: gold.close > 9
}
"""


def offered(text: str, kinds: set[str] | None = None) -> set[str]:
    """What is offered at the `|`."""
    at = text.index("|")
    return {c.text for c in completions(text.replace("|", ""), at) if kinds is None or c.kind in kinds}


@pytest.mark.parametrize(
    ("text", "some", "none_of"),
    [
        ("|", {"STRATEGY", "PORTFOLIO"}, {"RULES", "gold"}),
        (HEAD + "RU|", {"RULES", "LET", "PARAM", "SCHEDULE"}, {"BUY", "gold"}),
        (
            HEAD + "RULES\n  WHEN g|",
            {"gold", "silver", "slow_line", "gap", "fast", "ema", "sqrt", "POSITION", "NOT"},
            {"THEN", "BUY"},
        ),
        (HEAD + "RULES WHEN gold.close |", {"THEN", "CROSSES", "BETWEEN", "AND"}, {"gold", "BUY"}),
        (HEAD + "RULES WHEN gold.close > 1 THEN |", {"BUY", "CLOSE_ALL", "LATCH", "LOG"}, {"gold", "THEN"}),
        (HEAD + "RULES WHEN gold.close > 1 THEN BUY |", {"gold", "silver"}, {"slow_line", "BUY", "ema"}),
        (HEAD + "RULES WHEN gold.close > 1 THEN BUY gold |", {"SIZING", "BRACKET", "TIF"}, {"gold"}),
        (HEAD + "RULES WHEN gold.close > 1 THEN BUY gold TIF |", {"GTC", "IOC", "FOK", "DAY", "GTD"}, {"SIZING"}),
        (HEAD + "RULES WHEN gold.|", {"close", "high", "candle", "spread"}, {"gold", "AND"}),
        (HEAD + "RULES WHEN gold.close > 1 AND POSITION.|", {"gold", "silver"}, {"close"}),
        (HEAD + "RULES WHEN POSITION.gold.|", {"mfe", "entry_price"}, {"close"}),
        (HEAD + "RULES WHEN ACCOUNT.eq|", {"equity"}, {"close"}),
        (HEAD + "RULES WHEN NOW.|", {"hour_utc"}, {"close"}),
        (HEAD + "RULES WHEN SEQUENCE.|", {"sweep"}, {"gold"}),
        (HEAD + "RULES WHEN SEQUENCE.sweep.|", {"complete", "stage", "low", "high"}, {"close"}),
        (HEAD + "RULES WHEN SEQUENCE.sweep.low.|", {"price", "time"}, {"close", "low"}),
        (HEAD + "RULES WHEN gap@|", {"BUY", "OPEN", "T"}, {"gold"}),
        (HEAD + "LET |", set(), {"gold", "slow_line", "AND"}),
        (HEAD + "RULES FOR EACH s IN [gold, |", {"silver"}, {"slow_line"}),
        (HEAD + "RULES FOR EACH s IN [gold, silver] DO WHEN |", {"s"}, set()),
        ("PORTFOLIO p VERSION 1 IMPORT 'a.qkt' AS trend RULES RUN |", {"trend"}, {"AND"}),
        (HEAD + "RULES WHEN gold.close > 1 THEN LOG 'x |'", set(), {"gold", "BUY"}),
        (HEAD + "-- a note |", set(), {"RULES"}),
        # a broken line before does not matter
        (HEAD + "RULES WHEN gold.close > THEN CLOSE gold WHEN |", {"gold", "slow_line"}, set()),
        # the words behind the place are known too
        ("STRATEGY t VERSION 1 SYMBOLS k = S:K EVERY 1m RULES WHEN | THEN CLOSE k LET later = 1", {"later"}, set()),
    ],
)
def test_what_fits_is_offered(text: str, some: set[str], none_of: set[str]) -> None:
    found = offered(text)
    assert some <= found
    assert not none_of & found


def test_each_thing_is_offered_once() -> None:
    found = [c.text for c in completions(HEAD + "RULES WHEN ", len(HEAD) + 11)]
    assert len(found) == len(set(found))


def explained(text: str, word: str) -> str:
    found = hover(text, text.rindex(word) + 1)
    assert found is not None
    explanation, span = found
    assert text.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1] == word
    return explanation


@pytest.mark.parametrize(
    ("text", "word", "told"),
    [
        (
            HEAD,
            "ema",
            [INDICATOR_REFERENCE["EMA"].signature, INDICATOR_REFERENCE["EMA"].meaning, "First value", "Rules wait for"],
        ),
        (HEAD + "RULES WHEN max(gold.close) OVER 5 BARS > 1", "max", ["OVER n BARS"]),
        (HEAD + "RULES WHEN sqrt(4) > 1", "sqrt", ["square root"]),
        (HEAD + "RULES WHEN SESSION_WINDOW(1,2,3,4)", "SESSION_WINDOW", ["time of day"]),
        (HEAD + "RULES WHEN slow_line > 1", "slow_line", ["slow_line = ema(gold.close, 21)", "LET"]),
        (HEAD + "RULES WHEN silver.close > 1", "silver", ["silver = SIM:XAG EVERY 1h WARMUP 50 BARS", "stream"]),
        (HEAD + "RULES WHEN fast > 1", "fast", ["PARAM fast = 9"]),
        (HEAD + "RULES WHEN silver.hlc3 > 1", "hlc3", ["mean of high, low and close"]),
        (HEAD + "RULES WHEN POSITION.gold.mfe > 1", "mfe", ["favourable"]),
        (HEAD + "RULES WHEN ACCOUNT.dd_pct > 1", "dd_pct", ["below its peak"]),
        (HEAD + "RULES WHEN SEQUENCE.sweep.complete", "complete", ["last stage"]),
        (HEAD + "RULES WHEN SEQUENCE.sweep.high.price > 1", "high", ["STAGE high WITHIN 2h"]),
        (HEAD + "RULES WHEN gold.close crosses above 5", "crosses", ["**CROSSES**", "was not above"]),
    ],
)
def test_words_are_explained(text: str, word: str, told: list[str]) -> None:
    for part in told:
        assert part in explained(text, word)


def test_a_number_or_an_unknown_word_is_not_explained() -> None:
    assert hover(HEAD, HEAD.index("21")) is None
    assert hover(HEAD, HEAD.index("ask_bid") + 1) is None
    assert hover("", 0) is None


@pytest.mark.parametrize(
    ("use", "declared"),
    [
        ("silver.close", "silver ="),
        ("slow_line", "slow_line ="),
        ("fast", "fast ="),
        ("POSITION.|gold", "gold ="),
        ("SEQUENCE.|sweep.low", "sweep ON"),
    ],
)
def test_names_lead_to_their_declaration(use: str, declared: str) -> None:
    text = HEAD + "RULES WHEN " + use.replace("|", "") + " > 1 THEN CLOSE gold"
    found = definition(text, len(HEAD) + 11 + max(0, use.find("|")) + 1)
    assert found is not None
    path, span = found
    assert path is None
    assert Places.of(text).offset(span.line - 1, span.column - 1) == text.index(declared)


def test_stages_imports_and_loops_lead_to_their_declaration(tmp_path: Path) -> None:
    text = HEAD + "RULES WHEN SEQUENCE.sweep.low.price > 1 THEN CLOSE gold"
    found = definition(text, text.index("low.price"))
    assert found is not None
    assert found[1].line == 8
    portfolio = "PORTFOLIO p VERSION 1 IMPORT 'sub/a.qkt' AS trend RULES RUN trend"
    assert definition(portfolio, portfolio.rindex("trend"), tmp_path) == (
        tmp_path / "sub/a.qkt",
        definition(portfolio, 35, tmp_path)[1],
    )  # type: ignore[index]
    assert definition(HEAD, HEAD.index("close")) is None


def test_the_outline_lists_all_declarations_in_order() -> None:
    text = HEAD + "RULES WHEN gold.close > 1 THEN CLOSE gold FOR EACH s IN gold, silver DO WHEN s.close > 1 THEN CLOSE s"
    assert [(e.what, e.name) for e in outline(text).entries] == [
        (What.STRATEGY, "t"),
        (What.STREAM, "gold"),
        (What.STREAM, "silver"),
        (What.PARAM, "fast"),
        (What.LET, "slow_line"),
        (What.LET, "gap"),
        (What.SEQUENCE, "sweep"),
        (What.STAGE, "low"),
        (What.STAGE, "high"),
        (What.RULE, "WHEN gold.close > 1 THEN CLOSE gold"),
        (What.LOOP, "s"),
        (What.RULE, "WHEN s.close > 1 THEN CLOSE s"),
    ]


def test_every_word_and_field_of_the_language_has_a_note() -> None:
    assert set(WORD_NOTES) == RESERVED | CONTEXTUAL | AGGREGATES | {"CASH"}
    fields = {group: set(names) for group, names in STATE_FIELDS.items()} | {
        "stream": set(STREAM_FIELDS),
        "ACCOUNT": set(ACCOUNT_FIELDS),
        "POSITION": set(POSITION_FIELDS),
        "NOW": set(NOW_FIELDS),
        "EXIT": set(EXIT_FIELDS),
    }
    for group, names in fields.items():
        assert {name for g, name in FIELD_NOTES if g == group} == names


def test_any_place_of_any_text_has_answers() -> None:
    for source in originals()[:6]:
        for offset in range(0, len(source), 41):
            for text in (source, source[:offset]):
                completions(text, min(offset, len(text)))
                hover(text, min(offset, len(text)))
                definition(text, min(offset, len(text)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_places_are_counted_as_the_editor_counts(encoding: str) -> None:
    text = "ab\nÄ🜚c\n"
    places = Places.of(text, encoding)
    units = {"utf-8": 6, "utf-16": 3, "utf-32": 2}[encoding]
    assert places.position(2, 3) == (1, units)
    assert places.offset(1, units) == text.index("c")
    assert places.offset(9, 0) == len(text)
    assert places.end == (2, 0)
