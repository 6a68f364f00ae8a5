"""The files for editors follow the language."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from qkt.lang.keywords import AGGREGATES, CONTEXTUAL, RESERVED
from qkt.lang.lexing import lex
from qkt.lang.loader import check_text
from tests.lang.damage import originals

EDITORS = Path(__file__).parents[2] / "editors"
VSCODE = EDITORS / "vscode"


def textmate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("textmate", EDITORS / "textmate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PATTERNS: list[dict[str, str]] = json.loads((VSCODE / "syntaxes" / "qkt.tmLanguage.json").read_text())["patterns"]


def python(pattern: str) -> re.Pattern[str]:
    """A pattern as Python reads it: flags of the whole stand in front only."""
    flagged = pattern.startswith("(?i)")
    return re.compile(pattern.removeprefix("(?i)"), re.MULTILINE | (re.IGNORECASE if flagged else re.NOFLAG))


RULES = [(p["name"], python(p.get("match") or f"{p['begin']}(?s:.*?){p['end']}")) for p in PATTERNS]


def scopes(text: str) -> dict[int, str]:
    """The scope of every character, painted as an editor does: at each place the first rule that matches there."""
    painted: dict[int, str] = {}
    at = 0
    while at < len(text):
        found = next(((name, m) for name, rule in RULES if (m := rule.match(text, at)) and m.end() > at), None)
        if found is None:
            at += 1
            continue
        name, match = found
        painted |= dict.fromkeys(range(at, match.end()), name)
        at = match.end()
    return painted


def test_the_grammar_is_that_of_the_words_of_the_language() -> None:
    module = textmate()
    assert module.GRAMMAR.read_text() == module.text(), "run: python editors/textmate.py"
    painted = set()
    for _, rule in RULES:
        words = re.fullmatch(r"\(\?<!\[\\w\.\]\)\(\?:([A-Z_|]+)\)\\b.*", rule.pattern)
        painted |= set(words[1].split("|")) if words else set()
    assert RESERVED | CONTEXTUAL | AGGREGATES | {"CASH"} <= painted | {"T"}


@pytest.mark.parametrize("source", originals(), ids=lambda source: " ".join(source.split()[:2]))
def test_examples_are_painted_as_the_language_reads_them(source: str) -> None:
    lexed = lex(source)
    painted = scopes(source)
    for comment in lexed.comments:
        assert painted[comment.start].startswith("comment")
    for token in lexed.tokens[:-1]:
        scope = painted.get(token.start, "")
        if token.kind in RESERVED:
            assert scope.startswith(("keyword", "support.variable", "constant.language", "variable.other.snapshot")), token
        elif token.kind == "STRING":
            assert scope.startswith(("string", "entity.name.type.market")), token
        elif token.kind in ("NUMBER", "DURATION"):
            assert scope.startswith(("constant.numeric", "variable.other.snapshot")), token
        elif token.kind in ("IDENT", "FIELD") and token.text.islower():
            assert not scope.startswith("comment"), token


def test_every_file_that_the_extension_names_is_there() -> None:
    package: dict[str, Any] = json.loads((VSCODE / "package.json").read_text())
    contributed = package["contributes"]
    named = [package["main"], contributed["languages"][0]["configuration"]]
    named += [part["path"] for part in (*contributed["grammars"], *contributed["snippets"])]
    for path in named:
        assert (VSCODE / path).is_file()
    json.loads((VSCODE / "language-configuration.json").read_text())


@pytest.mark.parametrize("name", json.loads((VSCODE / "snippets" / "qkt.json").read_text()))
def test_snippets_give_sound_text(name: str, tmp_path: Path) -> None:
    body = "\n".join(json.loads((VSCODE / "snippets" / "qkt.json").read_text())[name]["body"])
    text = re.sub(r"\$\{\d+\|(\w+)[^}]*\}|\$\{\d+:([^}]*)\}", lambda m: m[1] or m[2], body)
    head = "STRATEGY t VERSION 1\nSYMBOLS gold = SIM:XAU EVERY 5m\n"
    if name == "rule":
        text = f"{head}RULES {text}"
    elif name in ("bracket", "latch"):
        text = f"{head}RULES WHEN POSITION.gold = 0 THEN {'BUY gold SIZING 1 ' if name == 'bracket' else ''}{text}"
    elif name in ("sequence", "schedule"):
        text = head + text
    (tmp_path / "child.qkt").write_text(f"{head}RULES WHEN gold.close > 1 THEN CLOSE gold")
    problems = check_text(text, "s.qkt", path=tmp_path / "s.qkt").problems
    assert [p for p in problems if p.severity == "error"] == []
