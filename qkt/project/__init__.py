"""A folder to begin with: a strategy, its configuration, its test, and what a machine checks on every change.

In flow a name and a kind; out flow files, copied from `templates` as they stand there. It must not know how they run.
"""

from qkt.project.scaffold import Kind, create

__all__ = ["Kind", "create"]
