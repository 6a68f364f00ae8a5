"""What a dashboard remembers between runs: where it was, how it sorted, and when somebody last pressed a key."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Memory:
    """Kept in a small file that is written whenever something of it changes. Without a path, nothing is kept."""

    path: Path | None = None
    theme: str = ""
    screen: str = "overview"
    rate: int = 4
    sorts: dict[str, tuple[str, bool]] = field(default_factory=dict)
    filters: dict[str, str] = field(default_factory=dict)
    # Epoch ms of the last key, by the clock of the engine that was looked at.
    last_key: int = 0

    def keep(self) -> None:
        """Write it down. A disk that refuses costs the memory, never the dashboard: the next run starts as a first one."""
        if self.path is None:
            return
        values = asdict(self)
        del values["path"]
        scratch = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_text(json.dumps(values), encoding="utf-8")
            os.replace(scratch, self.path)
        except OSError:
            self.path = None


def recalled(path: Path) -> Memory:
    """What was kept; a file that cannot be read, or holds something else, is as good as none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        memory = Memory(path)
        for name, kind in (("theme", str), ("screen", str), ("rate", int), ("last_key", int)):
            if isinstance(values.get(name), kind):
                setattr(memory, name, values[name])
        memory.sorts = {str(k): (str(v[0]), bool(v[1])) for k, v in dict(values.get("sorts", {})).items()}
        memory.filters = {str(k): str(v) for k, v in dict(values.get("filters", {})).items()}
    except (OSError, ValueError, TypeError, AttributeError, IndexError):
        return Memory(path)
    return memory
