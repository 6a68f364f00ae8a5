"""The nodes that texts become, and the places they keep."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from qkt.lang import tree
from qkt.lang.parser import parse
from qkt.lang.tree import Span
from qkt.lang.walk import walk
from tests.lang.tree_shape import assert_nested, shape

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"
HEADER = "STRATEGY t VERSION 1 SYMBOLS k = SIM:K EVERY 1m\n"


def text_of(source: str, span: Span) -> str:
    lines = source.splitlines(keepends=True)
    start = sum(map(len, lines[: span.line - 1])) + span.column - 1
    end = sum(map(len, lines[: span.end_line - 1])) + span.end_column - 1
    return source[start:end]


def value(text: str) -> tree.Expr:
    result = parse(HEADER + "LET v = " + text)
    assert result.problems == ()
    assert isinstance(result.file, tree.Strategy)
    return result.file.lets[0].value


def written(node: object) -> str:
    """An expression with all of its parentheses, in a short form."""
    match node:
        case tree.Number(text=text) | tree.Duration(text=text):
            return text
        case tree.Name(name=name):
            return name
        case tree.Field(owner=owner, field=field):
            return f"{owner.text}.{field.text}"
        case tree.Arithmetic(op=op, left=left, right=right) | tree.Compare(op=op, left=left, right=right):
            return f"({written(left)} {op} {written(right)})"
        case tree.Logic(op=op, left=left, right=right):
            return f"({written(left)} {op} {written(right)})"
        case tree.Not(value=inner):
            return f"(NOT {written(inner)})"
        case tree.Negate(value=inner):
            return f"(- {written(inner)})"
        case tree.IsNull(value=inner, negated=negated):
            return f"({written(inner)} IS {'NOT ' if negated else ''}NULL)"
        case tree.Between(value=inner, low=low, high=high):
            return f"({written(inner)} BETWEEN {written(low)} {written(high)})"
        case tree.Crosses(above=above, left=left, right=right):
            return f"({written(left)} CROSSES {'ABOVE' if above else 'BELOW'} {written(right)})"
        case tree.Call(name=name, args=args):
            return f"{name.text}({', '.join(map(written, args))})"
        case _:
            raise AssertionError(node)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a - b - c", "((a - b) - c)"),
        ("a / b * c % d", "(((a / b) * c) % d)"),
        ("-a * b", "((- a) * b)"),
        ("a - -b", "(a - (- b))"),
        ("(a + b) * c", "((a + b) * c)"),
        ("NOT a = b", "(NOT (a = b))"),
        ("NOT a AND b OR c", "(((NOT a) AND b) OR c)"),
        ("a OR b AND c", "(a OR (b AND c))"),
        ("a > 3 IS NULL", "((a > 3) IS NULL)"),
        ("a IS NOT NULL", "(a IS NOT NULL)"),
        ("a BETWEEN 1 AND 2 AND b", "((a BETWEEN 1 2) AND b)"),
        ("a == b", "(a = b)"),
        ("a <> b + 1", "(a != (b + 1))"),
        ("a CROSSES ABOVE b + 1", "(a CROSSES ABOVE (b + 1))"),
        ("ema(k.close, 9) > log(close)", "(ema(k.close, 9) > log(close))"),
    ],
)
def test_operators_bind_as_the_table_says(text, expected):
    assert written(value(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SUM(a) SINCE OPEN", ("Since", "SUM", ("Name", "a"), None)),
        ("mean(a) SINCE t-5", ("Since", "MEAN", ("Name", "a"), 5)),
        ("a@buy", ("Snapshot", ("Ident", "a"), "BUY", None)),
        ("a@T-4", ("Snapshot", ("Ident", "a"), "T", 4)),
        ("ACCOUNT.equity", ("State", "ACCOUNT", ("Ident", "equity"))),
        ("EXIT.Price", ("State", "EXIT", ("Ident", "Price"))),
        ("POSITION.k", ("Position", ("Ident", "k"), None)),
        ("POSITION.k.mfe", ("Position", ("Ident", "k"), ("Ident", "mfe"))),
        ("POSITION_AVG_PRICE.k", ("Position", ("Ident", "k"), ("Ident", "avg_price"))),
        ("OPEN_ORDERS.k", ("OpenOrders", ("Ident", "k"))),
        ("SEQUENCE.s.complete", ("SequenceField", ("Ident", "s"), ("Ident", "complete"), None)),
        ("SEQUENCE.s.hi.price", ("SequenceField", ("Ident", "s"), ("Ident", "hi"), ("Ident", "price"))),
        ("NOW", ("Now", None)),
        ("NOW.WEEKDAY", ("Now", ("Ident", "WEEKDAY"))),
        ("SYMBOL", ("SymbolRef", None)),
        ("ENTRY_QTY", ("EntryQty",)),
        ("k.close[2]", ("LookBack", ("Field", ("Ident", "k"), ("Ident", "close")), 2)),
        ("2h", ("Duration", 7_200_000, "2h")),
        ("'x'", ("Text", "x")),
        ("true", ("Bool", True)),
        ("1.50", ("Number", Decimal("1.50"), "1.50")),
        ("a IN []", ("In", ("Name", "a"), (), False)),
        (
            "CASE WHEN a THEN 1 WHEN b THEN 2 ELSE c END",
            (
                "Case",
                ((("Name", "a"), ("Number", Decimal(1), "1")), (("Name", "b"), ("Number", Decimal(2), "2"))),
                ("Name", "c"),
            ),
        ),
    ],
)
def test_values(text, expected):
    assert shape(value(text)) == expected


ENTRY = """BUY k SIZING RISK 0.01 OF BOOK ORDER_TYPE = STOP AT 5 LIMIT AT 6 TIF GTD UNTIL NOW + 2h
    BRACKET { STOP LOSS BY 4 TIGHTEN BY 1 EVERY 15m FLOOR 2, TAKE PROFIT BY 3 PCT }
    STACK_AT MAE >= 5 RECOVER 2 WITHIN 1h SIZING ENTRY_QTY BRACKET { STOP LOSS BY 1, TAKE PROFIT BY 2 }
    ON_STOP { LOG "out" ; SELL k SIZING EXIT.qty LIMIT WITH 2 ; }"""


def test_an_entry_with_all_kinds_of_clauses():
    result = parse(HEADER + "RULES WHEN k.close > 0 THEN " + ENTRY)
    assert result.problems == ()
    assert isinstance(result.file, tree.Strategy)
    rule = result.file.rules[0]
    assert isinstance(rule, tree.Rule)
    (entry,) = rule.actions
    assert isinstance(entry, tree.Entry)
    assert not rule.listed
    assert shape(entry.sizing)[1:] == ("risk", ("Number", Decimal("0.01"), "0.01"), True)
    assert shape(entry.order_type)[1:] == ("STOP_LIMIT", ("Number", Decimal(5), "5"), ("Number", Decimal(6), "6"))
    assert entry.tif is not None
    assert entry.tif.kind == "GTD"
    assert entry.bracket is not None
    assert isinstance(entry.bracket.stop_loss, tree.TighteningStop)
    assert entry.bracket.stop_loss.every_ms == 900_000
    assert shape(entry.bracket.take_profit) == ("Exit", "PCT", ("Number", Decimal(3), "3"))
    (tier,) = entry.stack_at
    assert (tier.excursion, tier.within_ms) == ("MAE", 3_600_000)
    assert tier.recover is not None
    assert entry.on_stop is not None
    log, sell = entry.on_stop
    assert isinstance(log, tree.Log)
    assert isinstance(sell, tree.Entry)
    assert sell.order_type is not None
    assert shape(sell.order_type.price) == ("Relative", "WITH", ("Number", Decimal(2), "2"))


def test_a_latch():
    result = parse(
        HEADER + "RULES WHEN k.close > 0 THEN LATCH k OFFSET 1 FROM k.open ARM 1h AS brk CONFIRM RETEST_HOLD 2 WITHIN 20m "
        "{ ENTER LIMIT RETRACE 1 BRACKET { STOP LOSS AGAINST 3, TAKE PROFIT WITH 4 } SIZING 2 EXPIRE 40m ; ENTER ON k MARKET }"
    )
    assert result.problems == ()
    assert isinstance(result.file, tree.Strategy)
    rule = result.file.rules[0]
    assert isinstance(rule, tree.Rule)
    (latch,) = rule.actions
    assert isinstance(latch, tree.Latch)
    assert latch.arm_ms == 3_600_000
    assert latch.confirm is not None
    assert (latch.confirm.kind, latch.confirm.within_ms) == ("RETEST_HOLD", 1_200_000)
    first, second = latch.entries
    assert first.price is not None
    assert (first.kind, first.price.direction, first.expire_ms) == ("LIMIT", "AGAINST", 2_400_000)
    assert first.stop_loss is not None
    assert (second.kind, second.price, second.on and second.on.text) == ("MARKET", None, "k")


def test_a_portfolio():
    result = parse(
        """PORTFOLIO p VERSION 2 CAPITAL 15000.50
        SYMBOLS k = SIM:K EVERY 1m
        IMPORT 'a.qkt' AS a HOLD IMPORT "b.qkt" AS b
        REGIMES NAME mood STATE calm WHEN k.close > 1 STATE rest DEFAULT
        ALLOCATE METHOD regime_weighted REBALANCE EVERY 1d calm -> a 0.7, cash 0.3 rest -> b 1
        RULES RUN a WEIGHT 0.5 WHEN k.close > 2 RUN b WEIGHT 0.5 OVERRIDE { n = -3, s = "x", f = TRUE }"""
    )
    assert result.problems == ()
    file = result.file
    assert isinstance(file, tree.Portfolio)
    assert (file.name.text, file.version, file.capital) == ("p", 2, Decimal("15000.50"))
    assert [(i.path.value, i.alias.text, i.hold) for i in file.imports] == [("a.qkt", "a", True), ("b.qkt", "b", False)]
    assert file.regimes is not None
    assert [state.condition is None for state in file.regimes.states] == [False, True]
    assert file.allocate is not None
    assert file.allocate.rebalance_ms == 86_400_000
    assert [[(s.target.text, s.weight) for s in e.shares] for e in file.allocate.entries] == [
        [("a", Decimal("0.7")), ("cash", Decimal("0.3"))],
        [("b", Decimal(1))],
    ]
    always, gated = file.runs
    assert (always.condition, always.overrides) == (None, None)
    assert gated.overrides is not None
    assert [shape(o.value) for o in gated.overrides] == [("Number", Decimal(-3), "-3"), ("Text", "x"), ("Bool", True)]


def test_schedules():
    result = parse(
        HEADER
        + "SCHEDULE AT 07:00, 18:45:30 utc THEN CLOSE k EVERY HOUR AT :05 THEN FLATTEN EVERY WEEKDAY AT 09:30 NY THEN CLOSE k"
    )
    assert isinstance(result.file, tree.Strategy)
    assert [(c.every, tuple(t.seconds for t in c.times), c.minute, c.zone) for c in result.file.schedules] == [
        ("AT", (25_200, 67_530), None, "UTC"),
        ("HOUR", (), 5, None),
        ("WEEKDAY", (34_200,), None, "NY"),
    ]


def test_a_semicolon_makes_a_list():
    result = parse(HEADER + "RULES WHEN k.close > 1 THEN CLOSE k ; WHEN k.close > 2 THEN CLOSE k")
    assert isinstance(result.file, tree.Strategy)
    assert [rule.listed for rule in result.file.rules if isinstance(rule, tree.Rule)] == [True, False]


def test_spans_are_the_text_of_their_node():
    source = (
        HEADER
        + "LET a = sma( k.close ,\n 4 ) + (b - 1) * -2\nRULES WHEN a > 1 THEN BUY k SIZING 5 PCT OF EQUITY STOP LOSS BY 2 PCT"
    )
    file = parse(source).file
    assert file is not None
    spans = {type(node).__name__: text_of(source, node.span) for node in walk(file)}
    assert spans["Call"] == "sma( k.close ,\n 4 )"
    assert spans["Negate"] == "-2"
    assert spans["Let"] == "a = sma( k.close ,\n 4 ) + (b - 1) * -2"
    assert spans["Sizing"] == "5 PCT OF EQUITY"
    assert spans["Exit"] == "BY 2 PCT"
    assert spans["Bracket"] == "STOP LOSS BY 2 PCT"
    assert spans["Stream"] == "k = SIM:K EVERY 1m"
    assert spans["Strategy"] == source


def golden_files() -> list[Path]:
    return sorted(GOLDEN.glob("*/*.qkt"))


@pytest.mark.skipif(not golden_files(), reason="the golden cases stand outside of this repository, in ../shared/golden")
@pytest.mark.parametrize("path", golden_files(), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_golden_files_parse_and_their_nodes_lie_in_one_another(path):
    source = path.read_text()
    result = parse(source, str(path))
    assert result.problems == ()
    assert result.file is not None
    assert_nested(result.file, source)
