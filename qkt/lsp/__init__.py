"""The language for editors.

The text of a file as it is being typed, and a place in it, flow in; what may stand there, what it means and where it comes
from flow out as plain values. `server` alone speaks the Language Server Protocol; nothing else here may know of it. The room
checks and formats through `qkt.lang` and must not run strategies or read market data.
"""

from qkt.lsp.completion import Completion, completions
from qkt.lsp.definition import definition
from qkt.lsp.hover import hover
from qkt.lsp.outline import Entry, Outline, What, outline

__all__ = ["Completion", "Entry", "Outline", "What", "completions", "definition", "hover", "outline"]
