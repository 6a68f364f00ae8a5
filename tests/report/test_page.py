"""The page in a real browser, where there is one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.report.browser import browser, executable

pytestmark = pytest.mark.skipif(executable() is None, reason="no Chromium is installed to open the page with")


def test_the_page_opens_without_an_error_or_a_request_and_fits_every_screen(folder):
    page = folder / "report.html"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, browser(Path(profile)) as tab:
        tab.look(width=1280)
        tab.open(page)
        charts = "[...document.querySelectorAll('.chart')].map(c => [c.id, c.dataset.drawn, c.childElementCount])"
        drawn = tab.value(charts)
        assert len(drawn) >= 9
        assert all(state == "yes" and count == 1 for _, state, count in drawn), drawn
        for width, dark, paper in ((390, False, False), (794, False, True), (1280, True, False)):
            tab.look(width=width, dark=dark, paper=paper)
            assert tab.value("document.documentElement.scrollWidth") <= width
        ink = "[...new Set(Bokeh.documents.flatMap(d => [...d.all_models]).filter(m => m.type.endsWith('Axis'))"
        ink += ".map(m => m.major_label_text_color))]"
        assert tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
        assert tab.value(ink) == ["#9aa4b2"]
        tab.value("dispatchEvent(new Event('beforeprint'))")
        assert tab.value(ink) == ["#444444"], "paper is light"
        assert tab.said == []
        assert [address for address in tab.asked if not address.startswith(("data:", "blob:"))] == [page.as_uri()]
