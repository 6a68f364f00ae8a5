"""What the second line says when it has something to say: the link, a frozen view, a command under way, an alert."""

from __future__ import annotations

from dataclasses import dataclass

from qkt.runtime.control.answers import Accepted, Changed, Done, Failed
from tui import format as fmt
from tui.viewmodel import Report, View

# Seconds that the end of a command, or an alert, stays.
STAYS = 8.0
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
        case Accepted(step=None):
            return "accepted"
        case Accepted(step=step) if step is not None:
            return f"accepted, {step.done}/{step.of}"
        case Done(text=text, remaining=remaining):
            left = f"; {len(remaining)} remain" if remaining else ""
            return f"done: {fmt.clean(text)}{left}" if text else f"done{left}"
        case Failed(found=found, where=where, remedy=remedy):
            place = f"{where}: " if where else ""
            mend = f" ({remedy})" if remedy else ""
            return f"failed: {fmt.clean(place + found + mend)}"
        case Changed(sessions=sessions):
            return f"changed since you looked: {', '.join(sessions) or 'the sessions'}"
    return ""


def role(report: Report) -> str:
    match report.answer:
        case Done():
            return "up"
        case Failed():
            return "alarm"
        case Changed():
            return "warn"
        case _:
            return "accent"
