"""TradingView over its websocket: frames of text flow in, ticks and bars flow out.

An unofficial interface that may change or be closed at any time, with prices that may be delayed. Nothing that comes over it
is trusted: it is parsed defensively, bounded, and only symbols that were asked for are heard.
"""

from qkt.data.feeds.tradingview.bars import fetch_bars
from qkt.data.feeds.tradingview.feed import TradingViewFeed
from qkt.data.feeds.tradingview.history import fetch_history
from qkt.data.feeds.tradingview.settings import TradingViewSettings

__all__ = ["TradingViewFeed", "TradingViewSettings", "fetch_bars", "fetch_history"]
