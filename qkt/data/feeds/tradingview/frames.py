"""How TradingView frames its messages: `~m~`, the payload's length, `~m~`, the payload; one after the other.

Frames do not keep to websocket messages: several may share one, and one may be spread over several.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

LIMIT = 4 * 1024 * 1024
SHOWN = 80

_HEADER = re.compile(r"~m~([0-9]{1,7})~m~")
_BEGINNING = re.compile(r"~|~m|~m~[0-9]{0,7}|~m~[0-9]{1,7}~m?")
_HEARTBEAT = re.compile(r"~h~[0-9]{1,20}(~h~)?")


class FrameError(Exception):
    """The text on the wire is no sequence of frames."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """To be sent back as it came."""

    payload: str


@dataclass(frozen=True, slots=True)
class Message:
    """A method of the protocol and its parameters, as far outside our trust as all that comes over a wire."""

    method: str
    params: Sequence[object]

    def text(self, place: int) -> str:
        """A parameter fit for people to read, empty when there is none."""
        return readable(self.params[place]) if place < len(self.params) else ""


Payload: TypeAlias = Heartbeat | Message


def frame(payload: str) -> str:
    """A payload of ASCII, framed."""
    return f"~m~{len(payload)}~m~{payload}"


def message(method: str, *params: object) -> str:
    """A framed call of a method."""
    return frame(json.dumps({"m": method, "p": params}, separators=(",", ":")))


class FrameDecoder:
    """Cuts text into payloads. Keeps what is incomplete for the text that follows.

    Lengths are counted in characters. Where a length turns out wrong, which happens when a sender counts bytes, it goes on at
    the next header.
    """

    def __init__(self) -> None:
        self._buffer = ""

    def feed(self, text: str) -> list[str]:
        """The payloads that this text completes. Raises FrameError when it is not of this protocol."""
        buffer = self._buffer + text
        payloads = []
        while buffer:
            header = _HEADER.match(buffer)
            if header is None:
                if _BEGINNING.fullmatch(buffer):
                    break
                raise FrameError(f"no frame begins with {buffer[:SHOWN]!r}")
            end = header.end() + int(header[1])
            if end - header.end() > LIMIT or len(buffer) > 2 * LIMIT:
                raise FrameError(f"a frame of {header[1]} characters is too long")
            if len(buffer) < end:
                break
            if buffer[end : end + 3] != "~m~"[: len(buffer) - end]:
                following = _HEADER.search(buffer, header.end())
                if following is None:
                    raise FrameError(f"no frame follows {buffer[header.end() : end][:SHOWN]!r}")
                end = following.start()
            payloads.append(buffer[header.end() : end])
            buffer = buffer[end:]
        self._buffer = buffer
        return payloads


def read(payload: str) -> Payload | None:
    """What a payload says; None for greetings and other notes. Raises ValueError for what is neither."""
    if payload.startswith("~h~"):
        if _HEARTBEAT.fullmatch(payload) is None:
            raise ValueError("no heartbeat")
        return Heartbeat(payload)
    try:
        content = json.loads(payload)
    except RecursionError as problem:
        raise ValueError("nested too deeply") from problem
    if not isinstance(content, dict):
        raise ValueError("no object")
    if "m" not in content:
        return None
    method, params = content["m"], content.get("p", [])
    if not isinstance(method, str) or not isinstance(params, list):
        raise ValueError("no method with parameters")
    return Message(method, params)


def readable(value: object) -> str:
    """Foreign text on one short line without control characters."""
    text = value if isinstance(value, str) else repr(value)
    return "".join(letter if letter.isprintable() else " " for letter in text[:SHOWN]).strip()
