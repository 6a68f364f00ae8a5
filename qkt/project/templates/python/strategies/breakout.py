"""Buy a close above the highest of the last hours; a stop follows the price, and nothing is held over night."""

from collections import deque

import qkt

BARS_PER_HOUR = 12
LAST_HOUR = 20
HOUR_MS = 3_600_000


class Breakout(qkt.Strategy):
    """One position at a time, `lots` large, with a stop `stop` below the best price since the fill."""

    streams = {"eur": "BACKTEST:EURUSD 5m"}
    params = {"hours": 2, "lots": 0.1, "stop": 0.0010}

    def on_start(self) -> None:
        self.highs: deque[float] = deque(maxlen=BARS_PER_HOUR * int(self.params["hours"]))

    def on_candle(self, candle: qkt.Candle) -> None:
        hour = candle.end // HOUR_MS % 24  # UTC
        full = len(self.highs) == self.highs.maxlen
        if hour > LAST_HOUR:
            self.close("eur")
        elif full and candle.close > max(self.highs) and self.position("eur").quantity == 0:
            self.buy("eur", self.params["lots"], stop_loss=qkt.trailing(qkt.by(self.params["stop"])))
        self.highs.append(candle.high)

    def on_fill(self, fill: qkt.OrderFilled) -> None:
        self.log(f"{fill.side} {fill.quantity} at {fill.price}")
