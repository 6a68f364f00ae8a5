"""Parts of a file as one line of text."""

from __future__ import annotations

from collections.abc import Sequence

from qkt.lang.tree import Span


def on_one_line(lines: Sequence[str], span: Span) -> str:
    """What is written at the span; what cannot be printed becomes a question mark."""
    part = list(lines[span.line - 1 : span.end_line])
    if not part:
        return ""
    part[-1] = part[-1][: span.end_column - 1]
    part[0] = part[0][span.column - 1 :]
    text = " ".join(" ".join(part).split())
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
