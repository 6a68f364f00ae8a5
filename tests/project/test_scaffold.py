"""Projects as `qkt new` makes them: whole, sound, and passing what they are checked with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from qkt.cli.main import main
from qkt.config import load_config
from qkt.lang.loader import check_text
from qkt.project import Kind, create
from qkt.project.scaffold import TEMPLATES

KINDS = list(Kind)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def test_a_project_passes_its_own_test(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "first"
    create(project, kind)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # a session inside of this one
    alone = ["-q", "-c", os.devnull, "--rootdir", str(project), "--import-mode=importlib", "-p", "no:cacheprovider"]
    assert pytest.main([*alone, str(project / "tests")]) is pytest.ExitCode.OK


def test_what_a_project_says_can_be_used(kind: Kind, tmp_path: Path) -> None:
    project = tmp_path / "first"
    files = create(project, kind)
    assert {path.name for path in files} >= {"README.md", "qkt.toml", ".gitignore", "ci.yml"}
    assert load_config(project / "qkt.toml")[1] is not None
    for path in (project / "strategies").glob("*.qkt"):
        assert check_text(path.read_text(encoding="utf-8"), path.name, path=path).problems == ()
    readme = (project / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# first\n")
    assert "PROJECT" not in readme
    for path in (project / "strategies").iterdir():
        assert f"strategies/{path.name}" in readme


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    (tmp_path / "file").write_text("keep")
    for name in ("mine", "file"):
        with pytest.raises(SystemExit) as end:
            main(["new", str(tmp_path / name)])
        assert end.value.code == 1
        assert "nothing is overwritten" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_an_empty_folder_is_filled_under_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    create(Path())
    assert (tmp_path / "here" / "README.md").read_text(encoding="utf-8").startswith("# here\n")


def test_what_cannot_be_written_is_said_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as end:
        main(["new", str(tmp_path / "file" / "below")])
    assert end.value.code == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_every_template_is_of_a_kind_or_of_all() -> None:
    assert {path.name for path in TEMPLATES.iterdir()} == {"common", *(kind.value for kind in Kind)}


def test_git_keeps_every_template() -> None:
    hidden = [str(path) for path in TEMPLATES.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    done = subprocess.run(["git", "check-ignore", *hidden], capture_output=True, text=True, cwd=TEMPLATES, check=False)
    if done.returncode == 128:
        pytest.skip("this is no git checkout")
    assert done.stdout == ""
