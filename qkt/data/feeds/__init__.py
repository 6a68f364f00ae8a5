"""Feeds: market data that goes on while somebody trades on it.

A file that is replayed, invented quotes or a wire flow in; ticks flow out one by one, with a sequence number where the source
can be replayed, and between them what is known about the health of the source. Nothing here knows who trades.
"""

from qkt.data.feeds.feed import Feed, FeedHealth, FeedItem, FeedState, FeedTick

__all__ = ["Feed", "FeedHealth", "FeedItem", "FeedState", "FeedTick"]
