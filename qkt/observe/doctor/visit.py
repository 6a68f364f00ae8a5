"""The checks in order. One that breaks is a finding itself, and the next one is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from qkt.config import Config, load_config
from qkt.core.errors import QktError
from qkt.core.secrets import redacted
from qkt.observe.doctor import engine, installation, machine, outside
from qkt.observe.doctor.finding import Finding, Verdict, fail, ok

Check = Callable[[], Iterable[Finding]]


def examined(given: Path | None, state: Callable[[Config], Path]) -> Iterator[Finding]:
    """All findings, one after the other. `state` tells the state directory of a configuration."""
    yield from _made("installation", installation.packages)
    try:
        config, path = load_config(given)
    except QktError as problem:
        yield fail("config", redacted(str(problem)), "mend the file; qkt config show prints what holds")
        return
    yield ok("config", f"read from {path}" if path is not None else "no qkt.toml, the defaults hold")
    folder = state(config)
    checks: tuple[tuple[str, Check], ...] = (
        ("config", lambda: installation.secrecy(path, config)),
        ("config", lambda: installation.sections(config)),
        ("clock", lambda: machine.clock(folder)),
        ("disk", lambda: machine.disk(folder)),
        ("permissions", lambda: machine.permissions(folder)),
        ("limits", machine.limits),
        ("logind", machine.logind),
        ("state", lambda: engine.state(folder)),
        ("engine", lambda: engine.running(folder)),
        ("port", lambda: engine.port(folder, config)),
        ("feed", lambda: outside.feed(config)),
        ("broker", lambda: outside.brokers(config)),
        ("alerts", lambda: outside.alerts(config)),
        ("heartbeat", lambda: outside.heartbeat(config)),
    )
    for name, check in checks:
        yield from _made(name, check)


def _made(name: str, check: Check) -> Iterator[Finding]:
    try:
        for found in check():
            yield Finding(found.check, found.verdict, redacted(found.found), redacted(found.remedy))
    except QktError as problem:
        yield fail(name, redacted(str(problem)), redacted(problem.remedy or "correct it in qkt.toml"))
    except Exception as problem:
        what = redacted(f"could not be checked ({type(problem).__name__}: {problem})")
        yield Finding(name, Verdict.WARN, what, "check it by hand")
