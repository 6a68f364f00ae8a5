"""The metrics of an engine: a snapshot and the figures beside it, as families for Prometheus.

All begin with `qkt_`. Labels are names of sessions, feeds, accounts, symbols and the engine's own words; a session that is
stopped has no figures any more, one that is forgotten has no series at all, and no family has more than `MOST` of them.
"""

from __future__ import annotations

import platform
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from time import monotonic_ns

from prometheus_client.process_collector import ProcessCollector

from qkt.observe.exposition import SECOND, Family
from qkt.runtime.control.frames import Snapshot
from qkt.runtime.control.rows import ExposureRow, StrategyRow
from qkt.runtime.engine import Engine
from qkt.runtime.figures import Durations
from qkt.runtime.session import LiveSession

MOST = 500
"""Series of one family, beside those of a histogram."""
TIMED = 50
"""Sessions whose histograms are shown."""
STATES = ("WARM", "RUN", "STOPPING", "STOPPED", "FAULT", "DOWN")
REFUSED_BY = {"refused": "risk", "rejected": "venue", "cancel_failed": "cancel"}
HUNDRED = 100.0


@dataclass(frozen=True)
class Outlets:
    """Counts of what leaves this room: alerts by channel (sent, failed, dropped), followers of lines and what they missed,
    records that the log could not take."""

    channels: Callable[[], Iterable[tuple[str, int, int, int]]]
    followers: Callable[[], tuple[int, int]]
    log_dropped: Callable[[], int]
    heartbeats: Callable[[], tuple[int, int]]


class EngineCollector:
    """Families of one engine."""

    def __init__(self, engine: Engine, outlets: Outlets) -> None:
        self._engine = engine
        self._outlets = outlets
        self._lines: Counter[str] = Counter()
        self._process = ProcessCollector(namespace="qkt", registry=None)

    def count_line(self, level: str) -> None:
        self._lines[level] += 1

    def collect(self, snapshot: Snapshot) -> Iterator[Family]:
        """Everything, as of now and of this snapshot."""
        lives = [hosted.live for hosted in self._engine.hosted.values()]
        rows = list(snapshot.tables.strategies.values())[:MOST]
        yield from self._of_the_engine(rows)
        yield from self._of_ticks(lives)
        yield from _of_sessions(rows)
        yield from _of_fidelity(rows)
        yield from _of_orders(snapshot, lives)
        yield from _of_accounts(snapshot)
        yield from _of_risk(snapshot)
        yield from _of_feeds(snapshot)
        yield from self._of_links()
        yield from self._of_storage(lives)
        yield from self._of_outlets()
        yield from self._of_the_process()

    def _of_the_engine(self, rows: Sequence[StrategyRow]) -> Iterator[Family]:
        engine = self._engine
        hello, health = engine.hello(), engine.health()
        labels = {"version": hello.version, "python": platform.python_version()}
        yield _gauge("qkt_build_info", "The running program; always 1.", list(labels), [(labels.values(), 1)])
        yield _gauge("qkt_engine_uptime_seconds", "Since the engine began.", (), [((), health.uptime_s)])
        yield _gauge(
            "qkt_engine_ready", "1 once sessions are restored and until it ends.", (), [((), health.status == "ready")]
        )
        states = Counter[str](row.state for row in rows)
        yield _gauge("qkt_sessions", "Sessions by state.", ["state"], [((one,), states[one]) for one in STATES])
        yield _histograms(
            "qkt_event_loop_lag_seconds", "How late the loop comes back to who sleeps.", [((), engine.figures.lag)]
        )

    def _of_ticks(self, lives: Sequence[LiveSession]) -> Iterator[Family]:
        of = ["session"]
        pumps = {name: hosted.pump for name, hosted in self._engine.hosted.items()}
        now = monotonic_ns()
        yield _counter("qkt_ticks", "Ticks that came past the data gate.", of, ((_one(s), s.figures.ticks_in) for s in lives))
        dropped = ((_one(s), s.figures.ticks_dropped) for s in lives)
        yield _counter("qkt_ticks_dropped", "Ticks lost because they came faster than they were read.", of, dropped)
        refused = ((_one(s), pumps[s.name].refused) for s in lives)
        yield _counter("qkt_ticks_refused", "Ticks that the data gate kept out.", of, refused)
        waiting = ((_one(s), s.figures.queue) for s in lives)
        yield _gauge("qkt_queue_ticks", "Ticks that wait to be handled.", of, waiting)
        peak = ((_one(s), s.figures.queue_peak) for s in lives)
        yield _gauge("qkt_queue_ticks_peak", "The most ticks that ever waited.", of, peak)
        ages = ((_one(s), (now - s.figures.arrived) / SECOND) for s in lives if s.figures.arrived)
        yield _gauge("qkt_feed_age_seconds", "Since the last tick came.", of, ages)
        timed = lives[:TIMED]
        for name, text, durations in (
            ("qkt_tick_handling_seconds", "What the bus takes for a tick, of a sample.", [s.figures.handling for s in timed]),
            (
                "qkt_tick_to_intent_seconds",
                "From a tick's arrival until what it led to is durable.",
                [s.figures.intent for s in timed],
            ),
        ):
            yield _histograms(name, text, [(_one(s), one) for s, one in zip(timed, durations, strict=True)], of)
        fills = [((s.name, order), one) for s in timed for order, one in s.tally.fills.items()]
        yield _histograms(
            "qkt_intent_to_fill_seconds",
            "From the request of an order to its first fill, by the session's clock and the kind of the order.",
            fills,
            ["session", "order"],
        )

    def _of_the_process(self) -> Iterator[Family]:
        """What the library finds out about the process: a number each, without labels."""
        for one in self._process.collect():
            values = [((), sample.value) for sample in one.samples]
            yield (_counter if one.type == "counter" else _gauge)(one.name, one.documentation, (), values)

    def _of_links(self) -> Iterator[Family]:
        links = dict(self._engine.links)
        of = ["account"]
        yield _gauge("qkt_mt5_link_up", "1 while the terminal answers.", of, (((name,), one.up) for name, one in links.items()))
        losses = (((name,), one.losses) for name, one in links.items())
        yield _counter("qkt_mt5_link_losses", "How often the way to the terminal broke.", of, losses)
        calls = (((name, call), count) for name, one in links.items() for call, count in list(one.calls.items()))
        yield _counter("qkt_mt5_calls", "Calls of the terminal.", ["account", "call"], calls)
        failures = (
            ((name, call, sort), count) for name, one in links.items() for (call, sort), count in list(one.failures.items())
        )
        yield _counter("qkt_mt5_failures", "Calls that failed, by class.", ["account", "call", "class"], failures)
        seated = (((name,), hosted.differing) for name, hosted in self._engine.hosted.items() if hosted.seat is not None)
        text = "In how many things a session and its venue differ, seen twice."
        yield _gauge("qkt_mt5_differences", text, ["session"], seated)

    def _of_storage(self, lives: Sequence[LiveSession]) -> Iterator[Family]:
        figures = self._engine.figures
        yield _counter("qkt_journal_writes", "Transactions of the journal.", (), [((), figures.commit.count)])
        yield _counter("qkt_journal_failures", "Transactions that the disk refused.", (), [((), figures.commit_failures)])
        yield _histograms("qkt_journal_commit_seconds", "How long a transaction took.", [((), figures.commit)])
        refusing = any(s.recorder.refused is not None for s in lives)
        yield _gauge("qkt_journal_refusing", "1 while nothing can be recorded.", (), [((), refusing)])
        waiting = ((_one(s), s.recorder.waiting) for s in lives)
        yield _gauge("qkt_tape_waiting_bytes", "Inputs that are not written yet.", ["session"], waiting)
        free = shutil.disk_usage(self._engine.state).free
        yield _gauge("qkt_disk_free_bytes", "Room where the state is kept.", (), [((), free)])

    def _of_outlets(self) -> Iterator[Family]:
        of = ["channel"]
        channels = list(self._outlets.channels())
        for place, (name, text) in enumerate(
            (
                ("qkt_alerts_sent", "Messages that a channel took."),
                ("qkt_alerts_failed", "Messages given up after all attempts."),
                ("qkt_alerts_dropped", "Alerts that came faster than a channel takes them."),
            ),
            1,
        ):
            yield _counter(name, text, of, (((row[0],), float(row[place])) for row in channels))
        sent, failed = self._outlets.heartbeats()
        yield _counter("qkt_heartbeats_sent", "Signs of life that were taken.", (), [((), sent)])
        yield _counter("qkt_heartbeats_failed", "Signs of life that were not.", (), [((), failed)])
        lines = (((level,), count) for level, count in self._lines.items())
        yield _counter("qkt_log_lines", "Lines by level.", ["level"], lines)
        yield _counter("qkt_log_dropped", "Records that the log files could not take.", (), [((), self._outlets.log_dropped())])
        followers, missed = self._outlets.followers()
        yield _gauge("qkt_log_followers", "Readers that follow the lines.", (), [((), followers)])
        yield _counter("qkt_log_followers_missed", "Lines that followers were too slow for.", (), [((), missed)])


def _of_sessions(rows: Sequence[StrategyRow]) -> Iterator[Family]:
    """Money in the currency of the session's account; what is not known has no series."""
    of = ["session", "mode"]
    for name, text, value in SESSION_GAUGES:
        values = (((row.name, row.mode), value(row)) for row in rows)
        yield _gauge(name, text, of, ((labels, float(one)) for labels, one in values if one is not None))
    yield _counter("qkt_trades", "Fills of the session's life.", of, (((row.name, row.mode), row.trades) for row in rows))


def _of_fidelity(rows: Sequence[StrategyRow]) -> Iterator[Family]:
    """What is unknown has no series but that it is."""
    of = ["session"]
    shadowed = [(row.name, row.fidelity) for row in rows if row.fidelity is not None]
    known = [(name, one) for name, one in shadowed if one.state != "unknown"]
    yield _gauge(
        "qkt_fidelity_known",
        "1 while the session is done again beside itself.",
        of,
        (((name,), one.state != "unknown") for name, one in shadowed),
    )
    parity = (((name,), float(one.parity_pct) / HUNDRED) for name, one in known if one.parity_pct is not None)
    yield _gauge("qkt_fidelity_parity_ratio", "Records that come out again; 1 is all.", of, parity)
    behind = (((name,), one.behind) for name, one in known)
    yield _gauge("qkt_fidelity_behind_inputs", "Inputs that are not done again yet.", of, behind)
    missed = (((name,), one.missed) for name, one in known)
    yield _gauge("qkt_fidelity_missed_fills", "Fills that paper had of the same ticks and the session had not.", of, missed)
    extra = (((name,), one.extra) for name, one in known)
    yield _gauge("qkt_fidelity_extra_fills", "Fills that the session had and paper had not.", of, extra)
    got = (
        ((name, against), float(quality.money))
        for name, one in known
        for against, quality in (
            ("decision", one.against_decision),
            ("quote", one.against_quote),
            ("paper", one.against_paper),
        )
        if quality is not None
    )
    text = "What fills got beyond the price they are held against, account currency, negative when it cost."
    yield _gauge("qkt_fidelity_slippage", text, ["session", "against"], got)


def _fall(percent: Decimal | None) -> float | None:
    return None if percent is None else abs(float(percent)) / HUNDRED


SESSION_GAUGES: tuple[tuple[str, str, Callable[[StrategyRow], Decimal | float | None]], ...] = (
    ("qkt_equity", "Balance and open profit.", lambda row: row.equity),
    ("qkt_balance", "What is booked.", lambda row: row.balance),
    ("qkt_pnl_day", "Change of the equity since the day began.", lambda row: row.day_pnl),
    ("qkt_pnl_open", "Profit of what is open.", lambda row: row.open_pnl),
    ("qkt_pnl_realised", "Profit of what is closed, after costs.", lambda row: row.realised),
    ("qkt_drawdown_ratio", "Fall of the equity from its peak, 0 to 1.", lambda row: _fall(row.drawdown_pct)),
    ("qkt_drawdown_max_ratio", "The greatest fall of the equity from a peak, 0 to 1.", lambda row: _fall(row.max_drawdown_pct)),
    ("qkt_positions", "Open legs.", lambda row: row.positions),
    ("qkt_session_running", "1 while the session runs.", lambda row: row.state in ("RUN", "WARM")),
    ("qkt_halted", "1 while a halt is in force.", lambda row: row.halt is not None),
    ("qkt_entries_blocked", "1 while a feed or the disk lets no entry pass.", lambda row: row.blocked is not None),
)


def _of_orders(snapshot: Snapshot, lives: Sequence[LiveSession]) -> Iterator[Family]:
    working = Counter((row.session, row.status) for row in snapshot.tables.orders.values())
    yield _gauge("qkt_orders", "Orders that are not terminal, by state.", ["session", "state"], working.items())
    of = ["session"]
    yield _counter("qkt_orders_requested", "Orders that passed risk.", of, ((_one(s), s.tally.effects["order"]) for s in lives))
    yield _counter("qkt_fills", "Fills since the process began.", of, ((_one(s), s.tally.effects["fill"]) for s in lives))
    halts = ((_one(s), s.tally.halts) for s in lives)
    yield _counter("qkt_halts", "Halts since the process began.", of, halts)
    refusals = (
        ((live.name, REFUSED_BY[kind], reason), count)
        for live in lives
        for (kind, reason), count in live.tally.refusals.items()
    )
    yield _counter("qkt_rejections", "Orders and cancels refused, by whom and why.", ["session", "by", "reason"], refusals)
    lots: Counter[tuple[str, str, str]] = Counter()
    for row in snapshot.tables.positions.values():
        lots[row.session, row.symbol, row.side] += row.quantity  # type: ignore[assignment]
    yield _gauge("qkt_position_lots", "Open quantity.", ["session", "symbol", "side"], lots.items())
    unprotected = Counter(row.session for row in snapshot.tables.positions.values() if row.stop is None)
    of_names = [((live.name,), unprotected[live.name]) for live in lives]
    yield _gauge("qkt_positions_without_stop", "Open legs that no stop guards.", of, of_names)


def _of_accounts(snapshot: Snapshot) -> Iterator[Family]:
    of = ["account", "mode", "currency"]
    rows = list(snapshot.tables.accounts.values())
    labels = [(row.account, row.mode, row.currency) for row in rows]
    equity = zip(labels, (float(row.equity) for row in rows), strict=True)
    yield _gauge("qkt_account_equity", "Equity of an account.", of, equity)
    margin = ((key, float(row.margin_used_pct) / HUNDRED) for key, row in zip(labels, rows, strict=True) if row.margin_used_pct)
    yield _gauge("qkt_account_margin_used_ratio", "Margin used, of the equity.", of, margin)
    up = zip(labels, (row.link == "ok" for row in rows), strict=True)
    yield _gauge("qkt_account_link_up", "1 while the venue answers.", of, up)


def _of_risk(snapshot: Snapshot) -> Iterator[Family]:
    """Lots and notional by symbol, and how much of each limit is used."""
    of = ["account", "symbol"]
    rows = list(snapshot.tables.exposure.values())
    yield _gauge("qkt_exposure_net_lots", "Open quantity, long less short.", of, _exposure(rows, lambda row: row.net))
    yield _gauge("qkt_exposure_gross_lots", "Open quantity, long and short.", of, _exposure(rows, lambda row: row.gross))
    worth = _exposure(rows, lambda row: row.notional)
    yield _gauge("qkt_exposure_notional", "What the net quantity is worth, account currency.", of, worth)
    used = (
        ((row.scope, row.rule), float(row.used_pct) / HUNDRED)
        for row in snapshot.tables.limits.values()
        if row.used_pct is not None
    )
    yield _gauge("qkt_limit_used_ratio", "How much of a risk limit is used; 1 is all of it.", ["scope", "rule"], used)


def _exposure(rows: Sequence[ExposureRow], value: Callable[[ExposureRow], Decimal | None]) -> Points:
    values = ((row, value(row)) for row in rows)
    return (((row.account, row.symbol), float(one)) for row, one in values if one is not None)


def _of_feeds(snapshot: Snapshot) -> Iterator[Family]:
    rows = snapshot.tables.feeds.values()
    up = (((row.feed,), row.state in ("connected", "ended")) for row in rows)
    yield _gauge("qkt_feed_up", "1 while the feed is connected, or has ended as it should.", ["feed"], up)
    lag = (((row.feed,), row.lag_ms / 1000) for row in rows if row.lag_ms is not None)
    yield _gauge("qkt_feed_lag_seconds", "From a quote's time to its arrival.", ["feed"], lag)


def _one(live: LiveSession) -> tuple[str]:
    return (live.name,)


Points = Iterable[tuple[Iterable[str], float]]


def _gauge(name: str, text: str, labels: Sequence[str], points: Points) -> Family:
    return Family(name, text, "gauge", labels, _bounded(points))


def _counter(name: str, text: str, labels: Sequence[str], points: Points) -> Family:
    return Family(name, text, "counter", labels, _bounded(points))


def _bounded(points: Points) -> list[tuple[Sequence[str], float]]:
    return [(tuple(values), float(value)) for values, value in islice(points, MOST)]


def _histograms(
    name: str, text: str, durations: Iterable[tuple[Sequence[str], Durations]], labels: Sequence[str] = ()
) -> Family:
    return Family(name, text, "histogram", labels, list(durations))
