"""Does what a page says, in one shell and a home of its own: `python -m tests.docs.walk docs/tutorial.md`.

In blocks marked `console` a line that begins with `$ ` is a command, one with `> ` goes on with it, and what follows is what
it says. `…` in a line stands for anything; alone on a line it stands for any lines. A command that only looks is asked again
for a while: what it looks at takes time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
LOOKS = ("qkt list", "qkt status", "qkt trades", "qkt brokers", "qkt instruments", "qkt logs")
PATIENCE = 120.0
MARK = "~~ done"


@dataclass(frozen=True)
class Step:
    line: int
    command: str
    says: str


def steps(page: str) -> Iterator[Step]:
    """The commands of a page with what they say."""
    for block in BLOCK.finditer(page):
        first = page.count("\n", 0, block.start(1)) + 1
        lines = block[1].splitlines()
        starts = [at for at, line in enumerate(lines) if line.startswith("$ ")]
        for at, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            more = at + 1
            while more < end and lines[more].startswith("> "):
                more += 1
            command = [lines[at][2:], *(line[2:] for line in lines[at + 1 : more])]
            yield Step(first + at, "\n".join(command), "\n".join(lines[more:end]))


def agrees(says: str, said: str) -> bool:
    """Whether a command said what the page has."""
    pattern = "".join(
        "(?:.*\n)*?" if line.strip() == "…" else ".*".join(map(re.escape, line.rstrip().split("…"))) + r"[ \t]*\n"
        for line in says.splitlines()
    )
    return re.fullmatch(pattern, said if not said or said.endswith("\n") else said + "\n") is not None


class Shell:
    """One bash for all commands of a page, so that folders, variables and background jobs stay."""

    def __init__(self, folder: Path) -> None:
        home, runtime = folder / "home", folder / "run"
        home.mkdir()
        runtime.mkdir(mode=0o700)
        (folder / "strategies").symlink_to(ROOT / "strategies")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("QKT_", "XDG_"))}
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={**kept, "HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "COLUMNS": "80"},
        )

    def say(self, command: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\necho; echo '{MARK}'\n")
        self._process.stdin.flush()
        said = []
        for line in self._process.stdout:
            if line == f"{MARK}\n":
                return "".join(said).removesuffix("\n")
            said.append(line)
        raise SystemExit(f"the shell ended after: {command}")

    def close(self) -> None:
        self.say("qkt daemon stop; jobs -p | xargs -r kill")
        self._process.communicate("exit\n")


def walk(page: Path) -> int:
    """Go through a page; returns the number of commands. Raises SystemExit where the page is not true."""
    done = 0
    with tempfile.TemporaryDirectory(prefix="qkt-walk-") as folder:
        shell = Shell(Path(folder))
        try:
            for step in steps(page.read_text(encoding="utf-8")):
                said, deadline = shell.say(step.command), time.monotonic() + PATIENCE
                while not agrees(step.says, said) and step.command.startswith(LOOKS) and time.monotonic() < deadline:
                    time.sleep(0.5)
                    said = shell.say(step.command)
                print(f"$ {step.command}\n{said}", flush=True)
                if not agrees(step.says, said):
                    raise SystemExit(f"{page}:{step.line}: the page says\n{step.says}")
                done += 1
        finally:
            shell.close()
    return done


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {walk(Path(name))} commands say what the page says")
