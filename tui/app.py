"""The dashboard: frames from the link become a view, the view goes to the screen in front, keys become actions."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from qkt.core.errors import QktError
from qkt.runtime import control
from qkt.runtime.control.link import EngineLink, Fleet, Station
from tui import actions as register
from tui.absence import Absence
from tui.actions import ACTIONS
from tui.bell import Bell
from tui.commander import Commander, operator
from tui.fleet import Watches
from tui.glyphs import ASCII, suited
from tui.keyboard import Keyboard
from tui.listener import Listener
from tui.memory import Memory
from tui.meter import Meter
from tui.notice import Notice, Voice, gravest, marks
from tui.pace import Pace
from tui.screens import digest
from tui.screens.base import DeckScreen
from tui.screens.modes import MODES
from tui.styles.themes import PALETTES, Palette, textual_themes
from tui.subject import Subject
from tui.table import Cell, Context
from tui.viewmodel import ChangeSet, Lost, View, fold

if TYPE_CHECKING:
    from qkt.runtime.control.answers import Answer
    from qkt.runtime.control.commands import Command
    from qkt.runtime.control.frames import Frame

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
        keys: Callable[[], Mapping[str, str]] = dict,
        painted: Callable[[], None] | None = None,
        watches: Watches | None = None,
        clock: Callable[[], float] = time.monotonic,
        driver_class: Any = None,
    ) -> None:
        self.palette: Palette = PALETTES["dusk"]
        self.memory = memory or Memory()
        if self.memory.screen in MODES:
            self.DEFAULT_MODE = self.memory.screen  # type: ignore[misc]
        super().__init__(driver_class=driver_class)
        self.link = link
        self.clock = clock
        self.view = View()
        glyphs = suited(sys.stdout.encoding) if ascii_only is None else (ASCII if ascii_only else suited("utf-8"))
        self.context = Context(self.view, glyphs)
        self.commander = Commander(self, author or operator())
        self.listener = Listener(link, self.take, clock)
        self.pace = Pace(self.memory.rate, clock)
        self.subject = Subject()
        self.meter = Meter(clock)
        self._absence = Absence(self.memory)
        self.keyboard = Keyboard(self, self._absence, read_only=read_only)
        self._bell = Bell()
        self._voice = Voice(clock)
        self._frozen: float | None = None
        # Set once keys do all that they can and frames are asked for.
        self.complete = asyncio.Event()
        self._keys = keys
        self._painted = painted
        self.watches = watches or Watches(Fleet([Station("here", "this machine", link)]), clock)
        self.animation_level = "none"
        for one in textual_themes():
            self.register_theme(one)
        self.use_theme("plain" if self.no_color else theme or self.memory.theme or "dusk")

    # ---------------------------------------------------------------------- life

    def on_mount(self) -> None:
        if self._driver is not None:
            self.meter.attend(self._driver)
        self.set_interval(1.0, self._second)
        self.call_after_refresh(self._first_painted)

    def _first_painted(self) -> None:
        if self._painted is not None:
            self._painted()
        self.background(self._completed, "complete")

    async def _completed(self) -> None:
        """What a first screen does not wait for: modules, frames, and the user's keys. Keys that cannot be had, or clash, cost
        themselves and not the dashboard: there may be something to be halted."""
        await asyncio.to_thread(import_module, "qkt.runtime.control.client")
        self.background(self.listener.run, "link", exit_on_error=False)
        await asyncio.to_thread(import_module, "tui.deeds")
        if not self.is_headless:
            gc.freeze()  # modules stay, so that no search for garbage needs to look at them again
        gc.enable()
        try:
            keymap, problem = register.bound(await asyncio.to_thread(self._keys))
            self.set_keymap(keymap)
        except QktError as error:
            problem = f"{error} - the standard keys hold"
        if problem:
            log.warning("%s", problem)
            self.say(problem, "alarm")
        self.complete.set()

    def background(
        self, work: Callable[[], Awaitable[object]], group: str, *, exclusive: bool = False, exit_on_error: bool = True
    ) -> None:
        """Do something beside the screen. It is made when it begins, so that what is given up before leaves nothing behind."""
        made: Any = work
        self.run_worker(made, group=group, exclusive=exclusive, exit_on_error=exit_on_error)

    def use_theme(self, name: str) -> None:
        self.palette = PALETTES[name]
        self.theme = name
        if self.is_running:
            self.refresh_css()

    @property
    def deck(self) -> DeckScreen:
        """The screen in front, beneath any dialog."""
        return next(one for one in self.screen_stack if isinstance(one, DeckScreen))

    @property
    def _stands(self) -> bool:
        """Whether there is a screen to show anything on."""
        return self.is_running and bool(self.screen_stack) and isinstance(self.screen_stack[0], DeckScreen)

    # -------------------------------------------------------------------- frames

    def take(self, frame: Frame | Lost) -> None:
        """Fold a frame in and show what it changed."""
        self.view, changes = fold(self.view, frame)
        self.meter.frames += 1
        self.subject.settle(self.view)
        if isinstance(frame, control.frames.Snapshot) and (since := self._absence.over(self.view.ts)) is not None:
            self.background(partial(digest.tell, self, since), "digest", exit_on_error=False)
        if isinstance(frame, control.frames.Bye):
            self.bell()
        if (news := self._bell.news(self.view)) is not None:
            self.say(f"{news.scope}: {news.text}", "alert")
            self.bell()
        if isinstance(frame, control.frames.Ack) and self.commander.sent is None:
            self.say(f"{frame.author}: {frame.command}", "dim")
        if self._frozen is None:
            self.context = replace(self.context, view=self.view)
            self.show(changes)
        else:
            self.show_lines()

    def heard(self, author: str, command: Command, answer: Answer) -> None:
        """An answer that came by the command's own way, before or instead of its frame."""
        self.take(control.frames.Ack(author=author, command=command.command, answer=answer))

    def show(self, changes: ChangeSet) -> None:
        if self._stands:
            self.deck.apply(self.context.view, changes)

    def show_lines(self) -> None:
        if self._stands and self.deck.is_mounted:
            self.deck.show_lines()

    def _second(self) -> None:
        """What changes with time alone while no frame comes."""
        self.meter.mark()
        self.frames_dropped(getattr(getattr(self._driver, "outlet", None), "dropped", 0))
        quiet = self._voice.sentence is None and self.commander.sent is None and self._frozen is None
        if not self.view.linked or not quiet:
            self.show_lines()

    def notice(self) -> Notice | None:
        """What the second line has to say, the gravest first."""
        return gravest(self.view, self.commander.sent, self._voice.sentence, self._frozen, self.clock())

    def say(self, text: str, role: str = "accent") -> None:
        """A sentence in the second line, for a while."""
        self._voice.say(text, role)
        self.show_lines()

    def marks(self) -> Sequence[Cell]:
        """What stands at the right of the second line."""
        keys = self.keyboard
        return marks(self.view, self.size.width, thrifty=self.pace.thrifty, read_only=keys.read_only, locked=keys.locked)

    def look_at_fleet(self) -> None:
        self.background(self.watches.run, "fleet", exclusive=True, exit_on_error=False)

    def step_session(self, by: int) -> None:
        """Look at the next session, on the screen that is in front."""
        self.subject.step(self.view, by)
        self.show(ChangeSet(everything=True))
        self.want()

    def want(self) -> None:
        """Tell the engine how often and of which rules to send; a wish that was not told yet is given up for this one."""
        if self._stands:
            wish = partial(self.listener.want, rate=self.pace.rate, rules=self.deck.subject())
            self.background(wish, "want", exclusive=True)

    def freeze(self) -> None:
        """Let the view stand, or go on with what came meanwhile."""
        self._frozen = self.clock() if self._frozen is None else None
        if self._frozen is None:
            self.context = replace(self.context, view=self.view)
            self.show(ChangeSet(everything=True))
        self.show_lines()

    def set_thrifty(self, thrifty: bool) -> None:
        """One frame a second and nothing that only pleases, for a slow line; or the rate that was chosen."""
        self.pace.thrifty = thrifty
        self.context = replace(self.context, thrifty=thrifty)
        self.want()
        self.say("low bandwidth" if thrifty else f"{self.pace.rate} frames a second")

    def frames_dropped(self, count: int) -> None:
        """The driver has thrown so many writes away by now, as the terminal did not keep up."""
        if self.pace.hear(count):
            self.set_thrifty(True)

    def on_app_blur(self) -> None:
        self.pace.watched = False
        self.want()

    def on_app_focus(self) -> None:
        self.pace.watched = True
        self.want()

    # ------------------------------------------------------------------- actions

    async def action_do(self, name: str) -> None:
        await self.keyboard.do(name)

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
        self.want()
