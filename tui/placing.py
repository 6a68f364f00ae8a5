"""Heights of the panes of a column: pure arithmetic, so that it can be proven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Want:
    """Rows a pane needs to say anything, rows that show all it has, and whether it takes what is left over."""

    least: int
    whole: int
    fills: bool = False


def heights(total: int, wants: Sequence[Want]) -> list[int]:
    """A height for each pane, 0 for one that is dropped.

    From the top, each gets what it needs at least as long as there is room; the rest goes round row by row to those that
    are not whole, and what is left to those that fill, or to the last one that stands.
    """
    given = [0] * len(wants)
    left = total
    for index, want in enumerate(wants):
        if want.least <= left:
            given[index] = want.least
            left -= want.least
    if not any(given) and wants and total > 0:
        return [total, *[0] * (len(wants) - 1)]
    while left > 0:
        hungry = [i for i, want in enumerate(wants) if given[i] and given[i] < want.whole]
        if not hungry:
            break
        for index in hungry[:left]:
            given[index] += 1
            left -= 1
    standing = [i for i, want in enumerate(wants) if given[i]]
    takers = [i for i in standing if wants[i].fills] or standing[-1:]
    for offset, index in enumerate(takers):
        given[index] += left // len(takers) + (1 if offset < left % len(takers) else 0)
    return given
