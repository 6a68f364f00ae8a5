"""A file for each code, and the page that shows them: `python -m tests.lang.code_examples` writes it."""

from __future__ import annotations

from pathlib import Path

from qkt.lang.codes import CODES

PAGE = Path(__file__).parents[2] / "docs" / "language" / "errors.md"
PREAMBLE = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\n"
WHEN = "RULES WHEN k.close > 1 "
THEN = WHEN + "THEN "
CHILD = 'PORTFOLIO p VERSION 1\nIMPORT "child.qkt" AS a\n'
BESIDE = {"child.qkt": PREAMBLE + "PARAM n = 1\n" + WHEN + "AND n > 0 THEN CLOSE k\n", "broken.qkt": "STRATEGY"}

# Files that begin with STRATEGY or PORTFOLIO are whole; others follow the two lines of PREAMBLE.
EXAMPLES: dict[str, str] = {
    "QKT0001": "RULES WHEN k.close ~ 1 THEN CLOSE k",
    "QKT0002": "/* the end is missing",
    "QKT0003": THEN + 'LOG "half a text',
    "QKT0004": THEN + 'LOG "C:\\data"',
    "QKT0005": "RULES WHEN k.close > 1e THEN CLOSE k",
    "QKT0100": "RULES WHEN k.close > THEN CLOSE k",
    "QKT0101": "STRATEGIE t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m",
    "QKT0102": "DEFAULTS { SIZING = 1 }\nDEFAULTS { TIF = DAY }",
    "QKT0103": "STRATEGY t VERSION 1\nRULES WHEN k.close > 1 THEN CLOSE k\nSYMBOLS k = SIM:KLM EVERY 1m",
    "QKT0104": "WHEN k.close > 1 THEN CLOSE k",
    "QKT0110": "STRATEGY t VERSION 1.5\nSYMBOLS k = SIM:KLM EVERY 1m",
    "QKT0111": THEN + "BUY k SIZING 1 TIME_EXIT AFTER 0m",
    "QKT0112": THEN + "BUY k SIZING 1 TIME_EXIT AFTER 40000d",
    "QKT0120": CHILD + "RULES RUN a OVERRIDE { n = 1, n = 2 }",
    "QKT0121": THEN + "BUY k SIZING 1 ON_STOP { CLOSE k } ON_STOP { CLOSE k }",
    "QKT0130": "RULES WHEN k.close > k.close[0.5] THEN CLOSE k",
    "QKT0131": "RULES WHEN mean(k.close) OVER 5 BARS > 1 THEN CLOSE k",
    "QKT0132": "RULES WHEN SESSION_WINDOW(8, 0, 25, 0) THEN CLOSE k",
    "QKT0133": "RULES WHEN NOW.hour > 8 THEN CLOSE k",
    "QKT0140": 'STRATEGY t VERSION 1\nSYMBOLS k = SIM:"" EVERY 1m',
    "QKT0141": "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, g = BASKET EQUAL_WEIGHT [k] EVERY 1m",
    "QKT0142": "STRATEGY t VERSION 1\nSYMBOLS q = SERIES ACCOUNT.BALANCE EVERY 1h",
    "QKT0143": "STRATEGY t VERSION 1\nSYMBOLS q = SERIES ACCOUNT.EQUITY EVERY 10s",
    "QKT0144": "SCHEDULE EVERY DAY AT 24:30 UTC THEN CLOSE k",
    "QKT0145": "SEQUENCE s ON k { STAGE only: k.close > 1 }",
    "QKT0150": THEN + "BUY k SIZING 1 STACK [1, 1 AT entry + 1]",
    "QKT0151": THEN + 'LOG "price is {price}"',
    "QKT0152": THEN + "OCO_ENTRY { BUY k SIZING 1 STOP AT 9, CLOSE k }",
    "QKT0153": "LET r = 1\n" + THEN + "BUY k SIZING r PCT RISK STOP LOSS BY 1",
    "QKT0154": THEN + "BUY k SIZING 1 TAKE PROFIT { 0.7 BY 1, 0.7 BY 2 }",
    "QKT0155": THEN + "BUY k SIZING 1 OCO { STOP AT 5 }",
    "QKT0156": THEN + "BUY k STACK [1, 2]",
    "QKT0157": "RULES FOR EACH s IN [k] DO { }",
    "QKT0201": "RULES WHEN fast > 1 THEN CLOSE k",
    "QKT0202": "LET a = 1, a = 2",
    "QKT0203": "RULES WHEN kk.close > 1 THEN CLOSE k",
    "QKT0204": "RULES WHEN k.clsoe > 1 THEN CLOSE k",
    "QKT0205": "RULES WHEN emma(k.close, 9) > 1 THEN CLOSE k",
    "QKT0206": "RULES WHEN ACCOUNT.equty > 1 THEN CLOSE k",
    "QKT0207": "LET a = b, b = a",
    "QKT0208": "RULES WHEN SYMBOL.close > 1 THEN CLOSE k",
    "QKT0209": THEN + "BUY k SIZING EXIT.qty",
    "QKT0210": "STRATEGY t VERSION 1\nRULES WHEN TRUE THEN CLOSE_ALL",
    "QKT0211": "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1H",
    "QKT0212": 'PORTFOLIO p VERSION 1\nIMPORT "child.qkt" AS a\nRULES RUN b',
    "QKT0213": 'PORTFOLIO p VERSION 1\nIMPORT "child.qkt" AS a\nRULES RUN a WEIGHT 0.5',
    "QKT0214": 'PORTFOLIO p VERSION 1\nIMPORT "broken.qkt" AS a\nRULES RUN a',
    "QKT0215": CHILD + 'RULES RUN a OVERRIDE { n = "one" }',
    "QKT0216": CHILD + "RULES RUN a",
    "QKT0217": (
        "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, m = SIM:MNO EVERY 5m, g = BASKET EQUAL_WEIGHT [k, m] EVERY 1m"
    ),
    "QKT0218": "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, m = SIM:MNO EVERY 5m SYNCHRONIZE k m",
    "QKT0219": "SEQUENCE s ON k { STAGE a: k.close > 1 STAGE a: k.close < 1 }",
    "QKT0220": "RULES WHEN SEQUENCE.s.complete THEN CLOSE k",
    "QKT0301": "RULES WHEN ema(k.close) > 1 THEN CLOSE k",
    "QKT0302": "RULES WHEN ema(k.close, 2 + 1) > 1 THEN CLOSE k",
    "QKT0303": "RULES WHEN ema(k.close, 0) > 1 THEN CLOSE k",
    "QKT0304": "RULES WHEN atr(k.close, 14) > 1 THEN CLOSE k",
    "QKT0305": "RULES WHEN ema(ACCOUNT.equity, 9) > 1 THEN CLOSE k",
    "QKT0306": "RULES WHEN 1 < k.close < 5 THEN CLOSE k",
    "QKT0307": "RULES WHEN k.bid[1] > 1 THEN CLOSE k",
    "QKT0308": "RULES WHEN k > 1 THEN CLOSE k",
    "QKT0310": "LET deep = " + "NOT " * 3_000 + "TRUE\nRULES WHEN deep THEN CLOSE k",
    "QKT0311": "LET px = k.close\n" + "RULES WHEN ema(px@buy + k.close, 3) > 1 THEN CLOSE k",
    "QKT0312": "RULES WHEN k.close > 1e999 THEN CLOSE k",
    "QKT0401": THEN + "BUY k",
    "QKT0402": THEN + "BUY k SIZING 1 PCT RISK",
    "QKT0403": THEN + "BUY k SIZING RISK 0.01 OF BOOK STOP LOSS BY 1",
    "QKT0404": THEN + "BUY k SIZING 1 TIF GTD UNTIL NOW + 2h",
    "QKT0405": THEN + "BUY k SIZING 1 TAKE PROFIT RR 2",
    "QKT0406": THEN + "BUY k SIZING 1 STOP LOSS PCT 60",
    "QKT0407": THEN + "BUY k SIZING 1 STOP LOSS BY 1 OCO { STOP AT 1, LIMIT AT 9 }",
    "QKT0408": "STRATEGY t VERSION 1\nSYMBOLS q = MACRO:RATE EVERY 1d\nRULES WHEN q.value > 1 THEN BUY q SIZING 1",
    "QKT0409": THEN + "BUY k SIZING 1 LIMIT WITH 2",
    "QKT0410": THEN + "BUY k SIZING 1 STOP LOSS RR 2",
    "QKT0411": "RULES WHEN POSITION.k = 0 THEN BUY k SIZING 1 STOP LOSS TRAILING 2 * 2 AFTER MFE >= 1",
    "QKT0412": "RULES WHEN POSITION.k = 0 THEN BUY k SIZING 1 STOP LOSS TRAILING 0 AFTER MFE >= 1",
    "QKT0413": THEN + "BUY k SIZING 1 ON_TP { CANCEL k }",
    "QKT0414": THEN + "BUY k SIZING 1 STACK_AT MFE >= k.close WITHIN 9m SIZING 1 BRACKET { STOP LOSS BY 1, TAKE PROFIT BY 2 }",
    "QKT0415": THEN + "LATCH k OFFSET 1 { ENTER MARKET BRACKET { STOP LOSS AGAINST 1 } }",
    "QKT0416": "RULES WHEN POSITION.k = 0 THEN BUY k SIZING 1 STOP LOSS BY 1\nWHEN k.close > 2 THEN RESIZE k TO 3",
    "QKT0417": (
        "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, m = SIM:MNO EVERY 1m, g = BASKET EQUAL_WEIGHT [k, m] EVERY 1m\n"
        "RULES WHEN g.close > 1 THEN LATCH g OFFSET 1 { ENTER MARKET }"
    ),
    "QKT0501": "LET a = 1\n" + THEN + "CLOSE k",
    "QKT0502": "PARAM p = 1\n" + THEN + "CLOSE k",
    "QKT0503": "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, m = SIM:MNO EVERY 1m\n" + THEN + "CLOSE k",
    "QKT0504": "RULES WHEN k.close > 1 AND FALSE THEN CLOSE k",
    "QKT0505": "RULES WHEN POSITION.k = 0 THEN BUY k SIZING 1 STOP LOSS AT k.close + 5",
    "QKT0506": THEN + "BUY k SIZING 1",
    "QKT0507": THEN + "BUY k SIZING 1 SIZING 2",
    "QKT0508": "RULES WHEN k.close > TRUE THEN CLOSE k",
    "QKT0509": THEN + "BUY k SIZING 1 LIMIT AT 5 STACK 3 SPACING 1",
    "QKT0601": "RULES WHEN POSITION.k = 0 THEN BUY k SIZING 1 OCO { STOP AT 1, LIMIT AT 9 }",
    "QKT0602": "RULES WHEN k.close NOT IN [1, 2] THEN CLOSE k",
}
PUBLISHED_ONLY = {"QKT0602"}


def source_of(code: str) -> str:
    """The whole file of a code."""
    text = EXAMPLES[code]
    return text if text.startswith(("STRATEGY", "PORTFOLIO", "STRATEGIE")) else PREAMBLE + text


_GROUPS = {
    "QKT00": "Characters",
    "QKT01": "Grammar",
    "QKT02": "Names",
    "QKT03": "Types, functions and indicators",
    "QKT04": "Orders and actions",
    "QKT05": "Warnings",
    "QKT06": "Differences from the published engine",
}
_INTRO = """# Error codes

Every problem that `qkt check` reports has a code that does not change. QKT0501 to QKT0509 and QKT0601 are warnings, all
others errors; `--published` makes the differences errors too. QKT0216 comes from commands that need the other kind of file. The
examples follow these two lines unless they are whole files:

```text
STRATEGY t VERSION 1
SYMBOLS k = SIM:KLM EVERY 1m
```
"""
_LONG = 400


def page() -> str:
    """The page of all codes, each with an example."""
    parts = [_INTRO]
    group = ""
    for code, meaning in CODES.items():
        if code[:5] != group:
            group = code[:5]
            parts.append(f"\n## {_GROUPS[group]}\n")
        text = EXAMPLES[code]
        shown = f"```qkt {code}\n{text}\n```" if len(text) < _LONG else "Thousands of NOTs in front of each other."
        parts.append(f"\n### {code}: {meaning}\n\n{shown}\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
