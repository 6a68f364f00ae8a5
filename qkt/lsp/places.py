"""Places as editors count them: lines from 0, characters in units of an encoding, UTF-16 unless agreed otherwise."""

from __future__ import annotations

from dataclasses import dataclass

_BYTES = {"utf-8": 1, "utf-16": 2, "utf-32": 4}


@dataclass(frozen=True, slots=True)
class Places:
    """Translates between a text's 1-based lines and columns, its offsets, and an editor's positions."""

    lines: list[str]
    encoding: str = "utf-16"

    @classmethod
    def of(cls, source: str, encoding: str = "utf-16") -> Places:
        return cls(source.split("\n"), encoding)

    def offset(self, line: int, character: int) -> int:
        """The offset of an editor's position; one beyond the text is its end."""
        if line >= len(self.lines):
            return sum(map(len, self.lines)) + len(self.lines) - 1
        return sum(len(text) + 1 for text in self.lines[:line]) + self._characters(self.lines[line], character)

    def position(self, line: int, column: int) -> tuple[int, int]:
        """The editor's position of a 1-based line and column."""
        if line > len(self.lines):
            return len(self.lines) - 1, self._units(self.lines[-1])
        return line - 1, self._units(self.lines[line - 1][: column - 1])

    @property
    def end(self) -> tuple[int, int]:
        return len(self.lines) - 1, self._units(self.lines[-1])

    def _units(self, text: str) -> int:
        return (
            len(text.encode(f"{self.encoding}-le" if self.encoding != "utf-8" else "utf-8", "surrogatepass"))
            // _BYTES[self.encoding]
        )

    def _characters(self, text: str, units: int) -> int:
        taken = 0
        for index, character in enumerate(text):
            if taken >= units:
                return index
            taken += self._units(character)
        return len(text)
