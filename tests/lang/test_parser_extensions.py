"""Each form that the language takes beyond the published parser: what it becomes, and where it ends."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.lang import tree
from qkt.lang.parser import parse

HEADER = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m m = SIM:MNO EVERY 1m\n"


def strategy(body: str, header: str = HEADER) -> tree.Strategy:
    result = parse(header + body)
    assert [p for p in result.problems if p.severity == "error"] == []
    assert isinstance(result.file, tree.Strategy)
    return result.file


def refused(body: str, header: str = HEADER) -> bool:
    return any(p.severity == "error" for p in parse(header + body).problems)


def action(text: str) -> tree.Action:
    rule = strategy(f"RULES WHEN k.close > 0 THEN {text}").rules[0]
    assert isinstance(rule, tree.Rule)
    return rule.actions[0]


def entry(clauses: str) -> tree.Entry:
    made = action(f"BUY k SIZING 1 {clauses}")
    assert isinstance(made, tree.Entry)
    return made


def value(text: str) -> tree.Expr:
    return strategy(f"LET v = {text}").lets[0].value


def no_action(text: str) -> bool:
    return refused(f"RULES WHEN k.close > 0 THEN {text}")


def number(node: object) -> Decimal:
    assert isinstance(node, tree.Number)
    return node.value


# 1
def test_log_info_is_log():
    plain, info = action('LOG "up"'), action('LOG INFO "up"')
    assert isinstance(plain, tree.Log)
    assert isinstance(info, tree.Log)
    assert (plain.level, plain.text) == (info.level, info.text) == ("INFO", "up")
    assert no_action('LOG TRACE "up"')


# 2
def test_blocks_stand_in_any_order_and_repeat():
    made = strategy(
        "RULES WHEN a > 1 THEN CLOSE k LET a = b PARAM p = 1 SCHEDULE AT 07:00 UTC THEN CLOSE k LET b = p "
        "DEFAULTS { SIZING = 1 } "
        "SEQUENCE s ON k { STAGE x: k.close > 1 STAGE y: k.close > 2 } SCHEDULE EVERY HOUR AT :05 THEN CLOSE k "
        "RULES WHEN b > 1 THEN CLOSE k FOR EACH s IN [k] DO WHEN s.close > 1 THEN CLOSE s"
    )
    assert [let.name.text for let in made.lets] == ["a", "b"]
    assert len(made.schedules) == 2
    assert len(made.rules) == 3
    assert made.defaults is not None


def test_defaults_and_symbols_stand_once_and_symbols_first():
    assert refused("DEFAULTS { SIZING = 1 } DEFAULTS { SIZING = 2 }")
    assert refused("SYMBOLS j = SIM:J EVERY 1m")
    assert refused("LET a = 1 SYMBOLS j = SIM:J EVERY 1m", header="STRATEGY t VERSION 1 ")
    strategy("DEFAULTS { SIZING = 1 } SYMBOLS j = SIM:J EVERY 1m", header="STRATEGY t VERSION 1 ")


# 3
def test_a_loop_needs_no_brackets():
    loop = strategy("RULES FOR EACH s IN k, m DO WHEN s.close > 0 THEN CLOSE s").rules[0]
    assert isinstance(loop, tree.ForEach)
    assert [alias.text for alias in loop.aliases] == ["k", "m"]
    assert refused("RULES FOR EACH s IN k m DO WHEN s.close > 0 THEN CLOSE s")
    assert refused("RULES FOR EACH s IN DO WHEN s.close > 0 THEN CLOSE s")


def test_a_loop_is_a_block_of_its_own():
    assert len(strategy("LET a = 1 FOR EACH s IN [k] DO WHEN s.close > 0 THEN CLOSE s").rules) == 1


def test_braces_hold_several_rules():
    loop, plain = strategy(
        "RULES FOR EACH s IN [k] DO { WHEN k.close > 0 THEN CLOSE s WHEN k.open > 0 THEN CLOSE k } "
        "WHEN s.close > 0 THEN CLOSE k"
    ).rules
    assert isinstance(loop, tree.ForEach)
    assert len(loop.rules) == 2
    assert isinstance(plain, tree.Rule)
    assert refused("RULES FOR EACH s IN [k] DO { }")


def test_without_braces_a_further_rule_belongs_to_the_loop_if_it_names_the_variable():
    body = "FOR EACH s IN k, m DO WHEN k.close > 0 THEN CLOSE s WHEN POSITION.s > 0 THEN CLOSE k WHEN k.open > 0 THEN CLOSE k"
    loop, plain = strategy("RULES " + body).rules
    assert isinstance(loop, tree.ForEach)
    assert len(loop.rules) == 2
    assert loop.span.end_column == loop.rules[1].span.end_column
    assert isinstance(plain, tree.Rule)


@pytest.mark.parametrize("declared", ["LET s = k.close", "PARAM s = 1"])
def test_a_variable_with_the_name_of_something_else_claims_no_further_rules(declared):
    body = " RULES FOR EACH s IN k, m DO WHEN s.close > 0 THEN CLOSE s WHEN s > 0 THEN CLOSE k"
    assert len(strategy(declared + body).rules) == 2


# 4
def test_defaults_in_the_spelling_of_the_manual():
    made = strategy(
        "DEFAULTS { sizing = 0.1, stopLoss = 5, takeProfit = RR 2, tif = DAY orderType = LIMIT AT SYMBOL.close }"
    ).defaults
    assert made is not None
    assert isinstance(made.stop_loss, tree.Exit)
    assert made.stop_loss.form == "BY"
    assert isinstance(made.take_profit, tree.Exit)
    assert made.take_profit.form == "RR"
    assert made.tif is not None
    assert made.order_type is not None
    assert isinstance(made.order_type.price, tree.SymbolRef)
    assert made.order_type.price.field is not None
    assert refused("DEFAULTS { sizing 0.1 }")
    assert refused("DEFAULTS { takeProfit = TRAILING 5 AFTER MFE >= 3 }")


# 5
@pytest.mark.parametrize(
    ("clause", "kind"),
    [
        ("LIMIT AT 5", "LIMIT"),
        ("STOP AT 5", "STOP"),
        ("STOP AT 5 LIMIT AT 6", "STOP_LIMIT"),
        ("TRAILING BY 5", "TRAILING_BY"),
        ("TRAILING PCT 5", "TRAILING_PCT"),
    ],
)
def test_order_types_without_order_type(clause, kind):
    bare, full = entry(clause).order_type, entry("ORDER_TYPE = " + clause).order_type
    assert bare is not None
    assert full is not None
    assert bare.kind == full.kind == kind


def test_an_order_type_needs_its_word_before_the_price():
    assert no_action("BUY k SIZING 1 LIMIT 5")


# 6
@pytest.mark.parametrize("clause", ["STOP_LOSS BY 5", "STOP LOSS BY 5", "BRACKET { STOP LOSS BY 5 }", "stop_loss by 5"])
def test_a_stop_alone(clause):
    bracket = entry(clause).bracket
    assert bracket is not None
    assert isinstance(bracket.stop_loss, tree.Exit)
    assert bracket.take_profit is None


def test_bare_legs_join():
    bracket = entry("TAKE PROFIT RR 2 TIF DAY STOP_LOSS AT 5").bracket
    assert bracket is not None
    assert isinstance(bracket.stop_loss, tree.Exit)
    assert isinstance(bracket.take_profit, tree.Exit)
    assert no_action("BUY k SIZING 1 STOP_LOSS 5")
    assert no_action("BUY k SIZING 1 BRACKET { }")


# 7
def test_scale_out():
    bracket = entry("BRACKET { STOP LOSS BY 5, TAKE PROFIT { 0.5 BY 10, 0.3 AT k.close * 1.02, 0.2 RR 3 } }").bracket
    assert bracket is not None
    assert isinstance(bracket.take_profit, tree.ScaleOut)
    assert [str(leg.fraction) for leg in bracket.take_profit.legs] == ["0.5", "0.3", "0.2"]
    assert [leg.price.form for leg in bracket.take_profit.legs] == ["BY", "AT", "RR"]


@pytest.mark.parametrize("legs", ["0.5 BY 10, 0.6 BY 20", "0 BY 10", "", "k.close BY 10", "0.5"])
def test_a_scale_out_of_more_than_all_or_of_nothing_is_refused(legs):
    assert no_action(f"BUY k SIZING 1 TAKE PROFIT {{ {legs} }}")


# 8
@pytest.mark.parametrize("form", ["BY", "PCT"])
def test_trailing_stop(form):
    bracket = entry(f"TRAILING_STOP {form} 2").bracket
    assert bracket is not None
    assert isinstance(bracket.stop_loss, tree.TrailingStop)
    assert bracket.stop_loss.form == form
    assert no_action("BUY k SIZING 1 TRAILING_STOP 2")


# 9
def test_closing_one_stream_and_a_part_of_it():
    for word in ("CLOSE_ALL", "FLATTEN", "CLOSE"):
        closing = action(f"{word} k")
        assert isinstance(closing, tree.Close)
        assert closing.sizing is None
    part = action("CLOSE k SIZING 50 PCT OF EQUITY")
    assert isinstance(part, tree.Close)
    assert part.sizing is not None
    assert isinstance(action("FLATTEN"), tree.CloseAll)
    assert no_action("FLATTEN k, m")


# 10
def test_time_exit():
    assert entry("TIME_EXIT AFTER 2h").time_exit_ms == 7_200_000
    assert no_action("BUY k SIZING 1 TIME_EXIT 2h")
    assert no_action("BUY k SIZING 1 TIME_EXIT AFTER 0m")
    assert no_action("BUY k SIZING 1 TIME_EXIT AFTER 1h TIME_EXIT AFTER 2h")


# 11
def test_weeks():
    made = strategy("LET v = 2w", header="STRATEGY t VERSION 1 SYMBOLS k = SIM:K EVERY 1w ")
    assert made.declarations[0].timeframe.text == "1w"
    assert isinstance(made.lets[0].value, tree.Duration)
    assert made.lets[0].value.ms == 1_209_600_000
    stack = entry("STACK 2 SPACING 2within 1h").stack
    assert stack is not None
    assert stack.within_ms == 3_600_000
    assert refused("LET v = 2weeks")


# 12
def test_null_and_negated_membership():
    assert isinstance(value("NULL"), tree.Null)
    member, window = value("k.close NOT IN [1, 2]"), value("k.close NOT BETWEEN 1 AND 2")
    assert isinstance(member, tree.In)
    assert isinstance(window, tree.Between)
    assert member.negated
    assert window.negated
    branch = value("CASE WHEN k.close > 1 THEN 2 END")
    assert isinstance(branch, tree.Case)
    assert branch.otherwise is None
    assert refused("LET v = k.close NOT > 1")
    assert refused("LET v = CASE END")


# 13
@pytest.mark.parametrize("subject", ["sma(k.close, 4)", "v", "k.close", "max(k.close, 2)"])
def test_look_back(subject):
    back = value(f"{subject}[3]")
    assert isinstance(back, tree.LookBack)
    assert back.bars == 3


@pytest.mark.parametrize("text", ["k.close[1.5]", "k.close[-1]", "k.close[p]", "(k.close + 1)[1]", "k.close[1][2]"])
def test_look_back_takes_a_plain_number_of_bars(text):
    assert refused(f"LET v = {text}")


# 14
@pytest.mark.parametrize("text", ["min(1, 2, 3)", "MAX(1, 2)", "floor(1)", "clamp(1, 2, 3)", "sign(1)"])
def test_functions(text):
    made = value(text)
    assert isinstance(made, tree.Call)
    assert made.name.text == text[: text.index("(")]


def test_min_of_one_value_is_an_aggregate():
    assert isinstance(value("min(k.close) SINCE T-3"), tree.Since)
    assert refused("LET v = min(k.close)")
    assert refused("LET v = min(k.close, 2) SINCE OPEN")


# 15
def test_modulo_and_percent():
    modulo = value("7 % 3")
    assert isinstance(modulo, tree.Arithmetic)
    assert modulo.op == "%"
    for spelling in ("5 % OF EQUITY", "5 %OF EQUITY", "5 % -- of what\n OF EQUITY", "5 PCT OF EQUITY"):
        sized = action(f"BUY k SIZING {spelling}")
        assert isinstance(sized, tree.Entry)
        assert sized.sizing is not None
        assert sized.sizing.form == "equity"
    modulo_sized = action("BUY k SIZING 5 % offset")
    assert isinstance(modulo_sized, tree.Entry)
    assert modulo_sized.sizing is not None
    assert modulo_sized.sizing.form == "units"
    assert refused("LET v = 5 %")


# 16
def test_rolling_windows():
    for text in ("sum(k.close, 5)", "avg(k.close, 5)", "count(k.close > 1, 5)"):
        assert isinstance(value(text), tree.Call)
    for text, fn in (("min(k.low) OVER 5 BARS", "MIN"), ("MAX(k.high) over 5 bars", "MAX")):
        made = value(text)
        assert isinstance(made, tree.Over)
        assert (made.fn, made.bars) == (fn, 5)
    assert refused("LET v = sum(k.close) OVER 5 BARS")
    assert refused("LET v = min(k.close) OVER 0 BARS")


# 17
def test_fields_are_left_to_the_checker():
    assert isinstance(value("k.hlc3 + k.timestamp"), tree.Arithmetic)


# 18
def test_sizing_is_one_expression():
    sized = action("BUY k SIZING POSITION.k * 0.5")
    assert isinstance(sized, tree.Entry)
    assert sized.sizing is not None
    assert isinstance(sized.sizing.value, tree.Arithmetic)
    assert no_action("BUY k SIZING POSITION(k)")


# 19
@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        ("KLM", "KLM"),
        ("NOW", "NOW"),
        ("when", "when"),
        ("1000PEPE", "1000PEPE"),
        ("BRK.B", "BRK.B"),
        ("US500.cash", "US500.cash"),
        ("BTC-USD", "BTC-USD"),
        ("EURUSD_i", "EURUSD_i"),
        ("KLM-- a comment\n", "KLM"),
        ("KLM#not this\n", "KLM"),
        ('"US500.cash"', "US500.cash"),
        ("'EUR USD#'", "EUR USD#"),
    ],
)
def test_symbols(written, symbol):
    stream = strategy("", header=f"STRATEGY t VERSION 1 SYMBOLS x = MT5:{written} EVERY 1m").declarations[0]
    assert isinstance(stream, tree.Stream)
    assert (stream.prefix, stream.symbol) == ("MT5", symbol)


@pytest.mark.parametrize("written", ["-KLM", "''", "K LM", "#KLM", "(KLM)"])
def test_texts_that_are_no_symbols(written):
    assert refused("", header=f"STRATEGY t VERSION 1 SYMBOLS x = MT5:{written} EVERY 1m")


# 20
def test_a_portfolio_has_names():
    result = parse("PORTFOLIO p VERSION 1 PARAM n = 3 IMPORT 'a.qkt' AS a LET x = n RULES WHEN x > 1 RUN a")
    assert result.problems == ()
    assert isinstance(result.file, tree.Portfolio)
    assert len(result.file.lets) == len(result.file.params) == 1
    assert refused("SCHEDULE", header="PORTFOLIO p VERSION 1 ")
    assert refused("DEFAULTS { SIZING = 1 }", header="PORTFOLIO p VERSION 1 ")


# 21
def test_cancelling_protection_too():
    plain, all_of_it = action("CANCEL k"), action("CANCEL k INCLUDING PROTECTION")
    assert isinstance(plain, tree.Cancel)
    assert isinstance(all_of_it, tree.Cancel)
    assert (plain.including_protection, all_of_it.including_protection) == (False, True)
    assert no_action("CANCEL k INCLUDING")


# section 2
def test_the_choices_beside_the_list():
    anchored = strategy("RULES WHEN ON m k.close > 1 THEN CLOSE k").rules[0]
    assert isinstance(anchored, tree.Rule)
    assert anchored.anchor is not None
    assert anchored.anchor.text == "m"
    latch = action("LATCH k OFFSET 5 { ENTER MARKET }")
    assert isinstance(latch, tree.Latch)
    assert latch.arm_ms is None
    both = entry("OCO { LIMIT AT 9, STOP AT 3 }").oco
    assert both is not None
    assert (number(both.stop), number(both.limit)) == (3, 9)
