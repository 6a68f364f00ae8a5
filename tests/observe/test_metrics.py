"""Metrics say what the engine says, in text that Prometheus accepts, and forget what is gone."""

from __future__ import annotations

import math
import shutil
import subprocess
from copy import deepcopy
from itertools import accumulate
from types import SimpleNamespace

import anyio
import pytest
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from qkt.brokers.mt5.figures import LinkFigures, counted
from qkt.brokers.mt5.terminal import TerminalError
from qkt.observe.app import SilentError
from qkt.observe.exposition import Family, written
from qkt.observe.metrics import MOST
from qkt.observe.page import BURST, RATE, Pace, Page
from qkt.runtime.control.frames import table
from qkt.runtime.figures import BOUNDS
from tests.runtime.control.fake import rested

pytestmark = pytest.mark.anyio


async def samples(observer):
    text = (await observer.metrics()).decode()
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_they_say_what_the_engine_says(engine, observer):
    found = await samples(observer)
    live = engine.find("one")
    row = engine.snapshot().tables.strategies["one"]
    assert found["qkt_ticks_total", "one"] == 1000
    assert found["qkt_equity", "PAPER", "one"] == pytest.approx(float(row.equity))
    assert (
        found["qkt_fills_total", "one"]
        == found["qkt_trades_total", "PAPER", "one"]
        == len(live.machine.session.books.trades)
        > 5
    )
    assert (found["qkt_halted", "PAPER", "one"], found["qkt_halted", "PAPER", "two"]) == (0, 1)
    assert (found["qkt_halts_total", "one"], found["qkt_halts_total", "two"]) == (0, 1)
    assert found["qkt_sessions", "RUN"] == 2
    assert found["qkt_journal_writes_total",] == engine.figures.commit.count > 0
    assert found["qkt_tick_to_intent_seconds_count", "one"] == live.figures.intent.count > 0
    assert found["qkt_tick_to_intent_seconds_bucket", "+Inf", "one"] == live.figures.intent.count
    assert found["qkt_intent_to_fill_seconds_count", "market", "one"] > 0
    assert found["qkt_intent_to_fill_seconds_count", "attached", "one"] > 0
    assert 0 < found["qkt_drawdown_max_ratio", "PAPER", "one"] < 1
    assert found["qkt_log_lines_total", "INFO"] > 0


async def test_links_to_accounts_are_told_of(engine, observer, monkeypatch):
    link = LinkFigures(losses=2, up=True)

    class Terminal:
        def order_send(self, request):
            if request:
                raise TerminalError(-10005, "no answer")

    terminal = counted(Terminal(), link)
    terminal.order_send({})
    with pytest.raises(TerminalError):
        terminal.order_send({"symbol": "EURUSDm"})
    monkeypatch.setattr(engine, "_venues", SimpleNamespace(figures=lambda: {"exness": link}))
    engine.hosted["one"].seat, engine.hosted["one"].differing = object(), 3
    found = await samples(observer)
    engine.hosted["one"].seat = None
    assert found["qkt_mt5_link_up", "exness"] == 1
    assert found["qkt_mt5_link_losses_total", "exness"] == 2
    assert found["qkt_mt5_calls_total", "exness", "order_send"] == 2
    assert found["qkt_mt5_failures_total", "exness", "order_send", "timeout"] == 1
    assert found["qkt_mt5_differences", "one"] == 3


async def test_a_session_that_is_gone_has_no_series(engine, observer):
    before = await samples(observer)
    await engine.end(engine.find("one"))
    after = await samples(observer)
    assert any("one" in key for key in before)
    assert ("qkt_ticks_total", "one") not in after
    engine.resting.pop("one")
    engine.touch("one")
    assert not [key for key in await samples(observer) if "one" in key]


async def test_what_is_not_known_of_a_session_that_rests_has_no_series(engine, observer):
    state = engine.snapshot()
    rows = table([rested("held"), rested("flat", positions=0)])
    state = state.model_copy(update={"tables": state.tables.model_copy(update={"strategies": rows})})
    found = {
        (family.name, labels[0]): value
        for family in observer.collector.collect(state)
        if list(family.labels) == ["session", "mode"]
        for labels, value in family.points
    }
    unknown = {"qkt_pnl_day", "qkt_drawdown_ratio", "qkt_drawdown_max_ratio"}
    names = {name for name, _ in found} | unknown
    assert {name for name in names if (name, "flat") not in found} == unknown
    assert {name for name in names if (name, "held") not in found} == unknown | {"qkt_equity", "qkt_pnl_open"}
    assert (found["qkt_equity", "flat"], found["qkt_balance", "held"], found["qkt_positions", "held"]) == (10_000, 10_000, 1)


async def test_the_last_figures_of_a_session_that_has_just_ended_stay(engine, observer):
    await engine.end(engine.find("one"))
    assert ("qkt_pnl_day", "PAPER", "one") in await samples(observer)
    engine.touch("one")  # and is read from the journal from now on
    assert ("qkt_pnl_day", "PAPER", "one") not in await samples(observer)


async def test_others_get_their_turn_between_two_sessions_of_a_look(engine, monkeypatch):
    monkeypatch.setattr("qkt.runtime.views.snapshot.AT_ONCE", 0.0)
    whole = engine.snapshot().tables
    gone = {}

    async def goes():
        gone["two"] = engine.hosted.pop("two")

    found = (await engine.snapshot_in_turns()).tables
    assert (found.strategies, found.accounts, found.limits) == (whole.strategies, whole.accounts, whole.limits)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(goes)
        found = (await engine.snapshot_in_turns()).tables
    engine.hosted.update(gone)
    assert (list(found.accounts), list(found.strategies)) == (["paper:one"], ["one"])


async def test_labels_are_bounded(engine, observer):
    live = engine.find("one")
    for number in range(3 * MOST):
        live.tally.count("refused", {"order_id": "x", "reason": f"reason {chr(97 + number % 26)}{chr(97 + number // 26 % 26)}"})
    reasons = [key for key in await samples(observer) if key[0] == "qkt_rejections_total"]
    assert 10 < len(reasons) < 30


async def test_promtool_finds_nothing_wrong(engine, observer):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    text = await observer.metrics()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


async def test_what_is_written_is_what_the_library_would_write(engine, observer):
    numbers = (0, -0.0, 1, -7, 0.1, 1e6, 123456789.5, 1e21, 1e-9, math.inf, -math.inf)
    points = [((str(number), 'a\\b"c"\nd é'), value) for number, value in enumerate(numbers)]
    families = [
        *deepcopy(list(observer.collector.collect(engine.snapshot()))),
        Family("qkt_x", 'a \\ "text"\nin lines', "gauge", ["n", "name"], points),
    ]
    ours = (await written(families)).decode()
    theirs = generate_latest(SimpleNamespace(collect=lambda: map(as_the_library_has_it, families))).decode()
    assert list(text_string_to_metric_families(ours)) == list(text_string_to_metric_families(theirs))
    assert ours.count("# TYPE") == len(families) > 50
    assert ours.count("_bucket{") > 40


def as_the_library_has_it(family):
    kinds = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily, "histogram": HistogramMetricFamily}
    found = kinds[family.kind](family.name, family.text, labels=family.labels)
    for values, value in family.points:
        if family.kind == "histogram":
            counts = list(accumulate(value.classes))
            buckets = [(f"{bound / 1e9:.6g}", float(seen)) for bound, seen in list(zip(BOUNDS, counts, strict=False))[::6]]
            found.add_metric(values, [*buckets, ("+Inf", float(value.count))], value.total / 1e9)
        else:
            found.add_metric(values, value)
    return found


async def test_a_page_is_made_once_for_all_who_ask_meanwhile(monkeypatch):
    clock, made = [100.0], []
    monkeypatch.setattr("qkt.observe.page.anyio.current_time", lambda: clock[0])

    async def make():
        made.append(clock[0])
        if len(made) == 2:
            raise SilentError("nobody answers")
        return b"x"

    page = Page(make, "text/plain", Pace(), 1.0)
    for _ in range(100):
        assert await page.get() == b"x"
    clock[0] += 1.01
    for _ in range(100):
        with pytest.raises(SilentError):
            await page.get()
    clock[0] += 1.01
    assert await page.get() == b"x"
    assert len(made) == 3


async def test_who_asks_without_measure_waits(monkeypatch):
    clock, slept = [100.0], []

    async def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr("qkt.observe.page.anyio", SimpleNamespace(current_time=lambda: clock[0], sleep=sleep))
    pace = Pace()
    for _ in range(round(RATE * BURST)):
        await pace.turn()
    assert not slept, "a few after a pause are answered at once"
    for _ in range(5 * RATE):
        await pace.turn()
    assert clock[0] == pytest.approx(105.0)
