"""What the language has and this version does not run is refused at its place."""

from __future__ import annotations

import pytest

from qkt.lang import LanguageError
from qkt.lang.loader import check_text, load_text


def test_a_portfolio_is_checked_but_is_no_strategy() -> None:
    source = "PORTFOLIO p VERSION 1\nIMPORT 'a.qkt' AS a\nRULES RUN a"
    assert check_text(source).ok
    with pytest.raises(LanguageError, match="a strategy is needed here"):
        load_text(source)
