"""Pure expressions as Python text.

A number is text with guards that tell whether it is defined. A condition has two texts, one that tells whether it is TRUE
and one whether it is FALSE, so that Undefined needs no value of its own: NOT swaps them, AND and OR combine them. What
keeps a memory was written before, as statements, and stands in local variables.
"""

from __future__ import annotations

from qkt.lang.code import (
    ADD,
    COMPARE,
    FALSE,
    MUL,
    NEG,
    NONE,
    NOT,
    TERNARY,
    TRUE,
    Code,
    Guarded,
    all_of,
    any_of,
    is_defined,
    name,
)
from qkt.lang.emit_clock import clock_field, clock_window
from qkt.lang.emit_compare import Operand, between, compare
from qkt.lang.fields import MAYBE_UNDEFINED
from qkt.lang.frame import Frame
from qkt.lang.keywords import OPPOSITES
from qkt.lang.values import (
    AccountRead,
    Apply,
    AsFlag,
    AsNumber,
    BasketPosition,
    Both,
    Captured,
    Choice,
    Clock,
    ClockWindow,
    Comparison,
    Const,
    Either,
    ExitRead,
    Expression,
    Indicator,
    InstrumentRead,
    Math,
    Member,
    Missing,
    Negative,
    Opposite,
    OrdersRead,
    Past,
    PositionRead,
    Read,
    SequenceRead,
    SinceOpen,
    Type,
    Within,
)

RANKS = {"+": ADD, "-": ADD, "*": MUL, "/": MUL}
BUILTINS = frozenset({"ABS", "MIN", "MAX"})


class Emitter:
    """Writes expressions for one function."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def value(self, value: Expression) -> Code:
        """Text that is None where the value is Undefined."""
        if value.type is Type.NUMBER:
            return self.number(value).or_none()
        if value.type is Type.FLAG:
            return self._flag(value)
        if isinstance(value, Const):
            return _literal(value.value)
        local = self.frame.kept.get(value)
        if local is not None:
            return name(local.name)
        if isinstance(value, Past):
            return name(self.frame.past(value))
        if isinstance(value, ExitRead):
            return Code(f"exit_.{value.attribute}.value")
        assert isinstance(value, Choice)
        return self._chosen(value)

    def _chosen(self, value: Choice) -> Code:
        branches = [(self.true(when), self.value(then)) for when, then in value.branches]
        return self._ternary(branches, self.value(value.otherwise))

    # ------------------------------------------------------------ numbers

    def number(self, value: Expression) -> Guarded:
        """A float."""
        guarded = self.raw_number(value)
        if value.whole and isinstance(value, Clock | OrdersRead | PositionRead | AccountRead | SequenceRead):
            return Guarded(guarded.guards, Code(f"float({guarded.code.text})"))
        return guarded

    def raw_number(self, value: Expression) -> Guarded:
        """A float, or an int where the value is always an integer."""
        local = self.frame.kept.get(value)
        if local is not None:
            return _maybe(local.name) if local.maybe else Guarded((), name(local.name))
        match value:
            case Const(value=known):
                return Guarded((), _literal(known)) if known is not None else Guarded((FALSE,), NONE)
            case Read(alias=alias, field=field):
                return Guarded(*self.frame.field(alias, field))
            case Indicator():
                return _maybe(self.frame.indicator(value))
            case Past():
                return _maybe(self.frame.past(value))
            case InstrumentRead():
                return Guarded((), name(self.frame.module.constant(value)))
            case Negative(value=inner):
                guarded = self.number(inner)
                return Guarded(guarded.guards, Code(f"-{guarded.code.at(NEG)}", NEG))
            case Math():
                return self._math(value)
            case Apply():
                return self._apply(value)
            case PositionRead(alias=alias, attribute=attribute):
                return self._attribute(f"{self.frame.module.position(alias)}.{attribute}", attribute)
            case BasketPosition(members=members):
                listed = ", ".join(f"{self.frame.module.position(member)}.quantity" for member in members)
                return Guarded((), Code(f"common_side({listed})"))
            case Captured():
                return self._named(Code(self.frame.module.captured(value)))
            case SinceOpen():
                return self._named(Code(f"{self.frame.module.since_open(value)}.value"))
            case SequenceRead():
                return Guarded((), self._sequence(value))
            case AccountRead(attribute=attribute):
                return self._attribute(f"account.{attribute}", attribute)
            case OrdersRead(alias=alias):
                return Guarded((), Code(f"open_orders({self.frame.module.symbols[alias]!r})"))
            case ExitRead(attribute=attribute):
                return Guarded((), Code(f"float(exit_.{'side.sign' if attribute == 'direction' else attribute})"))
            case Clock(field=field):
                return Guarded((), clock_field(field, self.frame.instant))
            case AsNumber(value=inner):
                return self._named(Code(f"as_number({self.value(inner).text})"))
            case Choice(branches=branches, otherwise=otherwise):
                return self._choice(branches, otherwise)
            case _:
                raise AssertionError(f"{value!r} is no number")

    def _math(self, value: Math) -> Guarded:
        left, right = self.number(value.left), self.number(value.right)
        guards = (*left.guards, *right.guards)
        if value.op == "%":
            called = self._named(Code(f"{self.frame.module.function('MOD')}({left.code.text}, {right.code.text})"))
            return Guarded((*guards, *called.guards), called.code)
        divisor = right.code
        if value.op == "/" and not (isinstance(value.right, Const) and value.right.value):
            if not divisor.simple:
                given = self.frame.temporary()
                guards, divisor = (*guards, Code(f"({given} := {divisor.text}) != 0.0", COMPARE)), name(given)
            else:
                guards = (*guards, Code(f"{divisor.text} != 0.0", COMPARE))
        rank = RANKS[value.op]
        return Guarded(guards, Code(f"{left.code.at(rank)} {value.op} {divisor.at(rank + 1)}", rank))

    def _apply(self, value: Apply) -> Guarded:
        args = [self.number(arg) for arg in value.args]
        guards = tuple(guard for arg in args for guard in arg.guards)
        listed = ", ".join(arg.code.text for arg in args)
        if value.name in BUILTINS:
            return Guarded(guards, Code(f"{value.name.lower()}({listed})"))
        called = self._named(Code(f"{self.frame.module.function(value.name)}({listed})"))
        return Guarded((*guards, *called.guards), called.code)

    def _attribute(self, text: str, attribute: str) -> Guarded:
        return self._named(Code(text)) if attribute in MAYBE_UNDEFINED else Guarded((), Code(text))

    def _sequence(self, value: SequenceRead) -> Code:
        machine = self.frame.module.sequence(value.sequence)
        match value.field:
            case "price" | "time":
                return Code(f"{machine}.{value.field}s[{value.index}]")
            case _:
                return Code(f"{machine}.{value.field}")

    def _named(self, code: Code) -> Guarded:
        """A value that may be None, kept in a temporary by its guard."""
        given = self.frame.temporary()
        return Guarded((Code(f"({given} := {code.text}) is not None", COMPARE),), name(given))

    def _choice(self, branches: tuple[tuple[Expression, Expression], ...], otherwise: Expression) -> Guarded:
        written = [(self.true(when), self.number(then)) for when, then in branches]
        last = self.number(otherwise)
        text = self._ternary([(when, then.or_none()) for when, then in written], last.or_none())
        if all(not then.guards for _, then in written) and not last.guards:
            return Guarded((), text)
        return self._named(text)

    @staticmethod
    def _ternary(branches: list[tuple[Code, Code]], otherwise: Code) -> Code:
        chain = [f"{then.at(TERNARY + 1)} if {when.at(TERNARY + 1)}" for when, then in branches]
        return Code(" else ".join([*chain, otherwise.at(TERNARY + 1)]), TERNARY)

    # ------------------------------------------------------------ conditions

    def true(self, value: Expression) -> Code:
        """Whether the condition is TRUE."""
        return self._test(value, wanted=True)

    def false(self, value: Expression) -> Code:
        """Whether the condition is FALSE."""
        return self._test(value, wanted=False)

    def _test(self, value: Expression, *, wanted: bool) -> Code:
        local = self.frame.kept.get(value)
        if local is not None:
            if wanted:
                return name(local.name)
            return Code(f"{local.name} is False", COMPARE) if local.maybe else Code(f"not {local.name}", NOT)
        match value:
            case Const(value=known):
                return TRUE if known is wanted else FALSE
            case Opposite(value=inner):
                return self._test(inner, wanted=not wanted)
            case Both(left=left, right=right) | Either(left=left, right=right):
                join = all_of if isinstance(value, Both) is wanted else any_of
                return join((self._test(left, wanted=wanted), self._test(right, wanted=wanted)))
            case Comparison() | Within() | Member() | ClockWindow():
                guarded = self._decided(value, wanted=wanted)
                return all_of((*guarded.guards, guarded.code))
            case Missing(value=inner):
                defined = self._defined(inner)
                return _inverse(defined) if wanted else defined
            case Choice(branches=branches, otherwise=otherwise):
                written = [(self.true(when), self._test(then, wanted=wanted)) for when, then in branches]
                return self._ternary(written, self._test(otherwise, wanted=wanted))
            case AsFlag(value=inner):
                return Code(f"{self.value(inner).at(COMPARE + 1)} is {wanted}", COMPARE)
            case SequenceRead():
                return self._sequence(value) if wanted else _inverse(self._sequence(value))
            case Past():
                return Code(f"{self.frame.past(value)} is {wanted}", COMPARE)
            case _:
                raise AssertionError(f"{value!r} is no condition")

    def _decided(self, value: Comparison | Within | Member | ClockWindow, *, wanted: bool) -> Guarded:
        """What is TRUE or FALSE whenever its numbers are defined."""
        temporary = self.frame.temporary
        match value:
            case Comparison(op=op, left=left, right=right):
                guards, (a, b) = self.operands(left, right)
                return Guarded(guards, compare(op if wanted else OPPOSITES[op], a, b, temporary))
            case Within(value=inner, low=low, high=high):
                guards, (v, lo, hi) = self.operands(inner, low, high)
                code = between(v, lo, hi, temporary)
                return Guarded(guards, code if wanted else _inverse(code))
            case Member():
                guards, code = self._member(value)
                return Guarded(guards, code if wanted else _inverse(code))
            case ClockWindow():
                code = clock_window(value, self.frame.instant)
                return Guarded((), code if wanted else _inverse(code))

    def operands(self, *values: Expression) -> tuple[tuple[Code, ...], list[Operand]]:
        """Guards and numbers to be compared with each other: integers as they are only where all of them are."""
        whole = all(value.whole for value in values)
        guards: list[Code] = []
        found = []
        for value in values:
            guarded = self.raw_number(value) if whole else self.number(value)
            guards.extend(guarded.guards)
            number = value.value if isinstance(value, Const) and isinstance(value.value, float) else None
            code = _literal(int(number)) if whole and number is not None else guarded.code
            found.append(Operand(code, value.whole, number))
        return tuple(guards), found

    def _member(self, value: Member) -> tuple[tuple[Code, ...], Code]:
        if value.value.whole and all(isinstance(m, Const) and m.whole for m in value.members) and value.members:
            guards, (operand, *members) = self.operands(value.value, *value.members)
            listed = ", ".join(member.code.text for member in members)
            return guards, Code(f"{operand.code.at(ADD)} in {{{listed}}}", COMPARE)
        guarded = self.number(value.value)
        named = self._named(guarded.code) if value.members and not guarded.code.simple else Guarded((), guarded.code)
        tests = []
        for member in value.members:
            other = self.number(member)
            equal = compare("=", Operand(named.code), Operand(other.code), self.frame.temporary)
            tests.append(all_of((*other.guards, equal)))
        return (*guarded.guards, *named.guards), any_of(tests)

    def _defined(self, value: Expression) -> Code:
        """Whether a value of any type is not Undefined."""
        if value.type is Type.NUMBER:
            return all_of(self.raw_number(value).guards)
        if value.type is Type.NOTHING:
            return FALSE
        if value.type is Type.FLAG:
            return any_of((self.true(value), self.false(value))) if self.can_be_none(value) else TRUE
        return Code(f"{self.value(value).at(COMPARE + 1)} is not None", COMPARE)

    def _flag(self, value: Expression) -> Code:
        """Text that is True, False or None."""
        if isinstance(value, Const):
            return _literal(value.value)
        local = self.frame.kept.get(value)
        if local is not None:
            return name(local.name)
        if isinstance(value, Past):
            return name(self.frame.past(value))
        if isinstance(value, Comparison | Within | Member | ClockWindow):
            return self._decided(value, wanted=True).or_none()
        if isinstance(value, Choice):
            return self._chosen(value)
        true = self.true(value)
        if not self.can_be_none(value):
            return true
        return Code(f"True if {true.at(TERNARY + 1)} else False if {self.false(value).at(TERNARY + 1)} else None", TERNARY)

    def can_be_none(self, value: Expression) -> bool:
        local = self.frame.kept.get(value)
        if local is not None:
            return local.maybe
        match value:
            case Const(value=known):
                return known is None
            case Opposite(value=inner):
                return self.can_be_none(inner)
            case Both(left=left, right=right) | Either(left=left, right=right):
                return self.can_be_none(left) or self.can_be_none(right)
            case Comparison() | Within() | Member():
                return bool(self._decided(value, wanted=True).guards)
            case Missing() | ClockWindow() | SequenceRead():
                return False
            case _:
                return True


def _maybe(local: str) -> Guarded:
    return Guarded((is_defined(local),), name(local))


def _inverse(code: Code) -> Code:
    if code is TRUE or code is FALSE:
        return FALSE if code is TRUE else TRUE
    if code.rank == NOT:
        return Code(code.text.removeprefix("not "), COMPARE)
    if code.rank == COMPARE and code.text.endswith(" is not None"):
        return Code(code.text.removesuffix(" is not None") + " is None", COMPARE)
    return Code(f"not {code.at(COMPARE)}", NOT)


def _literal(known: float | int | str | None) -> Code:
    text = repr(known)
    return Code(text, NEG if text.startswith("-") else 9, simple=True)
