"""Metric families as the text that Prometheus reads, written in small pieces so that no session waits for a page of it.

The client library's own writer proves every name and label anew and takes three times as long; ours are proven by a test, which
has the library read what is written here.
"""

from __future__ import annotations

from collections.abc import Iterable

import anyio.lowlevel
from prometheus_client import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.samples import Sample

CONTENT_TYPE = CONTENT_TYPE_LATEST
AT_ONCE = 100
"""Samples that are written before others get their turn."""
EXACT = 1e6
"""Whole numbers below it are written as such."""


async def written(families: Iterable[Metric]) -> bytes:
    """The text of all families, with a pause after every `AT_ONCE` samples."""
    lines: list[str] = []
    since = 0
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        lines += (f"# HELP {name} {_escaped(family.documentation)}\n", f"# TYPE {name} {family.type}\n")
        for sample in family.samples:
            lines.append(_line(sample))
            since += 1
            if since >= AT_ONCE:
                since = 0
                await anyio.lowlevel.checkpoint()
    return "".join(lines).encode()


def _line(sample: Sample) -> str:
    value = sample.value
    text = f"{value:.0f}" if value == value // 1 and -EXACT < value < EXACT else repr(value)
    if not sample.labels:
        return f"{sample.name} {text}\n"
    labels = ",".join([f'{key}="{_quoted(label)}"' for key, label in sample.labels.items()])
    return f"{sample.name}{{{labels}}} {text}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")
