"""Every block of the pages that are not about the language is checked for what it is. Commands are parsed; those of the pages
that `tests.docs.walk` goes through are run there, by `.ci/nightly`.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer

import qkt
from qkt.cli.main import COMMANDS, app
from qkt.config import load_config
from qkt.lang.loader import check_text
from tests.docs.python_page import PAGE, page

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "editors").rglob("*.md")]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN = {"", "text", "py", "lua", "yaml"}
"""What a reader reads and nobody runs: output, diagrams, signatures, configuration of other programs."""
WALKED = ("README.md", "docs/tutorial.md", "docs/recipes.md")
OF_OTHERS = ("[[language]]", "[language-server")
"""How TOML of other programs begins."""


@dataclass(frozen=True)
class Block:
    place: str
    kind: str
    text: str


def blocks(*kinds: str) -> list[Any]:
    found = []
    for path in sorted(PAGES):
        text = path.read_text(encoding="utf-8")
        for fence in FENCE.finditer(text):
            place = f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, fence.start()) + 1}"
            if not kinds or fence[1] in kinds:
                found.append(pytest.param(Block(place, fence[1], fence[2]), id=place))
    return found


def test_every_block_says_what_it_is() -> None:
    known = SHOWN | {"qkt", "toml", "json", "python", "sh", "console"}
    assert [block.place for (block,) in (param.values for param in blocks()) if block.kind not in known] == []


@pytest.mark.parametrize("block", blocks("qkt"))
def test_a_strategy_is_sound(block: Block) -> None:
    assert check_text(block.text, block.place).problems == ()


@pytest.mark.parametrize("block", blocks("json"))
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", blocks("toml"))
def test_a_configuration_is_one_that_an_engine_takes(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tomllib.loads(block.text)
    if block.text.startswith(OF_OTHERS):
        return
    for name in re.findall(r"\$\{([A-Z_0-9]+)\}", block.text):
        monkeypatch.setenv(name, "https://example.invalid/0123456789abcdef")
    (tmp_path / "qkt.toml").write_text(block.text, encoding="utf-8")
    load_config(tmp_path / "qkt.toml")[0].profiles()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages take for granted: the example strategies and a sample."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "strategies").symlink_to(ROOT / "strategies")
    qkt.write_sample(folder / "sample", ["EURUSD"], days=1, ticks_per_day=3_000)
    return folder


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs(block: Block, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    exec(compile(block.text, block.place, "exec"), {"__name__": "page"})


def commands(block: Block) -> list[str]:
    """The command lines of qkt in a block: of `sh` every line, elsewhere those behind a prompt."""
    text = block.text.replace("\\\n", " ")
    lines = text.splitlines() if block.kind == "sh" else re.findall(r"^(?:\$|C:\\>) (.*)$", text, re.MULTILINE)
    parts = [part.strip() for line in lines for part in re.split(r"&&|\|\||[;|&]|\bdo\b|\$\(", line)]
    return [part for part in parts if re.match(r"(\S*/)?qkt\b", part)]


def unwalked() -> list[Any]:
    found = [(param, param.values[0]) for param in blocks("sh", "console", "")]
    return [param for param, block in found if commands(block) and block.place.split(":")[0] not in WALKED]


@pytest.mark.parametrize("block", unwalked())
def test_commands_are_understood(block: Block) -> None:
    for text in commands(block):
        words = shlex.split(re.sub(r"[0-9]?>.*|\)$", "", text), comments=True)[1:]
        name = words.pop(0) if words else "--help"
        if name.startswith("-"):
            continue
        assert name in COMMANDS, f"{block.place}: {text}"
        command = typer.main.get_command(app).get_command(None, name)
        if getattr(command, "commands", None):
            assert words[0] in command.commands, f"{block.place}: {text}"
            name, command = words[0], command.commands[words.pop(0)]
        if "--help" not in words:
            command.make_context(name, words)


def test_links_lead_somewhere() -> None:
    for path in PAGES:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"


def test_every_test_that_a_page_names_is_there() -> None:
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        files = re.findall(r"python -m pytest ((?:tests/\S*[\w/] ?)+)", text)
        modules = re.findall(r"python -m (tests\.[\w.]+\w)", text)
        assert [name for some in files for name in some.split() if not (ROOT / name).exists()] == [], path.name
        assert [name for name in modules if find_spec(name) is None] == [], path.name


def test_every_page_is_on_the_site() -> None:
    site = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if f'"{page}"' not in site} == set()


def test_the_page_of_python_is_that_of_the_package() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.docs.python_page"
