"""What the second line says when it has something to say: the link, a frozen view, a command under way, an alert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qkt.runtime import control
from tui import format as fmt
from tui.table import Cell
from tui.tables.risk import open_alerts
from tui.viewmodel import Report, View

# Seconds that the end of a command stays, and a sentence of the dashboard's own.
STAYS, SAID_FOR = 8.0, 6.0
# Seconds after which a command without any answer is in doubt.
DOUBT = 3.0


@dataclass(frozen=True, slots=True)
class Notice:
    text: str
    role: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A command on its way: what it was, for whoever must repeat it elsewhere, and when it left."""

    id: str
    words: str
    elsewhere: str
    at: float
    settled: float | None = None
    problem: str | None = None


class Voice:
    """What the dashboard itself said last, for as long as it stands."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._said: tuple[Notice, float] | None = None

    def say(self, text: str, role: str = "accent") -> None:
        self._said = (Notice(text, role), self._clock())

    @property
    def sentence(self) -> Notice | None:
        return None if self._said is None or self._clock() - self._said[1] > SAID_FOR else self._said[0]


def gravest(view: View, sent: Sent | None, said: Notice | None, frozen: float | None, now: float) -> Notice | None:
    """What is said of all there is to say: a command in doubt, why a key did nothing, the link, a command under way, a
    sentence, a view that was frozen at a moment. The loss of a link never hides what it makes one type elsewhere."""
    link, command = link_notice(view, now), command_notice(view, sent, now)
    if link is not None and command is not None and command.role == "alert":
        return command
    if link is not None and (said is None or said.role not in ("alarm", "warn")):
        return link
    if link is None and command is not None:
        return command
    if said is not None:
        return said
    return None if frozen is None else Notice(f"VIEW FROZEN {int(now - frozen)}s - v goes on", "warn")


def marks(view: View, width: int, *, thrifty: bool, read_only: bool, locked: bool) -> list[Cell]:
    """What stands beside it whatever it says: open alerts, a slow line, and whether keys may change anything."""
    alerts = open_alerts(view.tables.alerts.values())
    found = [Cell(f"{alerts} ALERT", "alert")] if alerts else []
    if thrifty:
        found.append(Cell("LOW BANDWIDTH", "dim"))
    if read_only:
        found.append(Cell("READ-ONLY", "dim"))
    elif locked:
        found.append(Cell("LOCKED" if width >= 100 else "LOCK", "warn"))
    return found


def link_notice(view: View, now: float) -> Notice | None:
    """The state of the link when it is not well. `now` is the screen's own clock, seconds."""
    if view.ended is not None:
        return Notice(f"ENGINE STOPPED: {fmt.clean(view.ended)}", "alert")
    if view.lost is not None:
        seconds = int(now - view.lost.at)
        span = f"{seconds // 60:02}:{seconds % 60:02}"
        if view.state is None:
            return Notice(f"NO LINK {span} - {fmt.clean(view.lost.reason)}", "alert")
        last = f" - last frame {fmt.clock(view.ts)}Z"
        return Notice(f"LINK LOST {span}{last} - the engine may still be trading", "alert")
    return None


def command_notice(view: View, sent: Sent | None, now: float) -> Notice | None:
    """How the last command fares: sent, accepted, done; in doubt when nothing is heard of it."""
    if sent is None:
        return None
    if sent.settled is not None and now - sent.settled > STAYS:
        return None
    if sent.problem is not None:
        return Notice(f"{sent.words}: {fmt.clean(sent.problem)}", "alarm")
    report = view.report(sent.id)
    if report is None:
        if now - sent.at > DOUBT:
            return Notice(f"{sent.words}: UNKNOWN, no answer - elsewhere: {sent.elsewhere}", "alert")
        return Notice(f"{sent.words}: sent", "accent")
    return Notice(f"{sent.words}: {said(report)}", role(report))


def said(report: Report) -> str:
    """An answer in a line."""
    match report.answer:
        case control.answers.Accepted(step=None):
            return "accepted"
        case control.answers.Accepted(step=step) if step is not None:
            return f"accepted, {step.done}/{step.of}"
        case control.answers.Done(text=text, remaining=remaining):
            left = f"; {len(remaining)} remain" if remaining else ""
            return f"done: {fmt.clean(text)}{left}" if text else f"done{left}"
        case control.answers.Failed(found=found, where=where, remedy=remedy):
            place = f"{where}: " if where else ""
            mend = f" ({remedy})" if remedy else ""
            return f"failed: {fmt.clean(place + found + mend)}"
        case control.answers.Changed(sessions=sessions):
            return f"changed since you looked: {', '.join(sessions) or 'the sessions'}"
    return ""


def role(report: Report) -> str:
    match report.answer:
        case control.answers.Done():
            return "up"
        case control.answers.Failed():
            return "alarm"
        case control.answers.Changed():
            return "warn"
        case _:
            return "accent"
