"""Promises that the pages about the project make about the project."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def rooms() -> set[str]:
    return {f"qkt/{init.parent.name}" for init in (ROOT / "qkt").glob("*/__init__.py")} | {"tui"}


def test_every_room_is_named_in_the_architecture_page() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))
    assert named == rooms()


def test_every_room_opens_with_what_it_is() -> None:
    for init in (*(ROOT / "qkt").rglob("__init__.py"), ROOT / "tui" / "__init__.py"):
        assert init.read_text(encoding="utf-8").startswith('"""'), f"{init} has no opening paragraph"


def test_the_import_rules_cover_every_room() -> None:
    config = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert {name.replace("/", ".") for name in rooms()} - {"tui"} <= set(re.findall(r'"(qkt\.\w+)"', config))


def test_the_readme_has_exactly_two_commands_for_a_fresh_machine() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- (main|tests) -->\n```sh\n(.*?)```", readme, re.DOTALL)
    assert [name for name, _ in blocks] == ["main", "tests"]
    assert all(len(block.strip().splitlines()) == 1 for _, block in blocks)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, qkt, qkt.cli.main; print([m for m in ('numpy', 'pyarrow', 'lark', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_the_public_call_works_however_its_room_was_imported() -> None:
    code = "import qkt.backtest.runner, qkt; assert callable(qkt.backtest); qkt.backtest('missing.qkt', data='missing.csv')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "missing.qkt" in done.stderr.strip().splitlines()[-1]


def test_every_promise_about_execution_names_a_test_that_exists() -> None:
    page = (ROOT / "docs" / "execution.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .* \| `(tests/\S+\.py)::(\w+)` \|$", page, re.MULTILINE)
    assert len(rows) == page.count("`tests/") > 20
    for file, name in rows:
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file} has no {name}"
