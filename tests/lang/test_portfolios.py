"""Portfolio files: imports found and checked, values given to children, gates and regimes evaluated on closed candles."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from qkt.core.events import Candle
from qkt.lang import LanguageError, check
from qkt.lang.diagnostics import render
from qkt.lang.portfolio import CompiledPortfolio
from qkt.lang.portfolio_loader import load_portfolio
from qkt.lang.source import is_portfolio
from tests.lang.fake_context import FakeContext

CHILD = "STRATEGY c VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\nPARAM lots = 1\nRULES WHEN k.close > 0 THEN BUY k SIZING lots\n"
HEAD = "PORTFOLIO p VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, m = SIM:MNO EVERY 5m\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.qkt").write_text(CHILD)
    (tmp_path / "b.qkt").write_text(CHILD.replace("STRATEGY c", "STRATEGY d"))
    return tmp_path


def write(folder: Path, text: str, name: str = "book.qkt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def load(folder: Path, text: str) -> CompiledPortfolio:
    return load_portfolio(write(folder, text))


def errors(folder: Path, text: str) -> list[tuple[str, str]]:
    return [(p.code, p.message) for p in check(write(folder, text)).problems if p.severity == "error"]


def test_children_get_their_ids_values_and_balances(folder: Path) -> None:
    text = "PORTFOLIO p VERSION 3 CAPITAL 30000\nIMPORT 'a.qkt' AS one\nIMPORT \"b.qkt\" AS two HOLD\n"
    book = load(folder, text + "RULES RUN one WEIGHT 0.3 OVERRIDE { lots = 0.25 } RUN two WEIGHT 0.7")
    assert (book.name, book.version, book.capital) == ("p", 3, Decimal(30000))
    assert [(c.alias, c.id, c.hold) for c in book.children] == [("one", "p:one", False), ("two", "p:two", True)]
    assert [c.balance for c in book.children] == [Decimal("9000.00000000"), Decimal("21000.00000000")]
    assert [c.params["lots"] for c in book.children] == [Decimal("0.25"), Decimal(1)]
    assert book.gates.active() == {"one", "two"}
    assert book.share("one") == 1


def test_one_file_may_be_imported_under_several_aliases(folder: Path) -> None:
    text = "PORTFOLIO p VERSION 1\nIMPORT 'a.qkt' AS x\nIMPORT 'a.qkt' AS y\nRULES RUN x OVERRIDE { lots = 2 } RUN y"
    x, y = load(folder, text).children
    assert (x.params["lots"], y.params["lots"]) == (Decimal(2), Decimal(1))
    assert x.strategy is not y.strategy


def test_a_child_inherits_the_streams_that_it_uses_and_does_not_declare(folder: Path) -> None:
    write(folder, "STRATEGY c VERSION 1\nRULES WHEN m.close > k.close THEN BUY k SIZING 1", "c.qkt")
    book = load(folder, HEAD + "IMPORT 'a.qkt' AS a\nIMPORT 'c.qkt' AS c\nRULES RUN a RUN c")
    own, inheriting = book.children
    assert [s.alias for s in own.strategy.streams] == ["k"]
    assert [(s.alias, s.symbol, s.timeframe.text) for s in inheriting.strategy.streams] == [
        ("k", "SIM:KLM", "1m"),
        ("m", "SIM:MNO", "5m"),
    ]


def test_a_childs_own_stream_wins_over_the_portfolios(folder: Path) -> None:
    write(folder, CHILD.replace("EVERY 1m", "EVERY 15m"), "c.qkt")
    (child,) = load(folder, HEAD + "IMPORT 'c.qkt' AS c\nRULES RUN c").children
    assert [s.timeframe.text for s in child.strategy.streams] == ["15m"]


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("IMPORT 'book.qkt' AS me\nRULES RUN me", "QKT0214", "imports itself"),
        ("IMPORT 'none.qkt' AS n\nRULES RUN n", "QKT0214", "No such file"),
        ("IMPORT 'other.qkt' AS n\nRULES RUN n", "QKT0214", "cannot be nested"),
        ("IMPORT 'bad.qkt' AS n\nRULES RUN n", "QKT0214", "bad.qkt has 1 error"),
        ("IMPORT 'a.qkt' AS a\nRULES RUN a OVERRIDE { lost = 1 }", "QKT0215", "no PARAM named 'lost'"),
        ("IMPORT 'a.qkt' AS a\nRULES RUN a OVERRIDE { lots = TRUE }", "QKT0215", "'lots' is TRUE or FALSE"),
        ("IMPORT 'a.qkt' AS a\nRULES RUN a OVERRIDE { lots = 'x' }", "QKT0215", "'lots' is a text"),
        ("LET up = k.close > k.open\nIMPORT 'a.qkt' AS a\nRULES WHEN up RUN a", "QKT0203", "no stream named 'k'"),
        ("IMPORT 'a.qkt' AS a\nRULES WHEN NOW.hour_utc > 3 RUN a", "QKT0210", "a stream to wake it"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(folder: Path, text: str, code: str, part: str) -> None:
    write(folder, "PORTFOLIO q VERSION 1\nIMPORT 'a.qkt' AS a\nRULES RUN a", "other.qkt")
    write(folder, CHILD.replace("k.close > 0", "kk.close > 0"), "bad.qkt")
    found = errors(folder, "PORTFOLIO p VERSION 1\n" + text)
    assert any(c == code and part in message for c, message in found), found
    with pytest.raises(LanguageError):
        load_portfolio(folder / "book.qkt")


BOOK_RISK = "RULES WHEN k.close > 0 THEN BUY k SIZING 1 PCT RISK OF BOOK BRACKET { STOP LOSS BY 1 }"


def test_risk_of_book_needs_a_portfolio_with_capital(folder: Path) -> None:
    write(folder, CHILD.partition("RULES")[0] + BOOK_RISK, "c.qkt")
    (child,) = load(folder, "PORTFOLIO p VERSION 1 CAPITAL 10\nIMPORT 'c.qkt' AS c\nRULES RUN c WEIGHT 1").children
    assert child.weight == 1
    found = errors(folder, "PORTFOLIO p VERSION 1\nIMPORT 'c.qkt' AS c\nRULES RUN c")
    assert [code for code, _ in found] == ["QKT0214"]


def test_the_errors_of_a_child_are_told_under_its_own_path(folder: Path) -> None:
    bad = write(folder, CHILD.replace("k.close > 0", "kk.close > 0"), "bad.qkt")
    with pytest.raises(LanguageError) as caught:
        load(folder, "PORTFOLIO p VERSION 1\nIMPORT 'bad.qkt' AS n\nRULES RUN n")
    assert f"{bad}:4:12: error QKT0203" in str(caught.value)
    (child,) = check(folder / "book.qkt").children
    assert child.path == bad
    assert [p.code for p in child.problems] == ["QKT0203"]


def test_what_is_wrong_with_an_inherited_stream_is_told_where_it_is_declared(folder: Path) -> None:
    rules = "RULES WHEN g.close > k.close THEN BUY k SIZING 1\nWHEN nobody.close > 1 THEN CLOSE k"
    write(folder, f"STRATEGY c VERSION 1\n{rules}", "c.qkt")
    symbols = "SYMBOLS k = SIM:KLM EVERY 1y, m = SIM:MNO EVERY 5m, g = BASKET EQUAL_WEIGHT [k, m] EVERY 5m"
    path = write(folder, f"PORTFOLIO p VERSION 1\n\n\n\n{symbols}\nIMPORT 'c.qkt' AS c\nRULES RUN c")
    found = check(path)
    (child,) = found.children
    assert [(p.code, p.span.line) for p in found.problems] == [("QKT0211", 5), ("QKT0214", 6)]
    assert [(p.code, p.span.line) for p in child.problems] == [("QKT0203", 3)]


def test_names_of_a_portfolio_that_nothing_reads_are_warned_about(folder: Path) -> None:
    names = "PARAM n = 3\nPARAM spare = 1\nLET up = k.close > n\nLET down = k.close < n\n"
    text = "PORTFOLIO p VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\nIMPORT 'a.qkt' AS a\n" + names
    found = check(write(folder, text + "RULES WHEN up RUN a")).problems
    assert [(p.code, p.message) for p in found] == [
        ("QKT0502", "PARAM 'spare' is never used"),
        ("QKT0501", "LET 'down' is never used"),
    ]


@pytest.mark.parametrize("condition", ["px@buy > 1", "(MAX(k.close) SINCE T-3) > 1", "1 < k.close < 5"])
def test_gates_are_plain_levels(folder: Path, condition: str) -> None:
    assert errors(folder, HEAD + f"LET px = k.close\nIMPORT 'a.qkt' AS a\nRULES WHEN {condition} RUN a")


class Book:
    """Drives the gates of a portfolio candle by candle."""

    def __init__(self, book: CompiledPortfolio) -> None:
        self.book = book
        self._symbols = {s.alias: s.symbol for s in book.gates.streams}
        self._ends = dict.fromkeys(self._symbols, 0)
        book.gates.on_start(FakeContext())

    def close(self, price: float, stream: str = "k", minutes: int = 1) -> frozenset[str]:
        start = self._ends[stream]
        end = self._ends[stream] = start + minutes * 60_000
        self.book.gates.on_candle(
            Candle(stream, self._symbols[stream], start, end, price, price, price, price, 0.0),
        )
        return self.book.gates.active()


def test_a_gate_is_a_level_and_undefined_is_closed(folder: Path) -> None:
    text = "IMPORT 'a.qkt' AS a\nIMPORT 'b.qkt' AS b\nRULES WHEN k.close > sma(k.close, 2) RUN a WHEN k.close > 100 RUN a RUN b"
    book = Book(load(folder, HEAD + text))
    assert book.book.gates.active() == {"b"}
    assert [("a" in book.close(price)) for price in (10, 20, 30, 25, 26, 101, 100)] == [
        False,
        True,
        True,
        False,
        True,
        True,
        False,
    ]


def test_a_gate_hears_every_stream_at_its_own_timeframe(folder: Path) -> None:
    book = Book(load(folder, HEAD + "IMPORT 'a.qkt' AS a\nRULES WHEN m.close > k.close RUN a"))
    assert book.close(5) == set()
    assert book.close(7, "m", minutes=5) == {"a"}
    assert book.close(8) == set()


def test_a_cross_in_a_gate_has_one_memory_whichever_stream_wakes_it(folder: Path) -> None:
    book = Book(load(folder, HEAD + "IMPORT 'a.qkt' AS a\nRULES WHEN k.close CROSSES ABOVE 10 RUN a"))
    assert book.close(5) == set()
    assert book.close(12) == {"a"}
    assert book.close(1, "m", minutes=5) == set()


def test_lets_and_params_of_a_portfolio(folder: Path) -> None:
    path = write(folder, HEAD + "PARAM top = 10\nLET high = k.close > top\nIMPORT 'a.qkt' AS a\nRULES WHEN high RUN a")
    assert Book(load_portfolio(path)).close(11) == {"a"}
    book = load_portfolio(path, {"top": "20"})
    assert book.params == {"top": Decimal(20)}
    assert Book(book).close(11) == set()


REGIMES = """PORTFOLIO p VERSION 1 CAPITAL 1000
SYMBOLS k = SIM:KLM EVERY 1m
IMPORT 'a.qkt' AS a
IMPORT 'b.qkt' AS b
REGIMES NAME mood STATE up WHEN k.close > 10 STATE high WHEN k.close > 5 STATE rest DEFAULT
ALLOCATE METHOD regime_weighted up -> a 0.7, b 0.3 high -> a 0.5, cash 0.5
RULES RUN a RUN b
"""


def test_the_first_true_state_decides_the_shares(folder: Path) -> None:
    book = Book(load(folder, REGIMES))
    assert (book.book.gates.regime(), book.book.share("a")) == (None, 1)
    seen = []
    for price in (11, 7, 3):
        book.close(price)
        seen.append((book.book.gates.regime(), book.book.share("a"), book.book.share("b")))
    zero = Decimal(0)
    assert seen == [
        ("up", Decimal("0.7"), Decimal("0.3")),
        ("high", Decimal("0.5"), zero),
        ("rest", zero, zero),
    ]


def test_a_strategy_is_no_portfolio(folder: Path) -> None:
    with pytest.raises(LanguageError, match="QKT0216"):
        load_portfolio(folder / "a.qkt")


def test_the_name_of_an_import_is_told_on_one_line(folder: Path) -> None:
    path = write(folder, "PORTFOLIO p VERSION 1\nIMPORT 'a\\nb\\t.qkt' AS c\nIMPORT 'a\0.qkt' AS d\nRULES RUN c RUN d\n")
    found = check(path)
    text = render("book.qkt", found.source, found.problems)
    assert [line for line in text.split("\n") if line.startswith("book.qkt")] == [
        f"book.qkt:2:8: error QKT0214: {folder}/a\ufffdb\ufffd.qkt cannot be read (No such file or directory)",
        "book.qkt:3:8: error QKT0214: 'a\ufffd.qkt' is no path (embedded null byte)",
    ]


@pytest.mark.parametrize("comment", ["", "-" * 80 + "\n", "# PORTFOLIO\n", "/* STRATEGY\n */ ", "\ufeff\n\t"])
def test_the_first_word_tells_a_portfolio_from_a_strategy(comment: str) -> None:
    assert is_portfolio(comment + "portfolio p VERSION 1")
    assert not is_portfolio(comment + "STRATEGY portfolio VERSION 1")
    assert not is_portfolio(comment)
