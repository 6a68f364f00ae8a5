"""The dashboard: frames from the link become a view, the view goes to the screen in front, keys become actions."""

from __future__ import annotations

import inspect
import logging
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from qkt.core.errors import QktError
from qkt.runtime.control.answers import Answer
from qkt.runtime.control.commands import Command
from qkt.runtime.control.frames import Ack, Bye, Frame, Snapshot
from qkt.runtime.control.link import EngineLink
from tui import actions as register
from tui import deeds
from tui.actions import ACTIONS, BY_ID, Action
from tui.clipboard import copy
from tui.commander import Commander, operator
from tui.glyphs import ASCII, suited
from tui.listener import Listener
from tui.memory import Memory
from tui.meter import Meter
from tui.notice import Notice, command_notice, link_notice
from tui.screens.base import DeckScreen
from tui.screens.digest import DigestDialog, worth_saying
from tui.screens.modes import MODES
from tui.styles.themes import PALETTES, Palette, textual_themes
from tui.subject import Subject
from tui.table import Cell, Context, Units
from tui.tables.risk import open_alerts
from tui.viewmodel import NOTHING, ChangeSet, Lost, View, fold

# Seconds without a key after which a live dashboard locks itself again.
LOCKS_AFTER = 600.0
# Seconds that a sentence in the second line stays.
SAID_FOR = 6.0
THRIFTY_RATE = 1
# Seconds within which two drops mean a slow line.
SLOW_LINE = 10.0
# Milliseconds without a key after which there is something to tell; and between two notes of the last key.
AWAY = 60_000
KEPT_EVERY = 10_000


log = logging.getLogger("tui")


class Dashboard(App[str], inherit_bindings=False):
    """Shows one engine and operates it. Made with a link; it ends when the operator leaves, and the engine does not care."""

    CSS_PATH: ClassVar[Any] = ["styles/base.tcss"]
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = dict(MODES)
    DEFAULT_MODE = "overview"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(",".join((action.key, *action.aliases)), f"do({action.id!r})", action.title, show=False, id=action.id)
        for action in ACTIONS
    ]

    def __init__(
        self,
        link: EngineLink,
        *,
        memory: Memory | None = None,
        theme: str | None = None,
        ascii_only: bool | None = None,
        read_only: bool = False,
        author: str | None = None,
        keys: Mapping[str, str] | None = None,
        reach: str = "",
        clock: Callable[[], float] = time.monotonic,
        driver_class: Any = None,
    ) -> None:
        self.palette: Palette = PALETTES["dusk"]
        super().__init__(driver_class=driver_class)
        self.link = link
        self.memory = memory or Memory()
        self.read_only = read_only
        self.clock = clock
        self.view = View()
        glyphs = suited(sys.stdout.encoding) if ascii_only is None else (ASCII if ascii_only else suited("utf-8"))
        self.context = Context(self.view, glyphs)
        self.commander = Commander(self, author or operator())
        self.listener = Listener(link, self.take, clock)
        self.thrifty = False
        self._dropped = 0
        self._drops: deque[float] = deque(maxlen=2)
        self._away_since = self.memory.last_key
        self._keys = keys or {}
        self._reach = reach
        self.subject = Subject()
        self.meter = Meter(clock)
        self._frozen: float | None = None
        self._unlocked: float | None = None
        self._said: tuple[Notice, float] | None = None
        self._alerts_seen: set[str] | None = None
        self.animation_level = "none"
        for one in textual_themes():
            self.register_theme(one)
        self.use_theme("plain" if self.no_color else theme or self.memory.theme or "dusk")

    # ---------------------------------------------------------------------- life

    def on_mount(self) -> None:
        self._bind()
        self._count_bytes()
        self.background(self.listener.run, "link", exit_on_error=False)
        self.set_interval(1.0, self._second)

    def background(
        self, work: Callable[[], Awaitable[object]], group: str, *, exclusive: bool = False, exit_on_error: bool = True
    ) -> None:
        """Do something beside the screen. It is made when it begins, so that what is given up before leaves nothing behind."""
        made: Any = work
        self.run_worker(made, group=group, exclusive=exclusive, exit_on_error=exit_on_error)

    def _bind(self) -> None:
        """The user's keys, or the standard ones where those cannot be: an engine is not left without a dashboard for a typo."""
        try:
            self.set_keymap(register.rebound(self._keys))
        except ValueError as problem:
            self.set_keymap(register.rebound({}))
            log.warning("%s; the standard keys hold", problem)
            self._said = (Notice(f"{problem} - the standard keys hold", "alarm"), self.clock())

    def _count_bytes(self) -> None:
        """Have the meter see what goes to the terminal."""
        driver, meter = self._driver, self.meter
        if driver is None:
            return
        write = driver.write

        def counted(data: str) -> None:
            meter.written += len(data.encode())
            write(data)

        driver.write = counted  # type: ignore[method-assign]

    def use_theme(self, name: str) -> None:
        self.palette = PALETTES[name]
        self.theme = name
        if self.is_running:
            self.refresh_css()

    @property
    def deck(self) -> DeckScreen:
        """The screen in front, beneath any dialog."""
        return next(one for one in self.screen_stack if isinstance(one, DeckScreen))

    # -------------------------------------------------------------------- frames

    def take(self, frame: Frame | Lost) -> None:
        """Fold a frame in and show what it changed."""
        self.view, changes = fold(self.view, frame)
        self.meter.frames += 1
        self.subject.settle(self.view)
        if isinstance(frame, Snapshot):
            self._welcome()
        if isinstance(frame, Bye):
            self.bell()
        self._ring()
        if isinstance(frame, Ack) and self.commander.sent is None:
            self.say(f"{frame.author}: {frame.command}", "dim")
        if self._frozen is None:
            self.context = replace(self.context, view=self.view)
            self.show(changes)
        else:
            self.show_lines()

    def _welcome(self) -> None:
        """On the first picture: what happened since somebody last pressed a key."""
        since, self._away_since = self._away_since, 0
        if since and self.view.ts - since > AWAY:
            self.background(partial(self._digest, since), "digest", exit_on_error=False)

    async def _digest(self, since: int) -> None:
        try:
            digest = await self.link.digest(since)
        except QktError as problem:
            self.say(f"no digest: {problem}", "warn")
            return
        if worth_saying(digest):
            self.push_screen(DigestDialog(digest))

    def show(self, changes: ChangeSet) -> None:
        if self.is_running and self.screen_stack and isinstance(self.screen_stack[0], DeckScreen):
            self.deck.apply(self.context.view, changes)

    def show_lines(self) -> None:
        if self.is_running and self.deck.is_mounted:
            self.deck.show_lines()

    def heard(self, author: str, command: Command, answer: Answer) -> None:
        """An answer that came by the command's own way, before or instead of its frame."""
        self.take(Ack(author=author, command=command.command, answer=answer))

    def _ring(self) -> None:
        alerts = {key for key, row in self.view.tables.alerts.items() if row.acknowledged is None}
        if self.view.state is None:
            return
        if self._alerts_seen is not None and (new := alerts - self._alerts_seen):
            row = self.view.tables.alerts[max(new, key=int)]
            self.say(f"{row.scope}: {row.text}", "alert")
            self.bell()
        self._alerts_seen = alerts

    def _second(self) -> None:
        """What changes with time alone while no frame comes."""
        now = self.clock()
        self.meter.mark()
        self._count_drops()
        if self._unlocked is not None and now - self._unlocked > LOCKS_AFTER:
            self._unlocked = None
        if not self.view.linked or self._said is not None or self.commander.sent is not None or self._frozen is not None:
            self.show_lines()

    # --------------------------------------------------------------------- lines

    def notice(self) -> Notice | None:
        """What the second line has to say, the gravest first."""
        now = self.clock()
        if (found := link_notice(self.view, now)) is not None:
            return found
        if (found := command_notice(self.view, self.commander.sent, now)) is not None:
            return found
        if self._said is not None and now - self._said[1] <= SAID_FOR:
            return self._said[0]
        self._said = None
        if self._frozen is not None:
            return Notice(f"VIEW FROZEN {int(now - self._frozen)}s - v goes on", "warn")
        return None

    def say(self, text: str, role: str = "accent") -> None:
        """A sentence in the second line, for a while."""
        self._said = (Notice(text, role), self.clock())
        self.show_lines()

    def marks(self) -> Sequence[Cell]:
        """What stands at the right of the second line."""
        alerts = open_alerts(self.view.tables.alerts.values())
        marks = []
        if alerts:
            marks.append(Cell(f"{alerts} ALERT", "alert"))
        if self.thrifty:
            marks.append(Cell("LOW BANDWIDTH", "dim"))
        if self.read_only:
            marks.append(Cell("READ-ONLY", "dim"))
        elif self.locked:
            marks.append(Cell("LOCKED" if self.size.width >= 100 else "LOCK", "warn"))
        return marks

    def available(self) -> list[Action]:
        deck = self.deck
        return list(register.available(deck.NAME, deck.focus_of(), self.view, locked=self.locked, read_only=self.read_only))

    def focus_moved(self) -> None:
        self.show_lines()

    # ------------------------------------------------------------------- choices

    @property
    def locked(self) -> bool:
        """Live starts locked."""
        return self._unlocked is None and register.is_live(self.view)

    def elsewhere(self, command: str) -> str:
        """A command of qkt as it is to be typed in another terminal to reach this engine."""
        return f"{command} {self._reach}".rstrip() if command.startswith("qkt ") else command

    def set_locked(self, locked: bool) -> None:
        self._unlocked = None if locked else self.clock()
        self.show_lines()

    def step_session(self, by: int) -> None:
        """Look at the next session, on the screen that is in front."""
        self.subject.step(self.view, by)
        self.show(ChangeSet(everything=True))
        self.want_rules()

    def want_rules(self) -> None:
        """Have the engine send the rules of the session that is looked at."""
        self._want(rules=self.deck.subject())

    def _want(self, **wishes: Any) -> None:
        """Tell the engine; a wish that was not told yet is given up for this one."""
        self.background(partial(self.listener.want, **wishes), "want", exclusive=True)

    @property
    def frozen(self) -> bool:
        return self._frozen is not None

    def freeze(self) -> None:
        self._frozen = self.clock() if self._frozen is None else None
        if self._frozen is None:
            self.context = replace(self.context, view=self.view)
            self.show(ChangeSet(everything=True))
        self.show_lines()

    def set_units(self, units: Units) -> None:
        self.context = replace(self.context, units=units)
        self.show(NOTHING)

    def set_thrifty(self, thrifty: bool) -> None:
        """One frame a second for a slow line, or the rate that was chosen."""
        self.thrifty = thrifty
        self.context = replace(self.context, thrifty=thrifty)
        rate = THRIFTY_RATE if thrifty else self.memory.rate
        self._want(rate=rate, rules=self.listener.rules)
        self.say("low bandwidth" if thrifty else f"{rate} frames a second")

    def copy_text(self, text: str) -> None:
        """Put text on the clipboard, in a thread as tmux may be slow."""
        if not text:
            self.say("nothing to copy here", "dim")
            return

        def work() -> None:
            folder = self.memory.path.parent if self.memory.path is not None else Path.cwd()
            said = copy(text, lambda words: self.call_from_thread(self.copy_to_clipboard, words), folder)
            self.call_from_thread(self.say, said)

        self.run_worker(work, thread=True, group="copy")

    # ------------------------------------------------------------------- actions

    async def action_do(self, name: str) -> None:
        """An action of the register, if it can be done now; else why not."""
        action = BY_ID[name]
        self._touched()
        deck = self.deck
        reason = register.why_not(action, deck.NAME, deck.focus_of(), self.view, locked=self.locked, read_only=self.read_only)
        if reason is not None:
            self.say(reason, "warn")
            return
        if name.startswith("show("):
            await self.run_action(name)
            return
        handler = getattr(deck, f"do_{name}", None)
        done = handler() if handler is not None else deeds.DEEDS[name](self)
        if inspect.isawaitable(done):
            self.background(partial(_finish, done), "deeds")

    def _count_drops(self) -> None:
        """What the terminal's driver threw away since the last look."""
        dropped = getattr(getattr(self._driver, "outlet", None), "dropped", 0)
        if dropped > self._dropped:
            self.frames_dropped()
        self._dropped = dropped

    def frames_dropped(self) -> None:
        """The driver threw frames away as the terminal did not keep up: twice in ten seconds means a slow line."""
        self._drops.append(self.clock())
        if len(self._drops) == 2 and self._drops[1] - self._drops[0] <= SLOW_LINE and not self.thrifty:
            self.set_thrifty(True)

    async def on_app_blur(self) -> None:
        """Nobody looks: one frame a second is enough."""
        await self.listener.want(rate=THRIFTY_RATE, rules=self.listener.rules)

    async def on_app_focus(self) -> None:
        rate = THRIFTY_RATE if self.thrifty else self.memory.rate
        await self.listener.want(rate=rate, rules=self.listener.rules)

    def _touched(self) -> None:
        if self._unlocked is not None:
            self._unlocked = self.clock()
        if self.view.ts - self.memory.last_key > KEPT_EVERY:
            self.memory.last_key = self.view.ts
            self.memory.keep()

    async def action_show(self, name: str) -> None:
        """Bring a screen to the front."""
        self.subject.follow(self.deck.focus_of())
        await self.bring(name)

    async def bring(self, name: str) -> None:
        """A screen to the front, with the subject as it is."""
        if name != self.current_mode:
            await self.switch_mode(name)
            self.memory.screen = name
            self.memory.keep()
        self.want_rules()

    async def on_nav_line_chosen(self, event: Any) -> None:
        await self.action_show(event.screen_name)

    async def on_footer_asked(self, event: Any) -> None:
        await self.action_do(event.action)


async def _finish(work: Awaitable[Any]) -> None:
    await work
