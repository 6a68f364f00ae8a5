"""The grammar's tables and their cache."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from qkt.lang import tables
from qkt.lang.building import BUILDERS
from qkt.lang.parser import parse
from qkt.lang.walk import same


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache directory of our own; what is loaded in a test stays in it."""
    monkeypatch.setattr(tables, "_cache_directory", lambda: tmp_path / "cache")
    tables.load_tables.cache_clear()
    yield tmp_path / "cache"
    tables.load_tables.cache_clear()


def test_every_rule_has_its_function_and_every_function_its_rule():
    reductions = tables.load_tables().reductions
    assert {r.name for r in reductions if r.name and not r.single} == set(BUILDERS)
    for reduction in reductions:
        if reduction.name not in BUILDERS and reduction.name:
            assert len(reduction.shape) == 1  # handed on as it is


# All that the grammar leaves open, each read as the longer form.
AMBIGUITIES = [
    # rules, FOR EACH, rules: the loop goes on with the block before it rather than open one of its own. Either way the file
    # has the same rules in the same order.
    ("FOR", "<rules : RULES _rules>"),
    ("FOR", "<rules : for_each _rules>"),
    # STOP AT p LIMIT AT q: one stop-limit order rather than a stop order overruled by a limit order.
    ("LIMIT", "<resting_order : STOP AT expr>"),
]


def test_every_ambiguity_of_the_grammar_is_one_that_we_know(monkeypatch):
    from lark.utils import logger

    told: list[str] = []
    monkeypatch.setattr(logger, "isEnabledFor", lambda _level: True)
    monkeypatch.setattr(logger, "handle", lambda record: told.append(record.getMessage()))
    tables.compile_grammar(tables.GRAMMAR.read_text())
    text = "\n".join(told)
    assert (
        sorted(re.findall(r"Shift/Reduce conflict for terminal (\w+): \(resolving as shift\)\n \* (<.*>)", text)) == AMBIGUITIES
    )
    assert text.count("onflict") == len(AMBIGUITIES)


def test_a_loop_between_rules_belongs_to_their_block_and_a_limit_to_its_stop():
    head = "STRATEGY t VERSION 1 SYMBOLS k = SIM:K EVERY 1m "
    rule, loop = "WHEN k.close > 1 THEN CLOSE k ", "FOR EACH s IN [k] DO WHEN s.close > 2 THEN CLOSE s "
    together, apart = (parse(head + f"RULES {rule}{between}{loop}{rule}").file for between in ("", "RULES "))
    assert same(together, apart)
    entry = parse(head + "RULES WHEN k.close > 1 THEN BUY k SIZING 1 STOP AT 5 LIMIT AT 6").file.rules[0].actions[0]
    assert (entry.order_type.kind, entry.order_type.price.text, entry.order_type.limit.text) == ("STOP_LIMIT", "5", "6")


def test_tables_are_kept_and_read_again(cache, monkeypatch):
    built = tables.load_tables()
    (kept,) = cache.iterdir()
    tables.load_tables.cache_clear()
    monkeypatch.setattr(tables, "compile_grammar", lambda _source: pytest.fail("compiled again"))
    assert tables.load_tables() == built
    assert kept.suffix == ".json"


@pytest.mark.parametrize("content", ["", "{", '{"actions": []}', "[]"])
def test_a_spoilt_cache_is_replaced(cache, content):
    built = tables.load_tables()
    (kept,) = cache.iterdir()
    whole = kept.read_text()
    kept.write_text(content)
    tables.load_tables.cache_clear()
    assert tables.load_tables() == built
    assert kept.read_text() == whole


def test_a_directory_that_cannot_be_written_costs_only_time(cache):
    cache.write_text("a file where the directory should be")
    assert tables.load_tables().actions


def test_a_warm_start_does_not_load_the_parser_generator():
    code = "import sys; from qkt.lang.parser import parse; parse(''); parse(''); print('lark' in sys.modules)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert runs[-1].strip() == "False"
