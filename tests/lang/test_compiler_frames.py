"""Functions that run outside a candle close: they read each stream at its latest closed candle, at an instant of their own."""

from __future__ import annotations

from qkt.lang.deeds import WriteLog
from qkt.lang.emit import Emitter
from qkt.lang.emit_rules import write_deeds
from qkt.lang.frame import Frame
from qkt.lang.module import GeneratedModule
from qkt.lang.program import CheckedStrategy
from qkt.lang.values import Clock, Math, Read
from tests.lang.fake_context import TWO, Run


def module() -> GeneratedModule:
    streams = tuple(Run(TWO + "RULES WHEN k.close > 0 THEN CLOSE k").strategy.streams)
    return GeneratedModule(CheckedStrategy("t", 1, streams, (), {}, False), ())


def test_a_frame_without_a_candle_reads_latest_candles_and_its_own_time() -> None:
    frame = Frame(module(), None, 2)
    gap = Math("-", Read("k", "close"), Read("m", "close"))
    assert Emitter(frame).value(gap).text == (
        "latest_k.close - latest_m.close if latest_k is not None and latest_m is not None else None"
    )
    assert Emitter(frame).value(Clock("hour_utc")).text == "float(now // 3600000 % 24)"
    assert frame.argument == "now"


def test_deeds_of_such_a_function_are_written_with_its_arguments() -> None:
    deeds = (WriteLog("INFO", "p {p}", (("p", Read("m", "close")),)),)
    lines = write_deeds(Frame(module(), None, 2), "later", deeds, None, ("level",)).lines
    assert lines[0].strip() == "def later(now, level):"
    assert lines[1].strip() == "firing = Firing(desk, None)"
    assert "latest_m.close if latest_m is not None else None" in lines[2]
