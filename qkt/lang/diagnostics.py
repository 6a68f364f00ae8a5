"""What is wrong with a file, place by place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from qkt.core.errors import QktError
from qkt.lang.tree import Span


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. `code` is stable (`QKT0203`), `message` says what was found, `hint` what was expected or how to mend."""

    code: str
    severity: Literal["error", "warning"]
    span: Span
    message: str
    hint: str | None = None


_WIDEST = 160
_BEFORE = 40


def render(path: str, source: str, problems: Sequence[Diagnostic]) -> str:
    """The problems as people read them: place, code and message, the line, a caret under the span, the hint."""
    lines = source.split("\n")
    blocks = []
    for problem in problems:
        span = problem.span
        text = [_printable(f"{path}:{span.line}:{span.column}: {problem.severity} {problem.code}: {problem.message}")]
        if 1 <= span.line <= len(lines):
            text += _marked(lines[span.line - 1], span)
        if problem.hint:
            text.append("  " + _printable(problem.hint))
        blocks.append("\n".join(text))
    return "\n".join(blocks)


def _printable(text: str) -> str:
    """The text on one line, whatever was in it: each odd character has a stand-in."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)


def _marked(line: str, span: Span) -> list[str]:
    """The line and the carets below it. Of a very long line only what surrounds the place, of odd characters a stand-in."""
    line = "\t".join(map(_printable, line.rstrip("\r").split("\t")))
    start = span.column - 1
    until = max(start + 1, span.end_column - 1 if span.end_line == span.line else len(line))
    first = 0 if len(line) <= _WIDEST else max(0, start - _BEFORE)
    last = min(len(line), first + _WIDEST)
    shown = ("…" if first else "") + line[first:last] + ("…" if last < len(line) else "")
    indent = (" " if first else "") + "".join("\t" if c == "\t" else " " for c in line[first:start])
    return [f"    {shown}", f"    {indent}{'^' * (min(until, max(last, start + 1)) - start)}"]


class LanguageError(QktError):
    """A file with errors. Carries all of its problems, warnings included, in the order of the text, and the errors of the
    files that it imports."""

    def __init__(self, path: str, source: str, problems: Sequence[Diagnostic], imported: Sequence[LanguageError] = ()) -> None:
        self.path = path
        self.source = source
        self.imported = tuple(imported)
        self.problems = tuple(sorted(problems, key=lambda p: (p.span.line, p.span.column)))
        errors = sum(p.severity == "error" for p in self.problems)
        super().__init__(f"{errors} error{'s' if errors != 1 else ''}", where=path)

    def __str__(self) -> str:
        return "\n".join([render(self.path, self.source, self.problems), *map(str, self.imported)])

    def as_dict(self) -> dict[str, object]:
        data: dict[str, object] = {"error": "LanguageError", "where": self.path, "problems": as_data(self.problems)}
        if self.imported:
            data["imported"] = [problem.as_dict() for problem in self.imported]
        return data


def as_data(problems: Sequence[Diagnostic]) -> list[dict[str, object]]:
    """Problems as data for editors."""
    return [
        {
            "code": p.code,
            "severity": p.severity,
            "line": p.span.line,
            "column": p.span.column,
            "end_line": p.span.end_line,
            "end_column": p.span.end_column,
            "message": p.message,
            "hint": p.hint,
        }
        for p in problems
    ]
