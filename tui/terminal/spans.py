"""Textual's compositor, which draws no more of a line than the span that has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate, Compositor
from textual.strip import Strip


class SpansUpdate(ChopsUpdate):
    """The stock update draws each part of a line from its beginning, however little at its end has changed."""

    def render_segments(self, console: Console) -> str:
        colours = console._color_system or ColorSystem.TRUECOLOR
        render = Strip.render_style
        found: list[str] = []
        for y, start, end in self.spans:
            for right, (left, part) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if part is None or left >= end or right <= start:
                    continue
                first, last = max(left, start), min(right, end)
                found.append(f"\x1b[{y + 1};{first + 1}H")
                for text, style, _ in between(part, first - left, last - left):
                    found.append(text if style is None else render(style, text, colours))
        return "".join(found)


def between(segments: Iterable[Segment], start: int, end: int) -> Iterator[Segment]:
    """What stands in these cells. A cropped strip would be the same, with seven caches that nobody asks again."""
    at = 0
    for segment in segments:
        after = at + segment.cell_length
        if after > start:
            if at < start:
                segment = segment.split_cells(start - at)[1]
                at = start
            if after > end:
                segment = segment.split_cells(end - at)[0]
            if segment.text:
                yield segment
        at = after
        if at >= end:
            return


class SpansCompositor(Compositor):
    def render_partial_update(self) -> ChopsUpdate | None:
        found = super().render_partial_update()
        return None if found is None else SpansUpdate(found.chops, found.spans, found.chop_ends)
