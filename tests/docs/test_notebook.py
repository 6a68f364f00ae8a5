"""The notebook of the pages runs from its first cell to its last, and shows what is stored in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbclient (extra dev) is not installed")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "results.ipynb"


def outputs(notebook: Any) -> list[Any]:
    """What the cells show, but for frames, which every version of their library draws in its own way."""
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [output for output in shown if "shape:" not in output.get("data", {}).get("text/plain", "")]


def test_the_notebook_shows_what_it_comes_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The kernel is a process of its own, which finds the package as this one does.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    (tmp_path / "strategies").symlink_to(ROOT / "strategies")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    stored = outputs(notebook)
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=240, resources=place).execute()
    assert outputs(notebook) == stored
    assert (tmp_path / "report" / "report.html").is_file()
