"""The grammar's tables and their cache."""

from __future__ import annotations

import logging
import re
import subprocess
import sys

import pytest

from qkt.lang import tables
from qkt.lang.building import BUILDERS


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


def test_the_only_ambiguities_are_the_two_that_we_know(caplog):
    from lark.utils import logger

    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(caplog.handler)
    try:
        tables.compile_grammar(tables.GRAMMAR.read_text())
    finally:
        logger.removeHandler(caplog.handler)
        logger.setLevel(level)
    conflicts = set(re.findall(r"terminal (\w+)", caplog.text))
    # STOP AT p LIMIT AT q is one stop-limit order; a FOR EACH among rules belongs to their block
    assert conflicts == {"LIMIT", "FOR"}


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
