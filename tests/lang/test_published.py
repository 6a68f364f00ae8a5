"""What `--published` refuses, and that it refuses nothing that the published parser reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from qkt.lang.loader import check, check_text
from qkt.lang.published_spelling import WORDS

PREAMBLE = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\n"
WHEN = "RULES WHEN k.close > 1 AND POSITION.k = 0 THEN "
GOLDEN = sorted((Path(__file__).parents[3] / "shared" / "golden").glob("*/*.qkt"))

OURS = [
    ("LET a = 1\nLET b = 2\n" + WHEN + "BUY k SIZING a + b", "a second LET"),
    ("LET a = 1\nPARAM p = 2\n" + WHEN + "BUY k SIZING a + p", "PARAM behind LET"),
    (WHEN + "CLOSE k\nLET a = 1", "LET behind RULES"),
    ("FOR EACH s IN [k] DO WHEN s.close > 1 THEN CLOSE s", "FOR EACH outside RULES"),
    ("RULES FOR EACH s IN k DO WHEN s.close > 1 THEN CLOSE s", "a list of FOR EACH without brackets"),
    (WHEN + 'LOG INFO "x"', "the level INFO"),
    (WHEN + "BUY k SIZING 1 LIMIT AT 5", "an order type without ORDER_TYPE ="),
    (WHEN + "BUY k SIZING 1 STOP LOSS BY 1 TAKE PROFIT BY 2", "protection outside of BRACKET"),
    (WHEN + "CLOSE_ALL k", "a stream behind CLOSE_ALL"),
    (WHEN + "BUY k SIZING POSITION.k * 2", "arithmetic that begins with POSITION in SIZING"),
    ("LET up = k.close CROSSES ABOVE 5\nRULES WHEN up THEN CLOSE k", "CROSSES in a LET"),
    ("LET day = 1\n" + WHEN + "BUY k SIZING day", "'day' as a name"),
    (WHEN + 'LOG "x" step=1', "'step' as a name"),
    (WHEN + "BUY k SIZING 1 ORDER_TYPE = LIMIT AT 5 TIF GTD UNTIL NOW + 1w", "weeks"),
    ("STRATEGY t VERSION 1 SYMBOLS k = SIM:KLM EVERY 1w " + WHEN + "CLOSE k", "weeks"),
    ("STRATEGY t VERSION 1 SYMBOLS k = SIM:KLM EVERY 1 w " + WHEN + "CLOSE k", "weeks"),
    ("STRATEGY t VERSION 1 SYMBOLS k = SIM:BRK.B EVERY 1m " + WHEN + "CLOSE k", "'BRK.B' in a symbol"),
    ("STRATEGY t VERSION 1 SYMBOLS k = NYSE:NOW EVERY 1m " + WHEN + "CLOSE k", "'NOW' in a symbol"),
    (
        "STRATEGY t VERSION 1 DEFAULTS { SIZING = 1, TIF = GTC } SYMBOLS k = SIM:KLM EVERY 1m " + WHEN + "BUY k",
        "commas in DEFAULTS",
    ),
    (
        "STRATEGY t VERSION 1 DEFAULTS { SIZING = 1 stopLoss = BY 5 } SYMBOLS k = SIM:KLM EVERY 1m " + WHEN + "CLOSE k",
        "the key stopLoss",
    ),
    (
        "STRATEGY t VERSION 1 DEFAULTS { STOP_LOSS = 5 } SYMBOLS k = SIM:KLM EVERY 1m " + WHEN + "CLOSE k",
        "a distance without BY",
    ),
    ("STRATEGY t VERSION 1 SYMBOLS k = SIM:KLM EVERY 1m DEFAULTS { SIZING = 1 } " + WHEN + "BUY k", "DEFAULTS behind SYMBOLS"),
    ("PORTFOLIO p VERSION 1 IMPORT 'a.qkt' AS a LET z = 1 RULES RUN a", "LET in a portfolio"),
]


def source(text: str) -> str:
    return text if text.startswith(("STRATEGY", "PORTFOLIO")) else PREAMBLE + text


@pytest.mark.parametrize(("text", "what"), OURS, ids=[what for _, what in OURS])
def test_a_spelling_that_is_only_ours_is_refused_where_it_stands(text: str, what: str) -> None:
    assert check_text(source(text)).ok
    found = [p for p in check_text(source(text), published=True).problems if p.severity == "error"]
    assert [(p.code, p.message) for p in found].count(("QKT0602", f"the published parser does not read {what}")) == 1


def test_the_reserved_words_of_the_published_language_are_all_there() -> None:
    assert {"ARROW", "DAY", "FLOOR", "MAX", "NAME", "ENTRY_QTY", "WITHIN"} <= WORDS
    assert not {"INFO", "OVER", "TIME_EXIT", "ENTRY", "BOOK", "T", "CASH"} & WORDS


@pytest.mark.skipif(not GOLDEN, reason="the golden cases stand outside of this repository, in ../shared/golden")
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_files_of_the_published_engine_are_read_as_published(path: Path) -> None:
    found = check_text(path.read_text(encoding="utf-8"), published=True).problems
    assert [p for p in found if p.code == "QKT0602"] == []


def test_what_a_portfolio_imports_is_held_to_the_published_language_too(tmp_path: Path) -> None:
    book = tmp_path / "book.qkt"
    book.write_text("PORTFOLIO p VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1w\nIMPORT 'a.qkt' AS a\nRULES RUN a\n")
    (tmp_path / "a.qkt").write_text("STRATEGY t VERSION 1\n" + WHEN + "BUY k SIZING 1 LIMIT AT 5\n")
    assert check(book).ok
    refused = check(book, published=True)
    own = [(p.code, p.span.line, p.message.removeprefix("the published parser does not read ")) for p in refused.problems]
    assert own == [("QKT0602", 2, "weeks"), ("QKT0214", 3, "a.qkt has 1 error")]
    # the weeks are the portfolio's, whose stream the child inherits
    assert [p.message for p in refused.children[0].problems if p.severity == "error"] == [
        "the published parser does not read an order type without ORDER_TYPE ="
    ]
