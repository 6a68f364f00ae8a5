"""The picture of the engine, folded from its frames."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.runtime.control.answers import Accepted, Done, Step
from qkt.runtime.control.frames import Ack, Bye, Delta, Lines, Snapshot, Tables, difference, table
from qkt.runtime.control.rows import Line, MarketRow
from tests.tui import samples
from tui.viewmodel import LINES_KEPT, Lost, View, changed_keys, fold


def folded(*frames: Any) -> View:
    view = View()
    for frame in frames:
        view, _ = fold(view, frame)
    return view


def market(symbol: str, bid: int, ts: int) -> MarketRow:
    return MarketRow(symbol=symbol, feed="f", bid=Decimal(bid), ticks=1, rate=Decimal(1), ts=ts)


states = st.dictionaries(st.sampled_from("ABCDE"), st.integers(1, 3), max_size=5)


@settings(deadline=None, max_examples=60)
@given(st.lists(states, min_size=1, max_size=6))
def test_a_snapshot_and_its_deltas_give_the_later_snapshot_and_name_what_differs(steps: list[dict[str, int]]) -> None:
    snapshots = [
        Snapshot(version=i, ts=i, tables=Tables(market=table(market(name, bid, bid) for name, bid in step.items())))
        for i, step in enumerate(steps)
    ]
    view = folded(samples.HELLO, snapshots[0])
    for old, new in pairwise(snapshots):
        delta = difference(old, new)
        view, changes = fold(view, delta)
        before, after = old.tables.market, new.tables.market
        assert view.tables.market == after
        assert changes.rows.get("market", frozenset()) == {
            key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
        }
        assert changes.rows == changed_keys(delta)


def test_a_delta_of_another_state_changes_nothing() -> None:
    view = folded(samples.HELLO, samples.snapshot(version=7))
    after, changes = fold(view, Delta(base=6, version=8, ts=1, rows=Tables()))
    assert after is view
    assert not changes.rows


def test_lines_come_once_and_the_oldest_go() -> None:
    def lines(first: int, last: int) -> Lines:
        return Lines(
            lines=tuple(Line(number=n, ts=n, level="INFO", kind="log", scope="s", text=str(n)) for n in range(first, last + 1))
        )

    view = folded(lines(1, 10), lines(8, 12))
    assert [line.number for line in view.lines] == list(range(1, 13))
    view, _ = fold(view, lines(13, LINES_KEPT + 20))
    assert len(view.lines) == LINES_KEPT
    assert view.lines[-1].number == LINES_KEPT + 20


def test_a_move_of_the_price_is_marked_for_two_seconds() -> None:
    def state(version: int, bid: int, ts: int) -> Snapshot:
        return Snapshot(version=version, ts=ts, tables=Tables(market=table([market("A", bid, ts)])))

    view = folded(state(1, 5, 1000), state(2, 6, 2000))
    assert view.moves["A"].now(2000) == 1
    assert view.moves["A"].now(4000) == 0


def test_a_lost_link_keeps_what_was_seen_and_hello_brings_it_back() -> None:
    view = folded(samples.HELLO, samples.snapshot(), Lost("gone", 5.0, 0.5), Lost("still gone", 7.0, 1.0))
    assert not view.linked
    assert view.lost == Lost("still gone", 5.0, 1.0)
    assert view.tables.positions
    view, _ = fold(view, samples.HELLO)
    assert view.linked
    view, changes = fold(view, Bye(reason="the engine ends"))
    assert changes.link
    assert view.ended == "the engine ends"


def test_a_command_is_followed_by_its_id() -> None:
    view = folded(
        Ack(author="eva", command="kill", answer=Accepted(id="abcdefgh", step=Step(done=1, of=4))),
        Ack(author="eva", command="kill", answer=Done(id="abcdefgh", text="4 sessions halted")),
    )
    report = view.report("abcdefgh")
    assert report is not None
    assert isinstance(report.answer, Done)
    assert len(view.reports) == 1
