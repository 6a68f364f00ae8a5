"""What somebody should see: once for each trouble, until it comes right or is seen."""

from __future__ import annotations

import json
from typing import Any

from qkt.runtime.alerts import KEPT, AlertBook
from qkt.runtime.effects import Effect


def effect(kind: str, **value: Any) -> Effect:
    return Effect(kind, json.dumps(value))


def distrust(symbol: str, reason: str | None) -> Effect:
    return effect("distrust", ts=1, author="engine", symbol=symbol, reason=reason, fault="stale", detail=reason)


def test_data_that_goes_bad_is_told_once_for_each_time() -> None:
    book = AlertBook()
    book.hear(1, "gold", distrust("TV:XAUUSD", "stale"))
    book.hear(2, "gold", distrust("TV:XAUUSD", "stale; crossed"))
    book.hear(3, "gold", distrust("TV:EURUSD", "skewed"))
    book.hear(4, "gold", distrust("TV:XAUUSD", None))
    book.hear(5, "gold", distrust("TV:XAUUSD", "stale"))
    assert [(row.text, row.source, row.mended) for row in book] == [
        ("TV:XAUUSD is stale", "feed", 4),
        ("TV:EURUSD is skewed", "feed", None),
        ("TV:XAUUSD is stale", "feed", None),
    ]


def test_a_feed_that_is_lost_is_told_and_mended() -> None:
    book = AlertBook()
    block = effect("block", ts=1, author="engine", cause="feed", reason="the feed is lost: no wire")
    book.hear(1, "gold", block)
    book.hear(2, "gold", block)
    book.hear(3, "gold", effect("block", ts=1, author="engine", cause="storage", reason="nothing can be recorded"))
    book.hear(4, "gold", effect("unblock", ts=1, author="engine", cause="feed"))
    (row,) = book
    assert (row.source, row.mended) == ("feed", 4)
    assert "no wire" in row.text


def test_every_rejection_is_told_and_the_oldest_alerts_go() -> None:
    book = AlertBook()
    for number in range(KEPT + 5):
        book.hear(number, "gold", effect("rejected", order_id=f"o{number}", reason="no money"))
    rows = list(book)
    assert (len(rows), rows[0].number, rows[-1].number) == (KEPT, 6, KEPT + 5)


def test_a_session_that_has_the_name_of_one_that_is_over_tells_its_own_troubles() -> None:
    book = AlertBook()
    fault = effect("fault", at=1, text="ValueError: no")
    book.hear(1, "gold", fault)
    book.hear(2, "silver", fault)
    book.forget(9, "gold")
    book.hear(3, "gold", fault)
    book.hear(4, "silver", fault)
    assert [(row.scope, row.ts, row.mended) for row in book] == [("gold", 1, 9), ("silver", 2, None), ("gold", 3, None)]


def test_what_stands_and_is_shown_no_more_is_told_again() -> None:
    book = AlertBook()
    book.hear(1, "gold", distrust("TV:XAUUSD", "stale"))
    for number in range(KEPT):
        book.hear(number, "gold", effect("rejected", order_id=f"o{number}", reason="no money"))
    book.hear(2, "gold", distrust("TV:XAUUSD", "stale; crossed"))
    assert list(book)[-1].text == "TV:XAUUSD is stale; crossed"


def test_what_is_seen_says_by_whom() -> None:
    book = AlertBook()
    book.add(1, "ERROR", "disk", "gold", "the disk is full", "disk")
    book.add(2, "WARN", "order", "gold", "refused")
    assert book.acknowledge("eva", 1) == 1
    assert book.acknowledge("max") == 1
    assert book.acknowledge("max") == 0
    assert [row.acknowledged for row in book] == ["eva", "max"]
