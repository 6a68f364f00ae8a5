"""Frames and fields, whatever text comes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.core.events import Tick
from qkt.data.feeds.tradingview.frames import FrameDecoder, FrameError, frame, message, read, readable
from qkt.data.feeds.tradingview.quotes import QuoteBook
from tests.data.feeds.hands import LEAN

NOW = 1_700_000_000_500
PAYLOADS = st.lists(
    st.one_of(st.text(st.characters(codec="ascii"), max_size=30), st.sampled_from(["", "~m~", "~m~3~m~abc", "~h~1"]))
)


def cut(text: str, places: list[int]) -> list[str]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


@LEAN
@given(PAYLOADS, st.lists(st.integers(0, 10_000), max_size=6))
def test_payloads_come_out_as_they_went_in_wherever_the_text_is_cut(payloads: list[str], places: list[int]) -> None:
    decoder = FrameDecoder()
    found = [payload for piece in cut("".join(map(frame, payloads)), places) for payload in decoder.feed(piece)]
    assert found == payloads


@LEAN
@given(st.lists(st.text(max_size=20), max_size=4))
def test_any_text_is_payloads_or_an_error(pieces: list[str]) -> None:
    decoder = FrameDecoder()
    try:
        for piece in pieces:
            for payload in decoder.feed(piece):
                read(payload)
    except (FrameError, ValueError):
        pass


def test_a_length_counted_in_bytes_loses_nothing_that_follows() -> None:
    foreign = '{"errmsg":"Größe"}'
    text = f"~m~{len(foreign.encode())}~m~{foreign}" + frame("one") + frame("two")
    assert FrameDecoder().feed(text) == [foreign, "one", "two"]


@pytest.mark.parametrize("text", ["hello", "~m~x", "~m~~m~", "~m~12345678", "~m~9999999~m~", "~m~2~m~abcdef"])
def test_what_is_no_frame_is_refused(text: str) -> None:
    with pytest.raises(FrameError):
        FrameDecoder().feed(text)


def test_foreign_text_is_shown_short_and_without_control_characters() -> None:
    assert readable("bad\x1b[2J\nnews" + "!" * 100) == ("bad [2J news" + "!" * 100)[:80]
    assert readable({"a": 1}) == "{'a': 1}"


def test_calls_are_framed_with_their_length() -> None:
    assert message("quote_delete_session", "qs_1") == '~m~41~m~{"m":"quote_delete_session","p":["qs_1"]}'


class Quotes:
    """One symbol's quotes."""

    def __init__(self) -> None:
        self.book = QuoteBook()

    def told(self, at: int = NOW, **values: object) -> Tick | None:
        return self.book.update("A", dict(values), at)


def test_a_quote_that_tells_only_changes_is_made_whole() -> None:
    quotes = Quotes()
    assert quotes.told(bid=9, ask=11) is None
    assert quotes.told(lp=10) == Tick("A", NOW, 10.0, 9.0, 11.0)
    assert quotes.told(ask=12) == Tick("A", NOW, 10.0, 9.0, 12.0)
    assert quotes.told(lp=None, bid="8", ask=12) == Tick("A", NOW, 10.0, 9.0, 12.0)


def test_a_change_without_a_price_is_no_tick() -> None:
    quotes = Quotes()
    quotes.told(lp=10)
    assert quotes.told(volume=5, ch=0.1, lp_time=NOW // 1000) is None


def test_volume_is_what_the_session_has_grown_by_since_the_last_tick() -> None:
    quotes = Quotes()
    volumes = []
    for total in (100, 130, None, 130, 20, 25):
        tick = quotes.told(lp=10) if total is None else quotes.told(lp=10, volume=total)
        assert tick is not None
        volumes.append(tick.volume)
    assert volumes == [None, 30.0, None, None, None, 5.0]
    quotes.told(volume=40)
    tick = quotes.told(lp=11, volume=41)
    assert tick is not None
    assert tick.volume == 16.0


@pytest.mark.parametrize(("bid", "ask", "lp"), [(12, 11, 10), (0, 11, 10), (9, -1, 10), (9, 11, 0)])
def test_crossed_and_impossible_quotes_are_dropped_until_they_are_mended(bid: float, ask: float, lp: float) -> None:
    quotes = Quotes()
    assert quotes.told(lp=lp, bid=bid, ask=ask) is None
    assert quotes.told(lp=10, bid=9, ask=11) is not None
    assert sum(quotes.book.left_out.values()) == 1


@pytest.mark.parametrize(
    ("seconds", "ts"),
    [
        (NOW // 1000, NOW),  # the local clock gives the milliseconds
        (NOW // 1000 - 1, NOW),
        (NOW // 1000 - 2, (NOW // 1000 - 2) * 1000),
        (NOW // 1000 - 900, (NOW // 1000 - 900) * 1000),  # delayed data says so
        (NOW // 1000 + 5, (NOW // 1000 + 5) * 1000),
        (10**12, NOW),  # milliseconds where seconds belong: nothing is made of it
        (-5, NOW),
        (None, NOW),
    ],
)
def test_time_is_the_venues_as_far_as_it_tells(seconds: int | None, ts: int) -> None:
    tick = Quotes().told(lp=10, lp_time=seconds)
    assert tick is not None
    assert tick.ts == ts


@LEAN
@given(st.lists(st.tuples(st.integers(-5_000, 5_000), st.integers(-4, 4)), max_size=20))
def test_time_of_a_symbol_never_goes_back(moments: list[tuple[int, int]]) -> None:
    quotes = Quotes()
    times = []
    for number, (at, seconds) in enumerate(moments):
        if number % 7 == 6:
            quotes.book.clear()
        tick = quotes.told(NOW + at, lp=10, lp_time=NOW // 1000 + seconds)
        assert tick is not None
        times.append(tick.ts)
    assert times == sorted(times)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=4,
)


@LEAN
@given(st.lists(st.dictionaries(st.sampled_from(["lp", "lp_time", "bid", "ask", "volume", "x"]), JSON), max_size=6))
def test_whatever_the_fields_hold_a_tick_is_a_good_one_or_none(told: list[dict[object, object]]) -> None:
    book = QuoteBook()
    for values in told:
        tick = book.update("A", values, NOW)
        if tick is not None:
            assert 0 < tick.price < float("inf")
            assert (tick.bid is None) == (tick.ask is None)
            assert tick.bid is None or tick.ask is None or 0 < tick.bid <= tick.ask
            assert tick.volume is None or tick.volume > 0
