"""A story and scenes for the screens that show what was recorded."""

from __future__ import annotations

from decimal import Decimal

from qkt.runtime.control.details import ScenePage, ScenePart, Story, Way

STORY = """hedge_straddle, fill 4: BUY 0.1 MT5:XAUUSD at 2411.35
  2026-11-24 11:50:12 UTC, OPEN_LONG, realised 0
  the market stood at bid 2411.12, ask 2411.35; meant to get 2411.3: 0.05
    worse

Order 9975: rule 1 of hedge_straddle

  Rule 1 fired at 2026-11-24 11:23:05 UTC, on the bar that ended at
    2026-11-24 11:23:00
    WHEN atr(gold, 14) > 1.2 AND POSITION.gold = 0 THEN BUY gold SIZING
      0.1 ORDER_TYPE = STOP AT gold.high + 0.2
    atr(gold, 14) > 1.2 AND POSITION.gold = 0  TRUE
      atr(gold, 14) > 1.2                      TRUE
        atr(gold, 14)                          1.34
      POSITION.gold = 0                        TRUE
        POSITION.gold                          0

  Size
    0.1 lots asked for
    0.1 lots ordered

  Life
    2026-11-24 11:23:05  asked for: BUY 0.1 MT5:XAUUSD, stop at 2411.3 (entry)
    2026-11-24 11:23:05  risk lets it pass
    2026-11-24 11:23:05  working at the venue, 0.1 lots
    2026-11-24 11:50:12  filled: 0.1 lots at 2411.35"""

LENGTH = 48_211
FIRST = 1_763_983_385_000
PLACES = {"bar": 812, "fill": 4_120, "rule": 9_034}


def story(session: str) -> Story:
    return Story(run=session, lines=tuple(STORY.splitlines()))


def scene(run: str, way: Way) -> ScenePage:
    """As far as the way leads; a stride is as long as the table above says."""
    start = way.place or 1
    place = min(max(start + way.by * PLACES.get(way.stride, 1), 1), LENGTH)
    parts = (
        ScenePart(title="Happened", lines=("2026-11-24 11:23:05  rule 1 of hedge_straddle fires",)),
        ScenePart(title="Market", lines=("MT5:XAUUSD  bid 2411.12, ask 2411.35",)),
        ScenePart(title="Positions", lines=("BUY 0.1 MT5:XAUUSD at 2411.35 since 2026-11-24 11:50:12, +12.40",)),
        ScenePart(title="Orders", lines=("9976: SELL 0.1 MT5:XAUUSD, stop at 2405.1 (stop)",)),
        ScenePart(
            title="Rule 1 of hedge_straddle, which has fired",
            lines=(
                "WHEN atr(gold, 14) > 1.2 AND POSITION.gold = 0 THEN BUY gold SIZING",
                "  0.1",
                "atr(gold, 14) > 1.2 AND POSITION.gold = 0  FALSE",
                "  atr(gold, 14) > 1.2                      TRUE",
                "    atr(gold, 14)                          1.34",
                "  POSITION.gold = 0                        FALSE",
                "    POSITION.gold                          0.1",
            ),
        ),
    )
    return ScenePage(
        run=run,
        place=place,
        length=LENGTH,
        at=FIRST + place * 250,
        fills=4,
        balance=Decimal("10240.10"),
        equity=Decimal("10252.50"),
        counts={"tick": LENGTH, "bar": 59, "fill": 11, "rule": 5},
        parts=parts,
    )
