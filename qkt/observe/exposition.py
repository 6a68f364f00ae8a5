"""Metric families as the text that Prometheus reads, written in small pieces so that no session waits for a page of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy

import anyio.lowlevel
from prometheus_client import Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
AT_ONCE = 60
"""Samples that are written before others get their turn."""
REST = "the rest of a family whose head has been written"


class _Part(Collector):
    """A family, or a piece of one, as a collector of its own."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


async def written(families: Iterable[Metric]) -> bytes:
    """The text of all families, with a pause after every `AT_ONCE` samples."""
    text = bytearray()
    since = 0
    for family in families:
        for piece in _pieces(family):
            part = generate_latest(_Part(piece))
            text += part.split(b"\n", 2)[2] if piece.documentation is REST else part
            since += max(len(piece.samples), 1)
            if since >= AT_ONCE:
                since = 0
                await anyio.lowlevel.checkpoint()
    return bytes(text)


def _pieces(family: Metric) -> Iterator[Metric]:
    if len(family.samples) <= AT_ONCE:
        yield family
        return
    for first in range(0, len(family.samples), AT_ONCE):
        piece = copy(family)
        piece.samples = family.samples[first : first + AT_ONCE]
        piece.documentation = REST if first else family.documentation
        yield piece
