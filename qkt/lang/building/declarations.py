"""What a file says before its rules: header, defaults, streams, names, schedules, sequences, and the parts of a portfolio."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from qkt.lang import tree
from qkt.lang.building.place import Block, Clause, Place, ident, milliseconds, whole
from qkt.lang.lexing import ENDLESS, Token, is_endless
from qkt.lang.tree import Action, Expr, Ident, Literal_

_MINUTE_MS = 60_000

# --------------------------------------------------------------------------------------------------------------- headers


def version(at: Place, token: Token) -> int:
    return whole(at, token, "VERSION", 0)


def strategy_header(_at: Place, name: Token, version: int) -> tuple[Ident, int]:
    return ident(name), version


def portfolio_header(_at: Place, name: Token, version: int, capital: Token | None) -> tuple[Ident, int, Decimal | None]:
    return ident(name), version, Decimal(capital.value) if capital else None


# -------------------------------------------------------------------------------------------------------------- defaults


def distance(at: Place, value: Expr) -> tree.Exit:
    return tree.Exit(at.span, "BY", value)


def trailing_clause(at: Place, order_type: tree.OrderType) -> Clause:
    return Clause("TRAILING", order_type, at.span)


def defaults(at: Place, *clauses: Clause) -> Block:
    values: dict[str, Any] = {}
    for clause in clauses:
        if clause.key in values:
            at.warning("QKT0121", clause.span, f"{clause.key} stands twice in DEFAULTS", "the last one counts")
        values[clause.key] = clause.value
    node = tree.Defaults(
        at.span,
        sizing=values.get("SIZING"),
        order_type=values.get("ORDER_TYPE"),
        trailing=values.get("TRAILING"),
        tif=values.get("TIF"),
        stop_loss=values.get("STOP LOSS"),
        take_profit=values.get("TAKE PROFIT"),
    )
    return Block("DEFAULTS", at.first.span, (node,))


# --------------------------------------------------------------------------------------------------------------- streams


def symbols(at: Place, *declared: tree.Declaration | tree.Synchronize) -> Block:
    return Block("SYMBOLS", at.first.span, declared)


def stream(at: Place, alias: Token, prefix: Token, symbol: Token, timeframe: Ident, warmup: int | None) -> tree.Stream:
    if not symbol.value.strip():
        at.error("QKT0140", symbol.span, "a symbol without a name")
    return tree.Stream(at.span, ident(alias), prefix.text, symbol.value, timeframe, warmup)


def timeframe(at: Place, *parts: Token) -> Ident:
    text = "".join(part.text for part in parts)
    if is_endless(text):  # in one word the lexer has refused it already
        at.error("QKT0112", at.span, ENDLESS)
    return Ident(at.span, text)


def warmup(at: Place, token: Token) -> int:
    return whole(at, token, "WARMUP", 1)


def basket(at: Place, alias: Token, *parts: Any) -> tree.Basket:
    *tokens, timeframe = parts
    members = _distinct(at, tokens, "the basket")
    if len(tokens) < 2:
        at.error("QKT0141", tokens[0].span, "a basket of one", "a BASKET needs two streams or more")
    return tree.Basket(at.span, ident(alias), members, timeframe)


def equity_series(at: Place, alias: Token, field: Token, timeframe: Ident) -> tree.EquitySeries:
    if field.text.upper() != "EQUITY":
        at.error("QKT0142", field.span, f"no series of ACCOUNT.{field.text}", "the only one is SERIES ACCOUNT.EQUITY")
    if timeframe.text.endswith("s") and timeframe.text[:-1].isdigit() and int(timeframe.text[:-1]) * 1000 < _MINUTE_MS:
        at.error("QKT0143", timeframe.span, f"a series of {timeframe.text} is too fine", "one minute, 1m, is the finest")
    return tree.EquitySeries(at.span, ident(alias), timeframe)


def synchronize(at: Place, *parts: Any) -> tree.Synchronize:
    *tokens, within = parts
    return tree.Synchronize(at.span, _distinct(at, tokens, "SYNCHRONIZE"), within)


def _distinct(at: Place, tokens: list[Token], where: str) -> tuple[Ident, ...]:
    seen: set[str] = set()
    for token in tokens:
        if token.text in seen:
            at.error("QKT0120", token.span, f"'{token.text}' stands twice in {where}")
        seen.add(token.text)
    return tuple(ident(token) for token in tokens)


# ------------------------------------------------------------------------------------------------------- names and values


def negative_number(at: Place, token: Token) -> tree.Number:
    return tree.Number(at.span, -Decimal(token.value), "-" + token.text)


def param(at: Place, name: Token, value: Literal_) -> Block:
    return Block("PARAM", at.first.span, (tree.Param(at.span, ident(name), value),))


def binding(at: Place, name: Token, value: Expr) -> tree.Let:
    return tree.Let(at.span, ident(name), value)


def let(at: Place, *bindings: tree.Let) -> Block:
    return Block("LET", at.first.span, bindings)


def span_of_time(at: Place, token: Token) -> int:
    return milliseconds(at, token)


def within(_at: Place, ms: int) -> int:
    return ms


# -------------------------------------------------------------------------------------------------------------- schedules


def schedule(at: Place, *clauses: tree.ScheduleClause) -> Block:
    return Block("SCHEDULE", at.first.span, clauses)


def at_times(at: Place, *parts: Any) -> tree.ScheduleClause:
    *times, zone, action = parts
    return tree.ScheduleClause(at.span, "AT", tuple(times), None, zone, action)


def every_hour(at: Place, minute: int, action: Action) -> tree.ScheduleClause:
    return tree.ScheduleClause(at.span, "HOUR", (), minute, None, action)


def every_day(at: Place, time: tree.TimeOfDay, zone: Any, action: Action) -> tree.ScheduleClause:
    return tree.ScheduleClause(at.span, "DAY", (time,), None, zone, action)


def every_weekday(at: Place, time: tree.TimeOfDay, zone: Any, action: Action) -> tree.ScheduleClause:
    return tree.ScheduleClause(at.span, "WEEKDAY", (time,), None, zone, action)


def zone(_at: Place, token: Token) -> str:
    return token.text.upper()


def minute(at: Place, token: Token) -> int:
    return _clock(at, token, "minute", 59)


def time_of_day(at: Place, hour: Token, minute: Token, second: Token | None) -> tree.TimeOfDay:
    seconds = _clock(at, hour, "hour", 23) * 3600 + _clock(at, minute, "minute", 59) * 60
    return tree.TimeOfDay(at.span, seconds + (_clock(at, second, "second", 59) if second else 0))


def _clock(at: Place, token: Token, unit: str, most: int) -> int:
    if token.text.isdigit() and int(token.text) <= most:
        return int(token.text)
    at.error("QKT0144", token.span, f"{token.text} is no {unit} of a clock", f"a whole number from 0 to {most}")
    return 0


# -------------------------------------------------------------------------------------------------------------- sequences

_FEWEST_STAGES, _MOST_STAGES = 2, 8


def sequence(at: Place, name: Token, alias: Token, *parts: Any) -> Block:
    *stages, end = parts
    limits = f"a SEQUENCE has {_FEWEST_STAGES} to {_MOST_STAGES} stages"
    if len(stages) < _FEWEST_STAGES:
        at.error("QKT0145", end.span, "a sequence of one stage", limits)
    elif len(stages) > _MOST_STAGES:
        at.error("QKT0145", stages[_MOST_STAGES].span, f"a sequence of {len(stages)} stages", limits)
    return Block("SEQUENCE", at.first.span, (tree.Sequence(at.span, ident(name), ident(alias), tuple(stages)),))


def stage(at: Place, name: Token, within: int | None, condition: Expr) -> tree.Stage:
    return tree.Stage(at.span, ident(name), within, condition)


# -------------------------------------------------------------------------------------------------------------- portfolios


def child(at: Place, path: tree.Text, alias: Token, hold: Token | None) -> Block:
    return Block("IMPORT", at.first.span, (tree.Import(at.span, path, ident(alias), hold is not None),))


def regimes(at: Place, name: Token, *states: tree.RegimeState) -> Block:
    return Block("REGIMES", at.first.span, (tree.Regimes(at.span, ident(name), states),))


def state(at: Place, name: Token, condition: Expr | None = None) -> tree.RegimeState:
    return tree.RegimeState(at.span, ident(name), condition)


def allocate(at: Place, method: Token, rebalance_ms: int | None, *entries: tree.AllocateEntry) -> Block:
    return Block("ALLOCATE", at.first.span, (tree.Allocate(at.span, ident(method), rebalance_ms, entries),))


def allocation(at: Place, state: Token, *shares: tree.Share) -> tree.AllocateEntry:
    return tree.AllocateEntry(at.span, ident(state), shares)


def share(at: Place, target: Token, weight: Token) -> tree.Share:
    return tree.Share(at.span, ident(target), Decimal(weight.value))


def runs(at: Place, *clauses: tree.Run) -> Block:
    return Block("RULES", at.first.span, clauses)


def run(
    at: Place, when: Expr | None, alias: Token, weight: Token | None, overrides: tuple[tree.Override, ...] | None
) -> tree.Run:
    return tree.Run(at.span, when, ident(alias), Decimal(weight.value) if weight else None, overrides)


def overrides(at: Place, *clauses: tree.Override) -> tuple[tree.Override, ...]:
    seen: set[str] = set()
    for clause in clauses:
        if clause.name.text in seen:
            at.error("QKT0120", clause.name.span, f"'{clause.name.text}' stands twice in OVERRIDE")
        seen.add(clause.name.text)
    return clauses


def override(at: Place, name: Token, value: Literal_) -> tree.Override:
    return tree.Override(at.span, ident(name), value)
