"""The committed page of indicators is what its generator gives, and leaves nothing out."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from qkt.indicators import REGISTRY

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_indicators", DOCS / "make_indicators.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(generator: ModuleType) -> None:
    committed = generator.PAGE.read_text(encoding="utf-8")
    assert committed == generator.page(), "run python docs/make_indicators.py"


def test_every_indicator_stands_in_one_group(generator: ModuleType) -> None:
    grouped = [name for names in generator.GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(REGISTRY)
