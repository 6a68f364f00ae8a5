"""The typed syntax tree of the whole language: strategies and portfolios, every node with its place in the file.

What the parser read flows in; out go nodes, which know nothing of the checker. Names are kept as written. Nothing here is
checked beyond the grammar: `FOR EACH` is not expanded, LET and PARAM are not replaced, and every name may still be unknown.
"""

from qkt.lang.tree.actions import *
from qkt.lang.tree.declarations import *
from qkt.lang.tree.expressions import *
from qkt.lang.tree.modifiers import *
from qkt.lang.tree.node import *
from qkt.lang.tree.portfolio import *
