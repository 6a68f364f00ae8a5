"""The items of a feed as they come: begun by the first who asks, over once it is closed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from qkt.data.feeds.feed import FeedItem


class Flow:
    """What `run` yields. After `aclose` there is nothing more, not even from a generator that had not begun."""

    def __init__(self, run: Callable[[], AsyncGenerator[FeedItem, None]]) -> None:
        self._run = run
        self._items: AsyncGenerator[FeedItem, None] | None = None
        self._closed = False

    @property
    def begun(self) -> bool:
        """Whether somebody has asked for an item."""
        return self._items is not None

    async def next(self) -> FeedItem:
        """Raises StopAsyncIteration at the end."""
        if self._closed:
            raise StopAsyncIteration
        if self._items is None:
            self._items = self._run()
        return await anext(self._items)

    async def aclose(self) -> None:
        self._closed = True
        if self._items is not None:
            await self._items.aclose()
