"""One way to reach somebody: a thread that sends what it is given, slowly enough, and tries again when nobody answers.

The engine only puts alerts into a queue. Whatever becomes of a message, a service that hangs included, holds up nothing but the
next message of the same channel.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from qkt.config import Channel as Settings
from qkt.config import ConfigError
from qkt.core.errors import extra
from qkt.core.secrets import redacted
from qkt.observe.alerts import Alert, message
from qkt.observe.followers import ORDER

WAITING = 100
GATHER = 1.0
"""Seconds in which what belongs together comes together."""
RETRIES = (1.0, 5.0, 30.0)
MINUTE = 60.0
ENDING = 3.0
"""Seconds that what waits gets when the engine ends."""

Send = Callable[[str, str], bool]
"""Takes a title and a body, returns whether they were taken. May block, may raise."""

log = logging.getLogger(__name__)


class Channel:
    """Alerts of the chosen events go to `send`. `sent`, `failed` and `dropped` count messages given up or alerts that came too
    fast. `clock` is any clock in seconds that does not go back; `pause` waits some seconds and returns True when it is to
    end."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        send: Send,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        self.name = name
        self._settings = settings
        self._send = send
        self._clock = clock
        self._ending = threading.Event()
        self._pause = pause or self._ending.wait
        self._alerts: deque[Alert] = deque()
        self._messages: deque[tuple[str, str]] = deque()
        self._news = threading.Event()
        self._times: deque[float] = deque()
        self._thread = threading.Thread(target=self._run, name=f"alerts {name}", daemon=True)
        self._told_dropped = 0
        self.sent = 0
        self.failed = 0
        self.dropped = 0

    def offer(self, alert: Alert) -> None:
        """Take an alert if it is one that this channel wants. Called on the loop; returns at once."""
        settings = self._settings
        if alert.event not in settings.events or ORDER.index(alert.level) < ORDER.index(settings.level.upper()):
            return
        self._alerts.append(alert)
        if len(self._alerts) > WAITING:
            with suppress(IndexError):  # the thread has just taken them all
                self._alerts.popleft()
                self.dropped += 1
        self._news.set()

    def summarise(self, title: str, body: str) -> None:
        """Take the day's summary, which passes whatever the filters say."""
        if self._settings.summary:
            self._messages.append((title, body))
            self._news.set()

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Send what waits, and no more."""
        self._ending.set()
        self._news.set()

    def join(self) -> None:
        """Wait until it has ended, for a moment."""
        self._thread.join(ENDING)

    # ------------------------------------------------------------- in the thread

    def _run(self) -> None:
        while not self._ending.is_set():
            self._news.wait()
            if not self._ending.is_set():
                self._pause(GATHER)
            try:
                self.work()
            except Exception:
                self.failed += 1
                log.exception("alerts to %s could not be made into a message and are given up", self.name)

    def work(self) -> None:
        """Send what waits, as one message."""
        self._news.clear()
        while self._messages:
            self._deliver(*self._messages.popleft())
        if not self._alerts:
            return
        self._wait_for_room()
        alerts = []
        with suppress(IndexError):  # the oldest may be dropped meanwhile, so there is no counting them first
            while True:
                alerts.append(self._alerts.popleft())
        dropped, self._told_dropped = self.dropped - self._told_dropped, self.dropped
        self._times.append(self._clock())
        self._deliver(*message(alerts, dropped))

    def _wait_for_room(self) -> None:
        """No more than so many messages in any minute; what comes meanwhile goes with the next one."""
        while self._times and self._clock() - self._times[0] >= MINUTE:
            self._times.popleft()
        if len(self._times) >= self._settings.per_minute:
            self._pause(MINUTE - (self._clock() - self._times[0]))
            self._times.popleft()

    def _deliver(self, title: str, body: str) -> None:
        for wait in (*RETRIES, None):
            if self._taken(title, redacted(body)):
                self.sent += 1
                return
            if wait is None or self._pause(wait):
                break
        self.failed += 1
        log.warning("alerts to %s are not taken, one was given up", self.name)

    def _taken(self, title: str, body: str) -> bool:
        try:
            return self._send(title, body)
        except Exception as problem:
            log.warning("alerts to %s failed: %s", self.name, problem)
            return False


def sender(name: str, url: str) -> Send:
    """What sends to an Apprise URL. Raises ConfigError when Apprise is not installed or does not know the URL."""
    where = f"alerts.channels.{name}"
    try:
        import apprise
    except ImportError:
        raise ConfigError("alerts need Apprise", where=where, remedy=extra("alerts")) from None
    service = apprise.Apprise()
    if not service.add(url):
        raise ConfigError(
            "is no URL that Apprise knows", where=f"{where}.url", remedy="see https://github.com/caronc/apprise for its forms"
        )
    return lambda title, body: bool(service.notify(title=title, body=body))


def attempt(name: str, url: str, title: str, body: str) -> str | None:
    """Send one message. Returns why it was not taken. Raises as `sender` does."""
    send = sender(name, url)
    import apprise

    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:  # type: ignore[no-untyped-call]
        try:
            taken = send(title, body)
        except Exception as problem:
            return redacted(f"{type(problem).__name__}: {problem}")
        reasons = said.getvalue().split("\n")
    return None if taken else redacted(next(filter(None, reasons), "it does not say why"))


def open_channels(settings: dict[str, Settings]) -> list[Channel]:
    """The configured channels, not started. Raises ConfigError for one that cannot work."""
    return [Channel(name, one, sender(name, one.url.get_secret_value())) for name, one in settings.items()]
