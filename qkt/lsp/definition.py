"""Where what stands at a place was declared."""

from __future__ import annotations

from pathlib import Path

from qkt.lang.tree import Span
from qkt.lsp.outline import What, outline

_START = Span(1, 1, 1, 1)


def definition(source: str, offset: int, folder: Path | None = None) -> tuple[Path | None, Span] | None:
    """The place of a declaration: None as path is this file. The path of an IMPORT, or a name that stands for one behind RUN,
    leads to the file, which is looked for in `folder`. None when nothing was declared."""
    known = outline(source)
    index = known.token_at(offset)
    if index is None:
        return None
    token = known.tokens[index]
    before = known.tokens[index - 1].text.upper() if index else ""
    if token.kind == "STRING":
        return (folder / token.value, _START) if folder is not None and before == "IMPORT" else None
    if before == "." and index >= 2:
        owner = known.tokens[index - 2].text.upper()
        if index >= 4 and known.tokens[index - 4].text.upper() == "SEQUENCE" and known.tokens[index - 3].text == ".":
            stage = known.named(token.text, What.STAGE, parent=known.tokens[index - 2].text)
            return (None, stage.name_span) if stage else None
        if owner not in ("POSITION", "OPEN_ORDERS", "POSITION_AVG_PRICE", "SEQUENCE"):
            return None
    kinds = (What.SEQUENCE,) if before == "." and known.tokens[index - 2].text.upper() == "SEQUENCE" else _VALUES
    entry = known.named(token.text, *kinds)
    if entry is None:
        return None
    if entry.what is What.IMPORT and folder is not None and before == "RUN":
        return folder / entry.path, _START
    return None, entry.name_span


_VALUES = (What.STREAM, What.LET, What.PARAM, What.LOOP, What.IMPORT, What.REGIME)
