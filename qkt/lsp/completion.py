"""What can be typed at a place: the words that the grammar allows there, and the names that mean something there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qkt.indicators import FUNCTION_REFERENCE, INDICATOR_REFERENCE
from qkt.lang.clock_windows import CLOCK_WINDOWS
from qkt.lang.expecting import words_of
from qkt.lang.lexing import lex
from qkt.lang.parser import continuations
from qkt.lsp.outline import Outline, What, outline
from qkt.lsp.words import ACCESSORS, FIELD_NOTES, OTHER_SPELLINGS, WORD_NOTES

# Behind these words stands the name of a stream, or one that is made up there.
_BEFORE_STREAMS = frozenset(
    {"BUY", "SELL", "CLOSE", "CLOSE_ALL", "FLATTEN", "CANCEL", "RESIZE", "LATCH", "ON", "SYNCHRONIZE", "IN"}
)
_BEFORE_NEW_NAMES = frozenset(["LET", "PARAM", "SEQUENCE", "STAGE", "AS", "EACH", "NAME", "STATE", "STRATEGY", "PORTFOLIO"])
_VALUES = (What.STREAM, What.LET, What.PARAM, What.LOOP)


@dataclass(frozen=True, slots=True)
class Completion:
    """Something to type. `kind` is a What, `keyword`, `field`, `indicator` or `function`; `detail` one line, `note` more."""

    text: str
    kind: str
    detail: str = ""
    note: str = ""


def completions(source: str, offset: int) -> list[Completion]:
    """What can be typed at an offset, a word begun before it included."""
    start = offset
    while start > 0 and (source[start - 1].isalnum() or source[start - 1] == "_"):
        start -= 1
    before = outline(source[:start])
    if _inside_text(source[:start]):
        return []
    known = outline(source[:start] + " " + source[offset:])
    words = [token.text.upper() for token in before.tokens[:-1]]
    names = [token.text for token in before.tokens[:-1]]
    if words and words[-1] == ".":
        return list(_fields(known, names[:-1]))
    expected = continuations(source[:start])
    found = list(_names(known, words, expected))
    found += [Completion(word, "keyword", WORD_NOTES[word]) for word in words_of(expected) if word not in OTHER_SPELLINGS]
    return found


def _inside_text(before: str) -> bool:
    """Whether what is typed behind this lies in a comment or a quoted text."""
    probe = lex(before + "x")
    ends = [token.end for token in (*probe.comments[-1:], *(t for t in probe.tokens[-2:-1] if t.kind == "STRING"))]
    return len(before) + 1 in ends or any(problem.code == "QKT0002" for problem in probe.problems)


def _names(known: Outline, words: list[str], expected: frozenset[str]) -> Iterator[Completion]:
    last = words[-1] if words else ""
    if "CASE" in expected:
        yield from _entries(known, *_VALUES)
        yield from calls()
    elif ("IDENT" not in expected and "FIELD" not in expected) or last in _BEFORE_NEW_NAMES:
        return
    elif last == "RUN":
        yield from _entries(known, What.IMPORT)
    elif last == "->" or (last == "," and "->" in words[-6:]):
        yield from _entries(known, What.IMPORT)
        yield Completion("CASH", "keyword", WORD_NOTES["CASH"])
    elif last in _BEFORE_STREAMS or _in_list_of_streams(words):
        yield from _entries(known, What.STREAM, What.LOOP)


def _in_list_of_streams(words: list[str]) -> bool:
    """Behind `IN [a,`, `BASKET EQUAL_WEIGHT [a,` or the first member of SYNCHRONIZE."""
    at = len(words) - 1
    while at >= 0 and (words[at] in (",", "[") or words[at].isidentifier()):
        if words[at] in ("IN", "EQUAL_WEIGHT", "SYNCHRONIZE"):
            return True
        if words[at] in ("LET", "SYMBOLS", "EVERY", "THEN", "DO"):
            return False
        at -= 1
    return False


def _entries(known: Outline, *kinds: What) -> Iterator[Completion]:
    for entry in {entry.name: entry for entry in known.of(*kinds)}.values():
        yield Completion(entry.name, entry.what, entry.text)


def calls() -> Iterator[Completion]:
    """Every indicator and function, as they are usually written."""
    for name, reference in (*INDICATOR_REFERENCE.items(), *FUNCTION_REFERENCE.items()):
        if not name.endswith("_OVER"):
            yield Completion(name.lower(), reference.kind, reference.signature, reference.hover)
    for name in CLOCK_WINDOWS:
        yield Completion(name, "function", FIELD_NOTES[("", name)])


def _fields(known: Outline, names: list[str]) -> Iterable[Completion]:
    """What follows a dot behind these words."""
    owner = names[-1] if names else ""
    chain = [name for name in names[-5:] if name != "."]
    if len(names) >= 3 and names[-2] == "." and names[-3].upper() == "POSITION":
        return _noted("POSITION")
    if len(names) >= 3 and names[-2] == "." and names[-3].upper() == "SEQUENCE":
        return [*_noted("SEQUENCE"), *(Completion(e.name, What.STAGE, e.text) for e in known.of(What.STAGE, parent=owner))]
    if len(names) >= 5 and chain[0].upper() == "SEQUENCE" and names[-2] == names[-4] == ".":
        return _noted("STAGE")
    match owner.upper():
        case "POSITION" | "OPEN_ORDERS" | "POSITION_AVG_PRICE":
            return _entries(known, What.STREAM, What.LOOP)
        case "SEQUENCE":
            return _entries(known, What.SEQUENCE)
        case word if word in ACCESSORS:
            return _noted(word)
        case _ if known.named(owner, What.STREAM, What.LOOP) or owner.upper() == "SYMBOL":
            return _noted("stream")
        case _:
            return ()


def _noted(owner: str) -> Iterator[Completion]:
    for (group, name), note in FIELD_NOTES.items():
        if group == owner:
            yield Completion(name, "field", note)
