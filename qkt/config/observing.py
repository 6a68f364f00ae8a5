"""Who may look at an engine, and who is told what happens in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from qkt.config.values import Section


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    return host in ("localhost", "::1") or host.startswith("127.")


def _web(url: SecretStr) -> SecretStr:
    if not re.match(r"https?://\S+$", url.get_secret_value()):
        raise ValueError("must begin with http:// or https://")
    return url


class Observe(Section):
    """Who may look. `host` and `port` are where metrics, status and logs are served, `token` is needed on any host but the
    loopback. The heartbeat says every `heartbeat_seconds` that all is well, to a URL or by touching a file. Log files
    are kept at `log_files` of `log_megabytes` each. With `shadow` every session is done again beside itself, in a process that
    gets at most `shadow_megabytes` of memory."""

    serve: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 9464
    token: Annotated[SecretStr, Field(min_length=16)] | None = None
    heartbeat_url: Annotated[SecretStr, AfterValidator(_web)] | None = None
    heartbeat_file: Path | None = None
    heartbeat_seconds: Annotated[int, Field(ge=5)] = 60
    log_megabytes: Annotated[int, Field(ge=1)] = 20
    log_files: Annotated[int, Field(ge=1)] = 5
    shadow: bool = True
    shadow_megabytes: Annotated[int, Field(ge=256)] = 1024

    @model_validator(mode="after")
    def _guarded(self) -> Observe:
        if self.token is None and not is_loopback(self.host):
            raise ValueError(f"serving on {self.host} needs a token of at least 16 characters, for others can reach it")
        return self


AlertEvent = Literal[
    "halted", "resumed", "fault", "rejected", "refused", "blocked", "unblocked", "feed", "started", "stopped", "down", "error"
]


class Channel(Section):
    """Where alerts go: a URL as Apprise reads it. `events` and `level` choose; no more than `per_minute` messages leave in a
    minute, what comes meanwhile is sent as one."""

    url: SecretStr
    events: tuple[AlertEvent, ...] = (
        "halted",
        "resumed",
        "fault",
        "rejected",
        "blocked",
        "unblocked",
        "feed",
        "down",
        "error",
    )
    level: Literal["info", "warn", "error"] = "info"
    per_minute: Annotated[int, Field(ge=1, le=60)] = 6
    summary: bool = True


class Alerts(Section):
    """Who is told what happened. `summary` is when the day is summed up (HH:MM, UTC)."""

    summary: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None
    channels: dict[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")], Channel] = Field(default_factory=dict)
