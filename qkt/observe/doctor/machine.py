"""The machine: its clock, its disk, who may write where, and whether it lets programs live when their user leaves."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from errno import ENOSPC
from pathlib import Path
from statistics import median
from time import perf_counter

from qkt.core.clock import SystemClock
from qkt.observe.doctor.finding import Finding, fail, ok, warn

MEGABYTE = 1 << 20
TOO_LITTLE = 500 * MEGABYTE
LITTLE = 2048 * MEGABYTE
SYNCS = 5
SLOW_SYNC = 0.02
"""Seconds that a durable write may take."""
FILES = 1024
TIMEOUT = 5.0


def clock(state: Path) -> Iterator[Finding]:
    """Whether somebody keeps the clock right, and whether it went back since the state was last written."""
    newest = max((path.stat().st_mtime for path in state.glob("*") if path.is_file()), default=0.0)
    if newest - SystemClock().now() / 1000 > 1:
        when = dt.datetime.fromtimestamp(newest, dt.UTC)
        text = f"the state was written at {when:%Y-%m-%d %H:%M} UTC, which is in the future"
        yield fail("clock", text, "set the clock right before an engine starts")
    told = _asked("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if told == "yes":
        yield ok("clock", "synchronised")
    elif told == "no":
        yield warn("clock", "nobody keeps it right", "timedatectl set-ntp true, or install chrony")
    else:
        yield warn("clock", "whether it is synchronised cannot be seen", "see to it that NTP runs")


def disk(state: Path) -> Iterator[Finding]:
    """Room, and how long a durable write takes where the journal is."""
    place = _existing(state)
    free = shutil.disk_usage(place).free
    text = f"{free / 1e9:,.1f} GB free at {place}"
    if free < TOO_LITTLE:
        yield fail("disk", text, "make room: an engine that cannot record takes no entries")
    elif free < LITTLE:
        yield warn("disk", text, "make room; a session writes some 70 bytes a tick")
    else:
        yield ok("disk", text)
    try:
        took = _sync_time(place)
    except OSError as problem:
        remedy = "make room" if problem.errno == ENOSPC else "give the user who runs the engine the right to"
        yield fail("disk", f"nothing can be written at {place} ({problem.strerror})", remedy)
        return
    if took > SLOW_SYNC:
        yield warn("disk", f"a durable write takes {took * 1000:.1f} ms", "use a local disk: every order waits for one write")
    else:
        yield ok("disk", f"a durable write takes {took * 1000:.1f} ms")


def permissions(state: Path) -> Iterator[Finding]:
    """The state and the socket belong to one user alone."""
    if sys.platform == "win32":
        return
    if not state.exists():
        yield ok("permissions", f"{state} does not exist yet and will be made")
        return
    about = state.stat()
    if about.st_uid != os.getuid():
        yield fail("permissions", f"{state} belongs to another user", "run qkt as that user, or choose another --state-dir")
    if about.st_mode & 0o077:
        yield warn("permissions", f"others can look into {state}", f"chmod 700 {state}")
    else:
        yield ok("permissions", f"{state} is yours alone")
    if os.getuid() == 0:
        yield warn("permissions", "this is the superuser", "run the engine as a user of its own")


def limits() -> Iterator[Finding]:
    """Open files."""
    if sys.platform == "win32":
        return
    import resource

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft != resource.RLIM_INFINITY and soft < FILES:
        yield warn("limits", f"{soft} open files", f"ulimit -n {FILES}, or LimitNOFILE={FILES} in the unit")
    else:
        yield ok("limits", "unlimited open files" if soft == resource.RLIM_INFINITY else f"{soft:,} open files")


def logind(root: Path = Path("/etc/systemd")) -> Iterator[Finding]:
    """Whether a daemon outlives the SSH session that started it."""
    if not (root / "logind.conf").exists() and not (root / "logind.conf.d").exists():
        return
    kills = False
    files = [root / "logind.conf", *sorted((root / "logind.conf.d").glob("*.conf"))]
    for path in files:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
            found = re.match(r"\s*KillUserProcesses\s*=\s*(\w+)", line)
            if found is not None:
                kills = found[1].lower() in ("yes", "true", "1", "on")
    if not kills:
        yield ok("logind", "a daemon outlives the session that started it")
        return
    user = os.environ.get("USER") or str(os.getuid())
    if _asked("loginctl", "show-user", user, "--property=Linger", "--value") == "yes":
        yield ok("logind", "KillUserProcesses is on, and this user may linger")
    else:
        yield fail(
            "logind",
            "KillUserProcesses is on: a daemon ends with the session that started it",
            f"loginctl enable-linger {user}, or run the engine from a unit (deploy/qkt.service)",
        )


def _asked(*command: str) -> str | None:
    """What a program answers, None when it is not there or fails."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _sync_time(folder: Path) -> float:
    probe = folder / f".qkt-doctor-{os.getpid()}"
    times = []
    try:
        with open(probe, "wb", buffering=0) as file:
            for _ in range(SYNCS):
                began = perf_counter()
                file.write(b"x" * 4096)
                os.fsync(file.fileno())
                times.append(perf_counter() - began)
    finally:
        probe.unlink(missing_ok=True)
    return median(times)
