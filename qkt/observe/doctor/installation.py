"""The program and its configuration."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from qkt.config import Config, secrets_of
from qkt.observe.doctor.finding import Finding, fail, ok, warn

OLDEST = (3, 11)
STRONG = 12
"""Characters from which a secret is hidden wherever it appears."""


def packages() -> Iterator[Finding]:
    """Python, qkt and what it is built on."""
    name = "installation"
    if sys.version_info < OLDEST:
        yield fail(name, f"Python {sys.version.split()[0]}", "use Python 3.11 or newer")
    try:
        yield ok(name, f"qkt {version('qkt')} on Python {sys.version.split()[0]}")
    except PackageNotFoundError:
        yield ok(name, f"qkt from its sources on Python {sys.version.split()[0]}")
        return
    missing = []
    for line in requires("qkt") or ():
        if "extra ==" in line:
            continue
        package = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        try:
            version(package)
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        yield fail(name, f"missing: {', '.join(missing)}", "install qkt again: pip install --upgrade qkt")
    if find_spec("tzdata") is None:
        yield warn(name, "no time zones of our own", "pip install tzdata")


def secrecy(path: Path | None, config: Config) -> Iterator[Finding]:
    """Who can read the secrets, and whether they can be hidden."""
    values = [value for value in secrets_of(config) if value]
    if not values or path is None:
        return
    mode = path.stat().st_mode
    if sys.platform != "win32" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield warn("config", f"{path} holds secrets and others can read it", f"chmod 600 {path}")
    else:
        yield ok("config", "its secrets are readable by its owner only")
    if any(len(value) < STRONG for value in values):
        yield warn("config", "a secret is so short that it may be found by trying", f"use at least {STRONG} characters")


def sections(config: Config) -> Iterator[Finding]:
    """Values that can only be judged by what they lead to."""
    if config.instruments is not None and not config.instruments.is_file():
        yield fail("config", f"instruments: no file {config.instruments}", "correct the path in qkt.toml")
    elif config.instruments is not None:
        from qkt.runtime.setup import Terms

        Terms.with_instruments(config.instruments)
        yield ok("config", f"instruments of {config.instruments}")
    if config.load_dir is not None and not config.load_dir.is_dir():
        yield warn("config", f"load_dir: no folder {config.load_dir}", "make it, or take the key out of qkt.toml")
    config.execution.settings()
    config.risk.limits()
