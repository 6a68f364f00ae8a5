"""Every example of the language pages does what the page says.

A block marked `qkt` is sound, and one that is a whole strategy runs over synthetic quotes. `qkt QKT0203` must raise that code.
A block may be a part: blocks of a file are put behind two streams, actions behind a rule, expressions into a LET each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import qkt
from qkt.data import synthesize
from qkt.data.tick_writer import write_ticks
from qkt.lang.codes import CODES
from qkt.lang.diagnostics import LanguageError
from qkt.lang.formatter import format_source
from qkt.lang.loader import check_text, load_text
from tests.lang.code_examples import BESIDE, EXAMPLES, PAGE, PREAMBLE, page, source_of

FOLDER = Path(__file__).parents[2] / "docs" / "language"
HEADER = "STRATEGY example VERSION 1\nSYMBOLS\n    gold = BACKTEST:XAUUSD EVERY 5m,\n    eur = BACKTEST:EURUSD EVERY 1h\n"
BLOCKS = ("DEFAULTS", "LET", "PARAM", "SCHEDULE", "SEQUENCE", "RULES", "FOR")
ACTIONS = ("BUY", "SELL", "CLOSE", "CLOSE_ALL", "FLATTEN", "RESIZE", "CANCEL", "CANCEL_ALL", "LOG", "OCO_ENTRY", "LATCH")


@dataclass(frozen=True)
class Example:
    page: str
    line: int
    code: str
    text: str

    @property
    def whole(self) -> bool:
        return self.text.startswith(("STRATEG", "PORTFOLIO"))

    @property
    def source(self) -> str:
        first = re.split(r"\W", self.text.strip(), maxsplit=1)[0]
        if self.whole:
            return self.text
        if self.page == PAGE.name:
            return PREAMBLE + self.text
        if self.text.startswith("SYMBOLS"):
            return f"STRATEGY example VERSION 1\n{self.text}"
        if first in BLOCKS:
            return HEADER + self.text
        if first in ACTIONS:
            actions = re.split(rf"^(?=(?:{'|'.join(ACTIONS)})\b)", self.text, flags=re.MULTILINE)
            return HEADER + "RULES\n" + "".join(f"WHEN gold.close > 0 THEN {action}" for action in actions if action)
        lines = [line for line in self.text.strip().split("\n") if not line.startswith("--")]
        return HEADER + "LET px = gold.close\n" + "".join(f"RULES WHEN ({line}) IS NULL THEN CLOSE gold\n" for line in lines)


def examples() -> list[Example]:
    found = []
    for path in sorted(FOLDER.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        for block in re.finditer(r"^```qkt ?(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, block.start()) + 1
            found.append(Example(path.name, line, block[1], block[2]))
    return found


EVERY = examples()
SOUND = [e for e in EVERY if not e.code]


def shown(example: Example) -> str:
    return f"{example.page}:{example.line}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where examples are checked: beside the files that they import."""
    folder = tmp_path_factory.mktemp("pages")
    for name, text in BESIDE.items():
        (folder / name).write_text(text.replace("SIM:KLM", "BACKTEST:XAUUSD"))  # a market that the sample has
    return folder


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    for symbol in ("EURUSD", "XAUUSD", "XAGUSD"):
        write_ticks(folder / f"{symbol.lower()}.csv.gz", symbol, synthesize(symbol, 2, 7, ticks_per_day=1_500))
    return folder


def errors(source: str, folder: Path) -> list[str]:
    result = check_text(source, "p.qkt", path=folder / "p.qkt")
    return [problem.code for problem in result.problems if problem.severity == "error"]


def raised(code: str, source: str, folder: Path) -> set[str]:
    """The codes that a file raises, where `code` is expected to be one of them."""
    path = folder / "p.qkt"
    path.write_text(source)
    problems = check_text(source, "p.qkt", code == "QKT0602", path).problems
    try:
        load_text(source)
    except LanguageError as refused:
        problems += refused.problems
    return {problem.code for problem in problems}


@pytest.mark.parametrize("example", SOUND, ids=shown)
def test_an_example_is_sound_and_can_be_formatted(example: Example, folder: Path) -> None:
    assert errors(example.source, folder) == []
    format_source(example.source)


@pytest.mark.parametrize("example", [e for e in EVERY if e.code], ids=shown)
def test_an_example_of_a_mistake_raises_its_code(example: Example, folder: Path) -> None:
    assert example.code in raised(example.code, example.source, folder)


@pytest.mark.parametrize("example", [e for e in SOUND if e.whole], ids=shown)
def test_a_whole_strategy_or_portfolio_runs(example: Example, folder: Path, sample: Path) -> None:
    path = folder / "whole.qkt"
    path.write_text(example.source)
    assert qkt.backtest(path, data=sample).metrics is not None


def test_every_code_has_a_file_that_raises_it(folder: Path) -> None:
    assert set(EXAMPLES) == set(CODES), "add an example to tests/lang/code_examples.py and run it"
    assert [code for code in EXAMPLES if code not in raised(code, source_of(code), folder)] == []


def test_the_page_of_codes_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.lang.code_examples"


def test_every_page_is_in_the_table_of_contents_and_no_link_is_dead() -> None:
    for path in FOLDER.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (FOLDER / target).exists(), f"{path.name} links to {target}"
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", (FOLDER / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in FOLDER.glob("*.md")} - {"README.md"}
