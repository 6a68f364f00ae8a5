"""Feeds: market data that goes on while somebody trades on it.

A file that is replayed, invented quotes or a wire flow in; ticks flow out one by one, with a sequence number where the source
can be replayed, and between them what is known about the health of the source. Nothing here knows who trades.
"""

from qkt.data.feeds.feed import Feed, FeedHealth, FeedItem, FeedState, FeedTick
from qkt.data.feeds.flow import Flow
from qkt.data.feeds.gate import DataGate, DataHealth, Fault, GateChange
from qkt.data.feeds.hub import FeedHub
from qkt.data.feeds.reader import FeedReader, Sink
from qkt.data.feeds.replay import ReplayFeed, parse_speed
from qkt.data.feeds.synthetic import synthetic_feed
from qkt.data.feeds.timer import SystemTimer, Timer

__all__ = [
    "DataGate",
    "DataHealth",
    "Fault",
    "Feed",
    "FeedHealth",
    "FeedHub",
    "FeedItem",
    "FeedReader",
    "FeedState",
    "FeedTick",
    "Flow",
    "GateChange",
    "ReplayFeed",
    "Sink",
    "SystemTimer",
    "Timer",
    "parse_speed",
    "synthetic_feed",
]
