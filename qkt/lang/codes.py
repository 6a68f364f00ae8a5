"""The codes of everything that can be wrong with a file, in one table."""

from __future__ import annotations

from collections.abc import Iterable

from qkt.lang.diagnostics import Diagnostic
from qkt.lang.tree import Span

CODES: dict[str, str] = {
    # characters
    "QKT0001": "a character that means nothing here",
    "QKT0002": "a comment that does not end",
    "QKT0003": "a text that does not end",
    "QKT0004": "an escape that texts do not know",
    "QKT0005": "a malformed number",
    # grammar
    "QKT0100": "a word or sign that cannot stand here",
    "QKT0101": "a word that was probably meant to be another",
    "QKT0102": "a second block of a kind that a file has once",
    "QKT0103": "SYMBOLS after a block that uses its streams",
    "QKT0104": "a rule outside RULES",
    "QKT0110": "something other than a whole number where one is needed",
    "QKT0111": "a duration of zero",
    "QKT0112": "a duration of more than a century",
    "QKT0120": "a name that stands twice in one block",
    "QKT0121": "a clause that stands twice",
    "QKT0130": "a look-back that is no whole number of bars",
    "QKT0131": "an aggregate that does not take OVER",
    "QKT0132": "a window of the clock whose arguments are not written out or out of range",
    "QKT0133": "a field that POSITION, NOW or EXIT does not have",
    "QKT0140": "a symbol without a name",
    "QKT0141": "a basket of fewer than two streams",
    "QKT0142": "a series that does not exist",
    "QKT0143": "a series with too fine a timeframe",
    "QKT0144": "a time of day that does not exist",
    "QKT0145": "a sequence with too few or too many stages",
    "QKT0150": "SIZING beside a list of STACK layers",
    "QKT0151": "a LOG whose text and fields do not agree",
    "QKT0152": "a leg of OCO_ENTRY that is no entry",
    "QKT0153": "PCT RISK of something other than a plain number above zero",
    "QKT0154": "fractions of a scale-out that do not add up",
    "QKT0155": "an OCO with one leg",
    "QKT0156": "a STACK layer without a price",
    "QKT0157": "a loop without a rule",
    # names
    "QKT0201": "a name that is no LET, PARAM or stream",
    "QKT0202": "a LET, PARAM or loop variable whose name is taken",
    "QKT0203": "a stream that SYMBOLS does not declare",
    "QKT0204": "a field that streams do not have",
    "QKT0205": "a function or indicator that does not exist",
    "QKT0206": "a field that ACCOUNT, POSITION, NOW or another accessor does not have",
    "QKT0207": "LETs that use each other in a circle",
    "QKT0208": "SYMBOL outside DEFAULTS",
    "QKT0209": "a word that has a meaning only inside another clause",
    "QKT0210": "rules without a stream to wake them",
    "QKT0211": "a timeframe that is none",
    "QKT0212": "an import, state or share of a portfolio that does not fit together",
    "QKT0213": "capital and weights of a portfolio that do not fit together",
    "QKT0214": "an import that cannot be read or is no strategy without errors",
    "QKT0215": "an OVERRIDE that the child's PARAM does not take",
    "QKT0216": "a PORTFOLIO where a STRATEGY is needed, or the other way round",
    "QKT0217": "a basket whose members do not fit together",
    "QKT0218": "a group of streams that do not fit together",
    "QKT0219": "a sequence or stage whose name is taken",
    "QKT0220": "a sequence or stage that does not exist",
    # types, functions, indicators
    "QKT0301": "a wrong number of arguments",
    "QKT0302": "a constant of an indicator that is not a plain number",
    "QKT0303": "a constant of an indicator outside its range",
    "QKT0304": "a series of the wrong kind",
    "QKT0305": "a series that mentions no stream",
    "QKT0306": "comparisons in a chain",
    "QKT0307": "a look-back on a value that keeps no past",
    "QKT0308": "a candle or tick stream where a value is needed",
    "QKT0310": "an expression nested too deeply",
    "QKT0311": "a snapshot or aggregate where none is allowed",
    "QKT0312": "a number too large to compute with",
    # orders and actions
    "QKT0401": "an entry without a size",
    "QKT0402": "risk sizing without a stop",
    "QKT0403": "OF BOOK outside a portfolio",
    "QKT0404": "GTD on a market order",
    "QKT0405": "a multiple of risk that has no stop to measure",
    "QKT0406": "a percentage outside its range",
    "QKT0407": "modifiers that exclude each other",
    "QKT0408": "an order on a stream that cannot be traded",
    "QKT0409": "a price relative to an exit outside an exit hook",
    "QKT0410": "a protective price of a kind that its leg does not take",
    "QKT0411": "a distance that is computed where only a plain number can stand",
    "QKT0412": "a distance, threshold or price outside its range",
    "QKT0413": "an action or modifier that cannot stand in this place",
    "QKT0414": "a price, distance or size that is not constant",
    "QKT0415": "a bracket that lacks an exit it needs",
    "QKT0416": "RESIZE of a position whose exits it would leave behind",
    "QKT0417": "an order that a basket does not take",
    # warnings
    "QKT0501": "a LET that nothing uses",
    "QKT0502": "a PARAM that nothing uses",
    "QKT0503": "a stream that nothing uses",
    "QKT0504": "a rule that can never fire",
    "QKT0505": "a protective price on the wrong side of the entry",
    "QKT0506": "an entry that can add to an open position",
    "QKT0507": "something written twice, of which the last counts",
    "QKT0508": "an expression that is always Undefined",
    "QKT0509": "a clause that has no effect beside another",
    # differences from the published engine
    "QKT0601": "a file that means something else in the published engine",
    "QKT0602": "a form that the published parser refuses",
}


class Problems:
    """Collects what is wrong. A place that is checked more than once, as in a loop, is reported once for each code; where the
    parser found an error already, nothing more is said."""

    def __init__(self, found: Iterable[Diagnostic] = ()) -> None:
        self._found: dict[tuple[str, Span], Diagnostic] = {(p.code, p.span): p for p in found}
        self._settled = {p.span for p in self._found.values() if p.severity == "error"}

    def error(self, code: str, span: Span, message: str, hint: str | None = None) -> None:
        self._add(Diagnostic(code, "error", span, message, hint))

    def warning(self, code: str, span: Span, message: str, hint: str | None = None) -> None:
        self._add(Diagnostic(code, "warning", span, message, hint))

    @property
    def failed(self) -> bool:
        return any(p.severity == "error" for p in self._found.values())

    def sorted(self) -> tuple[Diagnostic, ...]:
        return tuple(sorted(self._found.values(), key=lambda p: (p.span.line, p.span.column, p.code)))

    def _add(self, problem: Diagnostic) -> None:
        if problem.span not in self._settled:
            self._found.setdefault((problem.code, problem.span), problem)
