"""Syntax trees -> text in the canonical spelling, a piece on one line: the forms of the published language where it has any."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from qkt.lang import tree
from qkt.lang.lexing import is_venue_symbol
from qkt.lang.tree import Expr

# ------------------------------------------------------------------------------------------------------------- expressions

_OR, _AND, NOT_LEVEL, _COMPARISON, _SUM, _PRODUCT, _UNARY, _PRIMARY = range(1, 9)


def expression(node: Expr, least: int = _OR) -> str:
    """In parentheses if it binds more loosely than its place allows."""
    text, level = _spelled(node)
    return f"({text})" if level < least else text


def operand(node: Expr, op: str) -> str:
    """The left side of AND or OR. An AND in an OR gets parentheses that it does not need, for the eye."""
    return expression(node, _OR if isinstance(node, tree.Logic) and node.op == op else NOT_LEVEL)


def _spelled(node: Expr) -> tuple[str, int]:
    match node:
        case tree.Logic() | tree.Arithmetic():
            return _chain(node)
        case tree.Not(value=value):
            return f"NOT {expression(value, NOT_LEVEL)}", NOT_LEVEL
        case tree.Compare(op=op, left=left, right=right):
            return f"{expression(left, _COMPARISON)} {op} {expression(right, _SUM)}", _COMPARISON
        case tree.Between(value=value, low=low, high=high, negated=negated):
            window = f"{expression(low, _SUM)} AND {expression(high, _SUM)}"
            return f"{expression(value, _COMPARISON)} {'NOT ' if negated else ''}BETWEEN {window}", _COMPARISON
        case tree.In(value=value, members=members, negated=negated):
            listed = f"[{', '.join(map(expression, members))}]"
            return f"{expression(value, _COMPARISON)} {'NOT ' if negated else ''}IN {listed}", _COMPARISON
        case tree.Crosses(above=above, left=left, right=right):
            direction = "ABOVE" if above else "BELOW"
            return f"{expression(left, _COMPARISON)} CROSSES {direction} {expression(right, _SUM)}", _COMPARISON
        case tree.IsNull(value=value, negated=negated):
            return f"{expression(value, _COMPARISON)} IS {'NOT ' if negated else ''}NULL", _COMPARISON
        case tree.Negate(value=value):
            inner = expression(value, _UNARY)
            return f"- {inner}" if inner.startswith("-") else f"-{inner}", _UNARY  # two signs side by side begin a comment
        case _:
            return _primary(node), _PRIMARY


_LEVELS = {"OR": _OR, "AND": _AND, "+": _SUM, "-": _SUM}


def _chain(node: tree.Logic | tree.Arithmetic) -> tuple[str, int]:
    """Operators of one level in a row, in a loop: there may be thousands of them."""
    level = _LEVELS.get(node.op, _PRODUCT)
    right_level = NOT_LEVEL if isinstance(node, tree.Logic) else level + 1
    parts: list[str] = []
    left: Expr = node
    while isinstance(left, tree.Logic | tree.Arithmetic) and _LEVELS.get(left.op, _PRODUCT) == level:
        parts += [expression(left.right, right_level), left.op]
        left = left.left
    parts.append(operand(left, node.op) if isinstance(node, tree.Logic) else expression(left, level))
    return " ".join(reversed(parts)), level


def _primary(node: Expr) -> str:
    match node:
        case tree.Number(text=text) | tree.Duration(text=text):
            return text
        case tree.Text(value=value):
            return quoted(value)
        case tree.Bool(value=flag):
            return "TRUE" if flag else "FALSE"
        case tree.Null():
            return "NULL"
        case tree.Name(name=name):
            return name
        case tree.Field(owner=owner, field=field):
            return f"{owner.text}.{field.text}"
        case tree.LookBack(value=value, bars=bars):
            return f"{_primary(value)}[{bars}]"
        case tree.Case(branches=branches, otherwise=otherwise):
            parts = [f"WHEN {expression(condition)} THEN {expression(value)}" for condition, value in branches]
            parts += [f"ELSE {expression(otherwise)}"] if otherwise is not None else []
            return f"CASE {' '.join(parts)} END"
        case tree.Call(name=fn, args=args):
            return f"{fn.text}({', '.join(map(expression, args))})"
        case tree.Over(fn=aggregate, value=value, bars=bars):
            return f"{aggregate}({expression(value)}) OVER {bars} BARS"
        case tree.Since(fn=aggregate, value=value, bars=since):
            return f"{aggregate}({expression(value)}) SINCE {'OPEN' if since is None else f'T-{since}'}"
        case tree.Snapshot(name=name, moment=moment, bars=bars):
            return f"{name.text}@{moment.lower() if bars is None else f'T-{bars}'}"
        case tree.State(group=group, field=field):
            return f"{group}.{field.text}"
        case tree.Position(alias=alias, field=field):
            return f"POSITION.{alias.text}{_dotted(field)}"
        case tree.OpenOrders(alias=alias):
            return f"OPEN_ORDERS.{alias.text}"
        case tree.SequenceField(sequence=sequence, first=first, second=second):
            return f"SEQUENCE.{sequence.text}.{first.text}{_dotted(second)}"
        case tree.Now(field=field):
            return f"NOW{_dotted(field)}"
        case tree.SymbolRef(field=field):
            return f"SYMBOL{_dotted(field)}"
        case tree.EntryQty():
            return "ENTRY_QTY"
        case _:
            return f"({expression(node)})"


def _dotted(field: tree.Ident | None) -> str:
    return f".{field.text}" if field else ""


# ------------------------------------------------------------------------------------------------------------------ values

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"))


def quoted(value: str) -> str:
    return f'"{value.translate(_ESCAPES)}"'


def decimal(value: Decimal) -> str:
    return f"{value:f}"


def duration(ms: int) -> str:
    """In the largest unit that measures it without a rest."""
    size, unit = next((size, unit) for size, unit in _UNITS if ms % size == 0)
    return f"{ms // size}{unit}"


def names(idents: tuple[tree.Ident, ...], separator: str = ", ") -> str:
    return separator.join(ident.text for ident in idents)


def braced(items: Iterable[str]) -> str:
    listed = ", ".join(items)
    return f"{{ {listed} }}" if listed else "{ }"


# ------------------------------------------------------------------------------------------------------------ declarations


def declaration(node: tree.Declaration) -> str:
    match node:
        case tree.Stream(alias=alias, prefix=prefix, symbol=symbol, timeframe=timeframe, warmup=warmup):
            shown = symbol if is_venue_symbol(symbol) else quoted(symbol)
            bars = f" WARMUP {warmup} BARS" if warmup is not None else ""
            return f"{alias.text} = {prefix}:{shown} EVERY {_timeframe(timeframe)}{bars}"
        case tree.Basket(alias=alias, members=members, timeframe=timeframe):
            return f"{alias.text} = BASKET EQUAL_WEIGHT [{names(members)}] EVERY {_timeframe(timeframe)}"
        case tree.EquitySeries(alias=alias, timeframe=timeframe):
            return f"{alias.text} = SERIES ACCOUNT.EQUITY EVERY {_timeframe(timeframe)}"


def _timeframe(node: tree.Ident) -> str:
    """One word where it is read as one: `1h`, but `1 hour`."""
    return (
        node.text if re.fullmatch(r"[0-9]+[smhdw]", node.text) else re.sub(r"(?<=[0-9])(?=[A-Za-z_])", " ", node.text, count=1)
    )


def synchronize(node: tree.Synchronize) -> str:
    return f"SYNCHRONIZE {names(node.members, ' ')}{within(node.within_ms)}"


def within(ms: int | None) -> str:
    return f" WITHIN {duration(ms)}" if ms is not None else ""


def schedule_times(node: tree.ScheduleClause) -> str:
    """The part before THEN."""
    times = ", ".join(_time(time) for time in node.times)
    match node.every:
        case "AT":
            return f"AT {times} {node.zone}"
        case "HOUR":
            return f"EVERY HOUR AT :{node.minute:02}"
        case _:
            return f"EVERY {node.every} AT {times} {node.zone}"


def _time(time: tree.TimeOfDay) -> str:
    minutes, seconds = divmod(time.seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}{f':{seconds:02}' if seconds else ''}"


def run(node: tree.Run) -> str:
    gate = f"WHEN {expression(node.condition)} " if node.condition is not None else ""
    weight = f" WEIGHT {decimal(node.weight)}" if node.weight is not None else ""
    if node.overrides is None:
        return f"{gate}RUN {node.alias.text}{weight}"
    overrides = braced(f"{o.name.text} = {expression(o.value)}" for o in node.overrides)
    return f"{gate}RUN {node.alias.text}{weight} OVERRIDE {overrides}"


# ---------------------------------------------------------------------------------------------------- clauses of an entry


def sizing(node: tree.Sizing) -> str:
    value = expression(node.value)
    book = " OF BOOK" if node.of_book else ""
    match node.form:
        case "position":
            return value
        case "units":
            return _with_its_sign(node.value, value)
        case "money":
            return f"{value} USD"
        case "equity" | "balance":
            return f"{value} PCT OF {node.form.upper()}"
        case "risk":
            return f"RISK {value}{book}"
        case "risk_percent":
            return f"{value} PCT RISK{book}"
        case "risk_money":
            return f"RISK $ {value}"


_HELD = re.compile(r"POSITION\.\w+(\.\w+)?")


def _with_its_sign(node: Expr, text: str) -> str:
    """A size that begins with a position, which in parentheses is an expression to every reader."""
    held = _HELD.match(text)
    if held is None or (isinstance(node, tree.Position) and node.field is not None):
        return text
    return f"({held[0]}){text[held.end() :]}"


def relative(node: tree.Relative) -> str:
    return f"{node.direction} {expression(node.distance)}"


def order_type(node: tree.OrderType) -> str:
    if node.price is None:
        return "MARKET"
    if isinstance(node.price, tree.Relative):
        return f"{node.kind} {relative(node.price)}"
    price = expression(node.price)
    if node.limit is not None:
        return f"STOP AT {price} LIMIT AT {expression(node.limit)}"
    words = {"TRAILING_BY": "TRAILING BY", "TRAILING_PCT": "TRAILING PCT"}
    return f"{words.get(node.kind, f'{node.kind} AT')} {price}"


def tif(node: tree.Tif) -> str:
    return f"GTD UNTIL {expression(node.until)}" if node.until is not None else node.kind


def protective(node: tree.StopLoss | tree.TakeProfit) -> str:
    """What follows STOP LOSS or TAKE PROFIT."""
    match node:
        case tree.Exit(form=form, value=value):
            return f"{form} {expression(value)}"
        case tree.TrailingStop(form=form, value=value):
            return f"{form} {expression(value)}"
        case tree.ArmedTrail(distance=distance, threshold=threshold):
            return f"TRAILING {expression(distance)} AFTER MFE >= {expression(threshold)}"
        case tree.SteppedStop(distance=distance, steps=steps):
            return f"BY {expression(distance)} {' '.join(map(_step, steps))}"
        case tree.TighteningStop(distance=distance, by=by, every_ms=every_ms, floor=floor):
            return f"BY {expression(distance)} TIGHTEN BY {expression(by)} EVERY {duration(every_ms)} FLOOR {expression(floor)}"
        case tree.ScaleOut(legs=legs):
            return braced(f"{decimal(leg.fraction)} {protective(leg.price)}" for leg in legs)


def _step(node: tree.Step) -> str:
    offset = f" + {expression(node.offset)}" if node.offset is not None else ""
    return f"STEP TO BREAKEVEN{offset} AFTER MFE >= {expression(node.threshold)}"


def bracket(node: tree.Bracket) -> list[str]:
    """One or two clauses: a TRAILING_STOP stands outside of the braces."""
    legs = _legs(node)
    outside = [legs.pop(0)] if isinstance(node.stop_loss, tree.TrailingStop) else []
    return [*outside, f"BRACKET {braced(legs)}"] if legs else outside


def _legs(node: tree.Bracket) -> list[str]:
    legs = []
    if node.stop_loss is not None:
        word = "TRAILING_STOP" if isinstance(node.stop_loss, tree.TrailingStop) else "STOP LOSS"
        legs.append(f"{word} {protective(node.stop_loss)}")
    if node.take_profit is not None:
        legs.append(f"TAKE PROFIT {protective(node.take_profit)}")
    return legs


def stack(node: tree.Stack) -> str:
    if isinstance(node.plan, tree.StackSpacing):
        side = f" {node.plan.direction}" if node.plan.direction else ""
        return f"STACK {node.plan.count} SPACING {expression(node.plan.spacing)}{side}{within(node.within_ms)}"
    return f"STACK [{', '.join(map(_layer, node.plan))}]{within(node.within_ms)}"


def _layer(node: tree.StackLayer) -> str:
    size = sizing(node.sizing)
    if node.trigger is None or node.price is None:
        return size
    trigger = "AT" if node.trigger == "AT" else f"{node.trigger} AT"
    limit = f" LIMIT AT {expression(node.limit)}" if node.limit is not None else ""
    return f"{size} {trigger} {expression(node.price)}{limit}"


def stack_at(node: tree.StackAt) -> str:
    recover = f" RECOVER {expression(node.recover)}" if node.recover is not None else ""
    head = f"STACK_AT {node.excursion} >= {expression(node.threshold)}{recover}{within(node.within_ms)}"
    return f"{head} SIZING {sizing(node.sizing)} BRACKET {braced(_legs(node.bracket))}"


# ---------------------------------------------------------------------------------------------------------------- latches


def latch_head(node: tree.Latch) -> str:
    parts = [f"LATCH {node.alias.text} OFFSET {expression(node.offset)}"]
    if node.reference is not None:
        parts.append(f"FROM {expression(node.reference)}")
    if node.arm_ms is not None:
        parts.append(f"ARM {duration(node.arm_ms)}")
    if node.name is not None:
        parts.append(f"AS {node.name.text}")
    if node.confirm is not None:
        parts.append(f"CONFIRM {_confirm(node.confirm)}")
    return " ".join(parts)


def _confirm(node: tree.Confirm) -> str:
    if node.distance is not None:
        return f"{node.kind} {expression(node.distance)}{within(node.within_ms)}"
    return f"{node.kind} {duration(node.within_ms)}" if node.within_ms is not None else node.kind


def latch_entry(node: tree.LatchEntry) -> str:
    parts = ["ENTER"]
    if node.on is not None:
        parts.append(f"ON {node.on.text}")
    parts.append(node.kind)
    if node.price is not None:
        parts.append(relative(node.price))
    legs = (("STOP LOSS", node.stop_loss), ("TAKE PROFIT", node.take_profit))
    if any(leg is not None for _, leg in legs):
        parts.append(f"BRACKET {braced(f'{word} {relative(leg)}' for word, leg in legs if leg is not None)}")
    if node.sizing is not None:
        parts.append(f"SIZING {sizing(node.sizing)}")
    if node.expire_ms is not None:
        parts.append(f"EXPIRE {duration(node.expire_ms)}")
    return " ".join(parts)
