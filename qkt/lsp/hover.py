"""What the word at a place means, in a few lines of Markdown."""

from __future__ import annotations

from qkt.indicators import FUNCTION_REFERENCE, INDICATOR_REFERENCE, CallReference
from qkt.lang.tree import Span
from qkt.lsp.outline import Outline, What, outline
from qkt.lsp.words import ACCESSORS, FIELD_NOTES, WORD_NOTES

_ALIASES = {alias.upper(): name for name, reference in INDICATOR_REFERENCE.items() for alias in reference.aliases}


def hover(source: str, offset: int) -> tuple[str, Span] | None:
    """The explanation and the span of the word it is about; None where there is nothing to say."""
    known = outline(source)
    index = known.token_at(offset)
    if index is None or known.tokens[index].kind in ("STRING", "NUMBER", "DURATION"):
        return None
    token = known.tokens[index]
    text = _call(known, index) or _field(known, index) or _name(known, token.text) or _word(token.text)
    return None if text is None else (text, token.span)


def _call(known: Outline, index: int) -> str | None:
    name = known.tokens[index].text.upper()
    if known.tokens[index + 1].text != "(":
        return None
    name = _ALIASES.get(name, name)
    several = (FUNCTION_REFERENCE.get(name), INDICATOR_REFERENCE.get(name), INDICATOR_REFERENCE.get(f"{name}_OVER"))
    found = [_reference(reference) for reference in several if reference is not None]
    return "\n\n---\n\n".join(found) if found else FIELD_NOTES.get(("", name))


def _reference(reference: CallReference) -> str:
    lines = [_code(reference.signature), reference.meaning]
    if reference.formula:
        lines.append(f"`{reference.formula}`")
    if reference.series:
        lines.append(f"Fed with: {reference.series}." + (" Needs volume." if reference.needs_volume else ""))
    if reference.constants:
        lines.append(f"Constants: {'; '.join(reference.constants)}.")
    if reference.ready:
        lines.append(f"First value: {reference.ready_words}. Rules wait for {reference.warmup_words}.")
    return "\n\n".join(lines)


def _field(known: Outline, index: int) -> str | None:
    tokens = known.tokens
    if index < 2 or tokens[index - 1].text != ".":
        return None
    name, owner = tokens[index].text, tokens[index - 2].text
    above = tokens[index - 4].text.upper() if index >= 4 and tokens[index - 3].text == "." else ""
    if owner.upper() in ("POSITION", "OPEN_ORDERS", "POSITION_AVG_PRICE", "SEQUENCE") and not above:
        return _name(known, name)
    if above == "SEQUENCE":
        stage = known.named(name, What.STAGE, parent=owner)
        return _code(stage.text) if stage is not None else _noted("SEQUENCE", name)
    if index >= 6 and tokens[index - 6].text.upper() == "SEQUENCE":
        return _noted("STAGE", name)
    if above == "POSITION":
        return _noted("POSITION", name)
    return _noted(owner.upper() if owner.upper() in ACCESSORS else "stream", name)


def _noted(group: str, name: str) -> str | None:
    note = FIELD_NOTES.get((group, name)) or FIELD_NOTES.get((group, name.lower()))
    return None if note is None else f"**{name}**: {note}"


def _name(known: Outline, name: str) -> str | None:
    entry = known.named(name)
    return None if entry is None or entry.what is What.RULE else f"{_code(entry.text)}\n\n{entry.what}"


def _word(text: str) -> str | None:
    note = WORD_NOTES.get(text.upper())
    return None if note is None else f"**{text.upper()}**: {note}"


def _code(text: str) -> str:
    return f"```qkt\n{text}\n```"
