"""Building the syntax tree: matched pieces of text come in, typed nodes with their places go out.

For every rule or alias of the grammar that is not inlined there is one function of its name in these modules. It gets the place
where its node is being made and the values of its parts, words and punctuation left out. Checks that concern one node alone
are made here; whatever needs names, types or other nodes belongs to the checker. Knows nothing of tables and recovery.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from qkt.lang.building import actions, clauses, declarations, expressions, files
from qkt.lang.building.place import Place

Builder = Callable[..., Any]


def _functions(module: ModuleType) -> dict[str, Builder]:
    """The public functions that the module itself defines."""
    return {
        name: member
        for name, member in vars(module).items()
        if callable(member) and getattr(member, "__module__", None) == module.__name__ and not name.startswith("_")
    }


BUILDERS: dict[str, Builder] = {
    name: function
    for module in (expressions, declarations, clauses, actions, files)
    for name, function in _functions(module).items()
}

__all__ = ["BUILDERS", "Builder", "Place"]
