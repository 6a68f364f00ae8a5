"""A strategy in Python: buy the first close above a quiet range, double the stop's distance as target, one trade a day.

Run it like any other: qkt backtest strategies/squeeze.py --data sample --param window=30
"""

from collections import deque

import qkt


class Squeeze(qkt.Strategy):
    """Waits until the range of the last `window` candles is narrower than `quiet` times its usual width."""

    streams = {"eur": "BACKTEST:EURUSD 5m"}
    params = {"window": 24, "quiet": 0.8, "lots": 0.1}

    def on_start(self) -> None:
        self.candles: deque[qkt.Candle] = deque(maxlen=int(self.params["window"]))
        self.usual_width = 0.0
        self.last_day = -1

    def on_candle(self, candle: qkt.Candle) -> None:
        day = candle.end // 86_400_000
        if len(self.candles) == self.candles.maxlen:
            high = max(c.high for c in self.candles)
            width = high - min(c.low for c in self.candles)
            narrow = self.usual_width and width < float(self.params["quiet"]) * self.usual_width
            if narrow and candle.close > high and self.position("eur").quantity == 0 and day != self.last_day:
                self.last_day = day
                self.buy("eur", self.params["lots"], stop_loss=qkt.by(0.5 * width), take_profit=qkt.rr(2))
            # Slow average of the range's width, started with the first one.
            self.usual_width += 0.02 * (width - self.usual_width) if self.usual_width else width
        self.candles.append(candle)

    def on_fill(self, fill: qkt.OrderFilled) -> None:
        self.log(f"{fill.side} {fill.quantity} at {fill.price}")
