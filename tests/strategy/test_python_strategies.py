"""Strategies in Python: loading, acting, and mistakes in them."""

from pathlib import Path

import pytest

import qkt
from qkt.core.errors import StrategyError, UsageError
from qkt.strategy.loader import load_python

HEAD = "import qkt\nclass Mine(qkt.Strategy):\n    streams = {'eur': 'BACKTEST:EURUSD 1m'}\n    params = {'n': 3, 'on': True}\n"


def write(tmp_path: Path, text: str, name: str = "mine.py") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def quotes(tmp_path: Path, *rows: tuple[int, float, float]) -> Path:
    path = tmp_path / "eurusd.csv"
    path.write_text("ts_ms,bid,ask\n" + "".join(f"{ts},{bid},{ask}\n" for ts, bid, ask in rows))
    return path


START = 1_704_067_200_000
MINUTES = tuple((START + n * 30_000, 1.1 + n / 10_000, 1.1001 + n / 10_000) for n in range(40))


def run(tmp_path: Path, body: str, **how: object) -> qkt.BacktestResult:
    path = write(tmp_path, HEAD + body)
    return qkt.backtest(path, data=quotes(tmp_path, *MINUTES), **how)  # type: ignore[arg-type]


def test_it_buys_with_exits_and_sells_on_a_limit(tmp_path: Path) -> None:
    body = """
    def on_candle(self, candle):
        if not self.position("eur").quantity and self.context.open_orders(self.symbol("eur")) == 0:
            self.buy("eur", 0.1, stop_loss=qkt.by(0.01), take_profit=qkt.rr(0.05))
            self.sell("eur", "0.02", limit=1.2)
"""
    result = run(tmp_path, body)
    assert [row.order_type for row in result.trades[:2]] == ["Market", "Limit"]
    assert result.trades[1].purpose == "TP"
    assert result.record.working_orders


def test_it_trails_scales_out_and_leaves_in_time(tmp_path: Path) -> None:
    body = """
    def on_candle(self, candle):
        if not self.position("eur").quantity:
            self.buy(
                "eur",
                0.1,
                stop_loss=qkt.trailing(qkt.by(0.01), arm_after=0.001),
                take_profit=qkt.parts((0.5, qkt.by(0.0002))),
                time_exit_ms=120_000,
            )
            self.sell("eur", "0.02", trail=qkt.pct(5))
    """
    result = run(tmp_path, body)
    assert [row.purpose for row in result.trades][:4] == ["ENTRY", "TP", "CLOSE", "ENTRY"]
    assert {order.order_type for order in result.record.working_orders} >= {"TrailingStop"}


@pytest.mark.parametrize("trail", ["qkt.rr(2)", "qkt.by(0)", "qkt.by(1), limit=1.2"])
def test_what_is_no_trail_is_refused(tmp_path: Path, trail: str) -> None:
    body = f"""
    def on_candle(self, candle):
        self.sell("eur", "0.02", trail={trail})
    """
    with pytest.raises(StrategyError, match="trail"):
        run(tmp_path, body)


def test_close_takes_a_part_or_all_and_never_opens(tmp_path: Path) -> None:
    body = """
    def on_start(self):
        self.step = 0
    def on_candle(self, candle):
        self.step += 1
        if self.step == 1:
            self.buy("eur", 0.3)
        elif self.step == 2:
            self.close("eur", 0.1)
        elif self.step == 3:
            self.close("eur")
        else:
            self.close("eur")
"""
    result = run(tmp_path, body)
    assert [row.position_effect for row in result.trades] == ["OPEN_LONG", "REDUCE_LONG", "CLOSE_LONG"]


def test_overriding_on_tick_asks_for_every_tick(tmp_path: Path) -> None:
    body = """
    def on_tick(self, tick):
        self.log(f"{tick.ts}")
    def on_fill(self, fill):
        self.log("filled")
"""
    result = run(tmp_path, body)
    assert result.record.replay == "every-tick"
    assert len(result.record.logs) == len(MINUTES)


def test_parameters_are_replaced_in_the_type_of_their_default(tmp_path: Path) -> None:
    body = "    def on_start(self):\n        self.log(repr((self.params['n'], self.params['on'])))\n"
    assert run(tmp_path, body, params={"n": "5", "on": "false"}).record.logs[0].text == "(5, False)"
    with pytest.raises(UsageError, match="no parameter named 'm', expected one of: n, on"):
        run(tmp_path, body, params={"m": "5"})
    with pytest.raises(UsageError, match="parameter n is 'x', expected a number"):
        run(tmp_path, body, params={"n": "x"})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    def on_candle(self, candle):\n        1 / 0\n", r"mine\.py:6: ZeroDivisionError: .* \(in '1 / 0'\)"),
        ("    def on_start(self):\n        self.nothing\n", r"mine\.py:6: AttributeError"),
        ("    def on_candle(self, candle):\n        self.buy('eru', 1)\n", "no stream named 'eru'; did you mean 'eur'"),
        ("    def on_candle(self, candle):\n        self.buy('eur', -1)\n", "quantity -1 is not positive"),
        ("    def on_candle(self, candle):\n        self.buy('eur', float('nan'))\n", "is no finite number"),
    ],
)
def test_a_mistake_in_a_handler_is_one_sentence_with_its_line(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(StrategyError, match=said):
        run(tmp_path, body)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import qkt\n", "found none, expected exactly one class"),
        (HEAD + "class Other(Mine): pass\n", "found Mine, Other"),
        ("def broken(:\n", r"mine\.py:1: invalid syntax"),
        ("1 / 0\n", r"mine\.py:1: ZeroDivisionError"),
        ("import qkt\nclass Mine(qkt.Strategy):\n    pass\n", "no streams are declared"),
        ("import qkt\nclass Mine(qkt.Strategy):\n    streams = {'a': 'EURUSD'}\n", "expected PREFIX:SYMBOL TIMEFRAME"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(StrategyError, match=said):
        load_python(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StrategyError, match="there is no such file"):
        load_python(tmp_path / "none.py")


def test_bars_replay_the_extreme_that_hurts_first(tmp_path: Path) -> None:
    bars = tmp_path / "eurusd.csv"
    rows = ["1.1,1.1,1.1,1.1", "1.1,1.1,1.1,1.1", "1.10,1.13,1.08,1.11", "1.1,1.1,1.1,1.1"]
    bars.write_text("ts_ms,open,high,low,close\n" + "".join(f"{START + n * 60_000},{row}\n" for n, row in enumerate(rows)))
    body = """
    def on_candle(self, candle):
        if candle.end == 1704067260000:
            self.buy("eur", 0.1, stop_loss=qkt.at(1.09), take_profit=qkt.at(1.12))
"""
    result = qkt.backtest(write(tmp_path, HEAD + body), data=bars)
    assert result.record.replay == "bars"
    assert [(row.purpose, f"{row.price:.2f}") for row in result.trades] == [("ENTRY", "1.10"), ("STOP", "1.09")]
