"""Textual's terminal driver for a process that has more important things to do than to draw.

The stock driver queues thirty writes and then blocks the event loop; it joins its threads when it ends, stops the whole
process on Ctrl-Z, and takes a terminal that has gone for a failure. This one never waits, is never stopped, and ends quietly.
It opens the terminal itself, so that descriptors 1 and 2 can point elsewhere and what is non-blocking here stays so here alone.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import termios
import threading
import tty
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import Any

from textual import constants, events
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import (
    KITTY_DISAMBIGUATE_ESCAPE_CODES,
    KITTY_REPORT_ALL_KEYS,
    KITTY_REPORT_ASSOCIATED_TEXT,
    LinuxDriver,
)
from textual.geometry import Size

from tui.terminal.outlet import Outlet

log = logging.getLogger("tui.terminal")

KITTY = KITTY_DISAMBIGUATE_ESCAPE_CODES | KITTY_REPORT_ALL_KEYS | KITTY_REPORT_ASSOCIATED_TEXT
READ = 4096
LOOK_MS = 100
STOPPING = (signal.SIGTSTP, signal.SIGTTOU, signal.SIGTTIN)
"""Signals by which a terminal stops a process: a stopped engine is a dead one."""
RESTORED = (
    "\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l\x1b[0m"
)
"""Everything that was switched on, switched off, and the screen as it was before."""


class SteadyDriver(LinuxDriver):
    """Draws when the terminal takes it. The app hears of a terminal that has gone as `terminal_gone`, where it has that."""

    def __init__(self, app: Any, *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.fileno = os.open(os.ttyname(0), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        self.input_tty = True
        self.outlet = Outlet(self.fileno, self._from_thread(self._repaint))
        self._ended = threading.Event()
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCONT, lambda *_: self._from_thread(self._repaint)())

    @property
    def can_suspend(self) -> bool:
        return False

    # ------------------------------------------------------------------- output

    def write(self, data: str) -> None:
        self.outlet.write(data)

    def flush(self) -> None:
        """The outlet's thread writes as soon as it can."""

    def _repaint(self) -> None:
        """Draw everything anew: what the terminal shows is not known."""
        if self._ended.is_set():
            return
        with contextlib.suppress(Exception):  # no screen yet, or no more
            screen = self._app.screen
            self._app._display(screen, screen._compositor.render_update(full=True))

    def _from_thread(self, act: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(act)

        return call

    def _get_terminal_size(self) -> tuple[int, int]:
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(self.fileno)
            if size.columns and size.lines:
                return size.columns, size.lines
        return 80, 24

    # --------------------------------------------------------------------- life

    def start_application_mode(self) -> None:
        self._loop.set_task_factory(None)  # the app has set its own, which others in this loop have not asked for
        signal.signal(signal.SIGWINCH, lambda *_: self._from_thread(self._resized)())
        self._resized()
        self.write("\x1b[?1049h")
        self._enable_mouse_support()
        self._make_raw()
        self.write("\x1b[?25l\x1b[?1004h")
        if not constants.DISABLE_KITTY_KEY:
            self.write(f"\x1b[>{KITTY}u")
        self._key_thread = threading.Thread(target=self._read_keys, name="terminal-input", daemon=True)
        self._key_thread.start()
        self._request_terminal_sync_mode_support()
        self._query_in_band_window_resize()
        self._enable_bracketed_paste()
        self._disable_line_wrap()

    def _make_raw(self) -> None:
        with contextlib.suppress(termios.error):
            self.attrs_before = termios.tcgetattr(self.fileno)
            raw = termios.tcgetattr(self.fileno)
            raw[tty.LFLAG] = self._patch_lflag(raw[tty.LFLAG])
            raw[tty.IFLAG] = self._patch_iflag(raw[tty.IFLAG])
            raw[tty.CC][termios.VMIN] = 1
            termios.tcsetattr(self.fileno, termios.TCSANOW, raw)

    def _resized(self) -> None:
        if self._in_band_window_resize or self._ended.is_set():
            return
        size = Size(*self._get_terminal_size())
        self.send_message(events.Resize(size, size))

    def disable_input(self) -> None:
        """No more keys. The thread that reads them sees it by itself."""
        self._ended.set()
        signal.signal(signal.SIGWINCH, signal.SIG_DFL)

    def stop_application_mode(self) -> None:
        self.disable_input()
        if self.attrs_before is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        self.outlet.last_words(RESTORED)

    def close(self) -> None:
        self.outlet.close()

    # -------------------------------------------------------------------- input

    def _read_keys(self) -> None:
        """Keys as they come, until the driver ends or the terminal does."""
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        while not self._ended.is_set():
            found = poll.poll(LOOK_MS)
            try:
                data = os.read(self.fileno, READ) if found else b""
            except BlockingIOError:
                data = b""
            except OSError:
                return self._gone()
            if found and not data:
                return self._gone()
            try:
                for message in (*parser.feed(decode(data)), *parser.tick()) if data else parser.tick():
                    self.process_message(message)
            except (EOFError, ParseError):
                log.warning("what the terminal sent could not be read")
                parser = XTermParser(self._debug)
        return None

    def _gone(self) -> None:
        """The terminal has hung up: the app is told, which ends; nothing is written any more."""
        if self._ended.is_set():
            return
        self.outlet.gone = True
        log.info("the terminal is gone")
        self._from_thread(getattr(self._app, "terminal_gone", self._app.exit))()
