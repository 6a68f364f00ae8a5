"""What an engine shows of itself, in rows with a key. None is what is not known; it is never shown as zero."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from qkt.runtime.control.values import Exact, Millis, Quoted, SessionName, Word

SessionState = Literal["WARM", "RUN", "STOPPING", "STOPPED", "FAULT", "DOWN"]
Mode = Literal["PAPER", "LIVE"]
Side = Literal["BUY", "SELL"]
LegSide = Literal["LONG", "SHORT"]
Level = Literal["DEBUG", "INFO", "WARN", "ERROR"]


class Row(Word):
    """A line of a table. Its key names it for as long as it is shown."""

    @property
    def key(self) -> str:
        raise NotImplementedError


class FillQuality(Word):
    """What fills got beyond the price they are held against, signed as money: negative when it cost. Points are of each symbol,
    money in account currency; the mean and the worst are of single fills, `money` is all of it."""

    mean_points: Exact
    worst_points: Exact
    money: Exact
    worst_money: Exact


class Fidelity(Word):
    """How faithful a session is to its own recording, done again beside it. Nothing of it is known where `state` is
    `unknown`, for the `reason`.

    `parity_pct` of the `records` (orders, fills, refusals, halts) that the session journaled came out again; it is 100 only
    when all did. `difference` is the first that did not. `as_of` is the session's time up to which that is known, `behind`
    how many inputs it has had since. Fills are held against what was decided (the quote at which a market order was sent,
    the level of any other), the quote when they were booked, and, at a venue, the price of paper on the same ticks. `missed`
    are fills that paper had and the session had not, `extra` the other way round.
    """

    state: Literal["equal", "differs", "unknown"]
    reason: Quoted | None = None
    as_of: Millis | None = None
    behind: int = 0
    records: int = 0
    parity_pct: Exact | None = None
    difference: str | None = None
    fills: int = 0
    missed: int = 0
    extra: int = 0
    against_decision: FillQuality | None = None
    against_quote: FillQuality | None = None
    against_paper: FillQuality | None = None


class StrategyRow(Row):
    """A session, or a child of a portfolio (then `parent` is set). Money in the currency of its account."""

    name: SessionName
    kind: Literal["strategy", "portfolio"] = "strategy"
    parent: SessionName | None = None
    state: SessionState
    # The strongest halt in force, and until when it stands by itself.
    halt: Literal["daily", "persistent", "operator"] | None = None
    reason: Quoted | None = None
    account: str
    mode: Mode
    file: str
    started: Millis
    symbols: tuple[str, ...]
    # Of a session that is read from the journal, which has no prices, the day and the falls are not known, and where it holds
    # positions neither are equity and open profit.
    equity: Exact | None
    balance: Exact
    day_pnl: Exact | None
    open_pnl: Exact | None
    realised: Exact
    # Fall of the equity from its peak, percent of the peak, zero or negative.
    drawdown_pct: Exact | None
    max_drawdown_pct: Exact | None
    positions: int
    orders: int
    trades: int
    last_fill: Millis | None = None
    # Gate of a child: whether its portfolio lets it trade, and why not.
    gate: bool | None = None
    gate_reason: Quoted | None = None
    # What the book gives a child: its weight, and the factor that sizes its new risk now, drawdown and regime included.
    weight: Exact | None = None
    factor: Exact | None = None
    capital: Exact | None = None
    hold: bool | None = None
    operator_stopped: bool = False
    last_tick: Millis | None = None
    queue: int = 0
    dropped: int = 0
    # Why entries are blocked although nothing is halted: a feed, the disk.
    blocked: Quoted | None = None
    # Closed trades and how many of them won.
    closed: int = 0
    wins: int = 0
    # Equity at up to 24 moments of the last day, oldest first.
    trend: tuple[Exact, ...] = ()
    # Of a child: its part of what the portfolio risks.
    risk_share_pct: Exact | None = None
    # The session's present where its feed is the clock; None where the time of the frame is.
    clock: Millis | None = None
    # Of a session that runs and is shadowed; None where it is not, or not yet.
    fidelity: Fidelity | None = None

    @property
    def key(self) -> str:
        return self.name


class PositionRow(Row):
    """One leg. `engine_held` lists protection that ends with the session; `protected` says who guards it, `engine` where a
    stop stands that no venue knows of."""

    session: SessionName
    account: str
    leg: str
    symbol: str
    side: LegSide
    quantity: Exact
    entry: Exact
    opened: Millis
    # The child of a portfolio that owns it, by alias.
    child: str | None = None
    mark: Exact | None = None
    pnl: Exact | None = None
    # Profit in units of the risk taken at entry.
    r: Exact | None = None
    stop: Exact | None = None
    target: Exact | None = None
    engine_held: tuple[str, ...] = ()
    protected: Literal["venue", "engine", "none"] = "none"
    digits: int | None = None

    @property
    def key(self) -> str:
        return f"{self.session}:{self.leg}"


class OrderRow(Row):
    """A working order, or one being submitted. `distance` is from the price that triggers it, in price.

    `protective` orders only close; a halt leaves them. `venue` tells who holds it: what the engine holds ends with it.
    """

    session: SessionName
    account: str
    order: str
    symbol: str
    side: Side
    kind: str
    purpose: str
    child: str | None = None
    status: str
    quantity: Exact
    filled: Exact
    price: Exact | None = None
    stop: Exact | None = None
    distance: Exact | None = None
    time_in_force: str
    expires: Millis | None = None
    placed: Millis
    leg: str | None = None
    venue: Literal["venue", "engine"] = "engine"
    protective: bool = False
    # The entry it belongs to, and the rule that asked for it, from 1.
    parent: str | None = None
    rule: int | None = None
    average: Exact | None = None
    digits: int | None = None

    @property
    def key(self) -> str:
        return f"{self.session}:{self.order}"


class FillRow(Row):
    """An execution. Costs positive when paid; realised net of costs, in account currency."""

    session: SessionName
    account: str
    number: int
    ts: Millis
    order: str
    leg: str | None = None
    child: str | None = None
    symbol: str
    side: Side
    quantity: Exact
    price: Exact
    realised: Exact | None = None
    cost: Exact
    # Against the price expected when it was sent, in price, positive when worse.
    slippage: Exact | None = None
    purpose: str
    digits: int | None = None

    @property
    def key(self) -> str:
        return f"{self.session}:{self.number}"


class MarketRow(Row):
    """A symbol as its feed quotes it, without prices until it has quoted. `fault` is what the data gate finds wrong with it."""

    symbol: str
    feed: str
    bid: Exact | None = None
    ask: Exact | None = None
    spread: Exact | None = None
    day_pct: Exact | None = None
    ticks: int
    # Ticks a second, over the last ten.
    rate: Exact
    ts: Millis | None = None
    digits: int | None = None
    # The smallest step of its price.
    point: Exact | None = None
    stale: bool = False
    fault: str | None = None
    refused: int = 0
    # The price at every five seconds of the last minute, oldest first.
    recent: tuple[Exact, ...] = ()
    # Where the feed is the clock: its present.
    clock: Millis | None = None

    @property
    def key(self) -> str:
        return self.symbol


class LimitRow(Row):
    """A risk limit, how much of it is used (percent) and what it binds: a session, an account, or the engine."""

    scope: str
    rule: str
    now: Exact | None = None
    limit: Exact
    used_pct: Exact | None = None
    unit: Literal["money", "percent", "count", "quantity"]

    @property
    def key(self) -> str:
        return f"{self.scope}:{self.rule}"


class HaltRow(Row):
    """A halt in force. `until` is when it ends by itself, None when an operator must clear it; `clears` says how."""

    scope: str
    kind: Literal["daily", "persistent", "operator"]
    reason: Quoted
    since: Millis
    until: Millis | None = None
    author: str | None = None
    clears: str = ""

    @property
    def key(self) -> str:
        return f"{self.scope}:{self.kind}:{self.reason}"


class AlertRow(Row):
    """What someone should have seen. It stays until acknowledged; `mended` is when it ceased to be so by itself."""

    number: int
    ts: Millis
    level: Level
    scope: str
    text: str
    source: Literal["disk", "fault", "halt", "feed", "order", "recovery", "risk", "engine"] = "engine"
    # Who has seen it.
    acknowledged: str | None = None
    mended: Millis | None = None

    @property
    def key(self) -> str:
        return str(self.number)


class FeedRow(Row):
    """A source of quotes and how it is. `lag_ms` from quote to engine. A feed that is its own clock may be faster than time."""

    feed: str
    state: Literal["connecting", "connected", "stale", "lost", "ended"]
    since: Millis
    symbols: int
    sessions: int
    ticks: int
    dropped: int = 0
    lag_ms: int | None = None
    reason: Quoted | None = None
    # Ticks a second, over the last ten.
    rate: Exact | None = None
    own_clock: bool = False
    # How many symbols the data gate finds fault with.
    faults: int = 0

    @property
    def key(self) -> str:
        return self.feed


class AccountRow(Row):
    """An account of a venue. Paper and live accounts are never summed."""

    account: str
    venue: str
    mode: Mode
    currency: str
    equity: Exact
    balance: Exact
    day_pnl: Exact
    open_pnl: Exact
    drawdown_pct: Exact
    drawdown_limit_pct: Exact | None = None
    margin_used_pct: Exact | None = None
    link: str = "ok"
    # Of the equity at the day's start.
    day_pct: Exact | None = None
    # Notional value of all legs, and of what is left after netting, account currency.
    gross: Exact | None = None
    net: Exact | None = None
    positions: int = 0
    orders: int = 0
    sessions: int = 0

    @property
    def key(self) -> str:
        return self.account


class ExposureRow(Row):
    """What an account has at stake in a symbol. Quantities in lots, net signed; notional in account currency, signed."""

    account: str
    symbol: str
    net: Exact
    gross: Exact
    notional: Exact | None = None
    # Of the account's equity.
    equity_pct: Exact | None = None
    limit: Exact | None = None
    used_pct: Exact | None = None

    @property
    def key(self) -> str:
        return f"{self.account}:{self.symbol}"


class StreamRow(Row):
    """A stream of a session. `closed` is when its last bar ended and `due` when the present one ends by the clock; it closes
    with the first quote after that, and until then it is `overdue`."""

    session: SessionName
    stream: str
    symbol: str
    timeframe: str
    closed: Millis | None = None
    due: Millis | None = None
    overdue: bool = False

    @property
    def key(self) -> str:
        return f"{self.session}:{self.stream}"


class RunRow(Row):
    """A back-test that this engine was asked for. Its figures come with the state `done`."""

    run: str
    file: str
    name: str
    author: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    asked: Millis
    started: Millis | None = None
    ended: Millis | None = None
    progress_pct: Exact | None = None
    # Where in history it is, and how many ticks it has read.
    at: Millis | None = None
    ticks: int | None = None
    symbols: tuple[str, ...] = ()
    first: Millis | None = None
    last: Millis | None = None
    net: Exact | None = None
    return_pct: Exact | None = None
    cagr_pct: Exact | None = None
    sharpe: Exact | None = None
    max_drawdown_pct: Exact | None = None
    trades: int | None = None
    win_pct: Exact | None = None
    profit_factor: Exact | None = None
    error: str | None = None

    @property
    def key(self) -> str:
        return self.run


class RuleRow(Row):
    """A rule as written, what its condition is worth now, when it last fired and how often. The first rule is number 1.

    `value` is the condition's value, or its leading term's, as text; None while it has none. `true` is the condition's at
    the last closed bar; `armed` is False for a rule that has fired and waits for its condition to turn false.
    """

    session: SessionName
    number: int
    line: int
    text: str
    value: str | None = None
    true: bool | None = None
    last_fired: Millis | None = None
    count: int = 0
    armed: bool | None = None

    @property
    def key(self) -> str:
        return f"{self.session}:{self.number}"


class SystemRow(Row):
    """How the process is: storage, queues, latency from tick to committed intent."""

    name: str = "engine"
    disk: str = "ok"
    recorder: str = "ok"
    queue: int = 0
    dropped: int = 0
    latency_p50_us: int | None = None
    latency_p99_us: int | None = None
    subscribers: int = 0
    # Of one core, over the last seconds.
    cpu_pct: Exact | None = None
    memory_bytes: int | None = None
    # The longest that the loop was late in the last seconds.
    loop_lag_ms: int | None = None
    # Venue time against ours; positive when the venue is ahead.
    clock_skew_ms: int | None = None
    # Inputs that wait for the disk.
    waiting_bytes: int = 0
    journal_writes: int = 0
    journal_failures: int = 0
    ticks_per_second: Exact | None = None

    @property
    def key(self) -> str:
        return self.name


class Term(Word):
    """A term of a rule's condition and what it is worth now; None for a missing value."""

    text: str
    value: str | None = None
    depth: Annotated[int, Field(ge=0)] = 0


class RuleTerms(Word):
    """One rule with the values of its terms, the outer before the inner."""

    rule: RuleRow
    terms: tuple[Term, ...]


class EquityPoint(Word):
    """Equity and balance of a session or account at the end of a minute."""

    ts: Millis
    equity: Exact
    balance: Exact


class Line(Word):
    """Something that happened, numbered for the whole engine. `fill` is given for a fill.

    `event` is the sort of thing in one word, `order` the order it is about. Lines that go back to the same decision have the
    same `trace`: the run and the input, as on the tape, at which it was taken.
    """

    number: Annotated[int, Field(ge=1)]
    ts: Millis
    level: Level
    kind: Literal["log", "fill", "order", "halt", "feed", "operator", "engine"]
    scope: str
    text: str
    fill: FillRow | None = None
    event: str = ""
    order: str | None = None
    trace: str | None = None
