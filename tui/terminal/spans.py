"""Textual's compositor, which draws no more of a line than the span that has changed."""

from __future__ import annotations

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor


class SpansUpdate(ChopsUpdate):
    """The stock update draws each part of a line from its beginning, however little at its end has changed."""

    def render_segments(self, console: Console) -> str:
        found: list[str] = []
        for y, start, end in self.spans:
            for right, (left, part) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if part is None or left >= end or right <= start:
                    continue
                first, last = max(left, start), min(right, end)
                found.append(f"\x1b[{y + 1};{first + 1}H")
                found.append(part.crop(first - left, last - left).render(console))
        return "".join(found)


class SpansCompositor(Compositor):
    def render_partial_update(self) -> ChopsUpdate | None:
        found = super().render_partial_update()
        return None if found is None else SpansUpdate(found.chops, found.spans, found.chop_ends)
