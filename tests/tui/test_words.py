"""Numbers, times, filters, heights and names: what needs no screen to be proven."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.runtime.control.rows import Fidelity
from tests.runtime.control.fake import rested
from tests.tui import samples
from tui import filter as narrowing
from tui import format as fmt
from tui.actions import ACTIONS, BY_ID, rebound
from tui.glyphs import ASCII, UNICODE, bar, suited, trend
from tui.palette import found, of_actions, of_names, of_settings
from tui.placing import Want, heights
from tui.styles.themes import INKS, PALETTES
from tui.table import Context, ordered
from tui.tables.positions import POSITIONS
from tui.tables.strategies import STRATEGIES, state_cell
from tui.viewmodel import View, fold

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


def the_view() -> View:
    view = View()
    for frame in samples.FRAMES:
        view, _ = fold(view, frame)
    return view


@given(amounts)
def test_profit_keeps_its_sign_and_all_its_digits(amount: Decimal) -> None:
    text = fmt.gain(amount)
    assert Decimal(text.replace(",", "")) == amount
    assert text[0] in "+-" or amount == 0


@given(st.decimals(min_value=0, max_value=10**6, places=5))
def test_no_digit_of_a_price_is_cut(price: Decimal) -> None:
    assert Decimal(fmt.price(price, 2)) == price


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0s"), (47_000, "47s"), (840_000, "14m"), (12_000_000, "3h20m"), (273_600_000, "3d04h"), (None, "-"), (-5, "0s")],
)
def test_an_age_stands_in_the_largest_unit_that_says_enough(ms: int | None, text: str) -> None:
    assert fmt.age(ms) == text


@given(st.text(max_size=60))
def test_foreign_text_cannot_command_a_terminal_or_take_two_cells(text: str) -> None:
    from rich.cells import cell_len

    shown = fmt.clean(text)
    assert all(char == " " or char.isprintable() for char in shown)
    assert cell_len(shown) == len(shown)
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("name", "shown"), [("mt5:55120089", "5512..89"), ("paper:ema_cross", "ema_cross"), ("12345", "12345")]
)
def test_an_account_is_recognised_but_not_given_away(name: str, shown: str) -> None:
    assert fmt.account(name) == shown


@given(
    st.integers(0, 80),
    st.lists(st.builds(Want, st.integers(1, 6), st.integers(6, 30), st.booleans()), min_size=1, max_size=8),
)
def test_heights_use_the_whole_room_and_never_more(total: int, wants: list[Want]) -> None:
    given_ = heights(total, wants)
    assert sum(given_) == total
    assert all(height >= 0 for height in given_)
    if total >= sum(want.least for want in wants):
        assert all(height >= want.least for height, want in zip(given_, wants, strict=True))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("hedge", {"hedge_straddle"}),
        ("state:halt", {"us30_fade"}),
        ("pnl<0 !us30", {"momo_gold", "hedge_straddle"}),
        ("day<0", {"momo_gold", "us30_fade"}),
        ("metals !silver", {"metals_book", "metals_book/gold_trend"}),
        ("nothing_is_called_this", set()),
        ("<<>!:", set()),
    ],
)
def test_a_filter_means_what_is_typed(text: str, names: set[str]) -> None:
    view = the_view()
    rows = narrowing.matching(STRATEGIES.rows(view), narrowing.parse(text), STRATEGIES.columns, Context(view))
    assert {row.key for row in rows} == names


@pytest.mark.parametrize("descending", [True, False])
def test_a_session_of_which_the_day_is_not_known_shows_a_hyphen_and_stands_last(descending: bool) -> None:
    known = list(the_view().tables.strategies.values())
    view, _ = fold(the_view(), samples.snapshot(101, strategies=[rested("held"), *known, rested("flat", positions=0)]))
    day = STRATEGIES.column("DAY P&L")
    assert [row.key for row in ordered(STRATEGIES.rows(view), day, descending)][-2:] == ["flat", "held"]
    titles = ("DAY P&L", "OPEN P&L", "DD", "EQUITY", "MAX DD")
    columns = [column for title in titles if (column := STRATEGIES.column(title)) is not None]
    held, flat = (
        [getattr(cell := column.cell(view.tables.strategies[name], Context(view)), "text", cell) for column in columns]
        for name in ("held", "flat")
    )
    assert held == ["-"] * 5
    assert flat == ["-", "0.00", "-", "10,000.00", "-"]
    for text in ("day<0", "day>0", "day=0", "dd=0"):
        rows = narrowing.matching(STRATEGIES.rows(view), narrowing.parse(text), STRATEGIES.columns, Context(view))
        assert not {row.key for row in rows} & {"held", "flat"}
    rows = narrowing.matching(STRATEGIES.rows(view), narrowing.parse("day=-"), STRATEGIES.columns, Context(view))
    assert {row.key for row in rows} == {"held", "flat"}


def test_a_side_can_be_asked_for_among_positions() -> None:
    view = the_view()
    rows = narrowing.matching(POSITIONS.rows(view), narrowing.parse("side:shrt r<0"), POSITIONS.columns, Context(view))
    assert [row.key for row in rows] == ["hedge_straddle:2"]


def test_every_action_has_a_key_of_its_own_and_changing_keys_are_capitals() -> None:
    keys = [key for action in ACTIONS for key in (action.key, *action.aliases)]
    assert len(keys) == len(set(keys))
    for action in ACTIONS:
        assert action.changes == (len(action.key) == 1 and action.key.isupper()), action.id
        if action.id not in ("repaint", "copy_or_leave"):  # conveniences: every terminal's habit, never needed
            assert not action.key.startswith(("ctrl+", "alt+", "f1")), action.id


def test_every_action_can_be_found_in_the_palette() -> None:
    words = {entry.words for entry in of_actions()}
    assert words == {action.title for action in ACTIONS if action.id != "palette"}


def test_keys_of_the_user_may_not_clash() -> None:
    assert rebound({"halt": "ctrl+h"})["halt"].startswith("ctrl+h")
    with pytest.raises(ValueError, match="both"):
        rebound({"halt": "K"})
    with pytest.raises(ValueError, match="no action 'hold'"):
        rebound({"hold": "x"})
    assert set(rebound({})) == set(BY_ID)


def test_the_palette_puts_beginnings_before_scattered_letters() -> None:
    entries = [*of_actions(), *of_names(the_view()), *of_settings(the_view())]
    assert found(entries, "strategy hed")[0].words == "strategy hedge_straddle"
    assert found(entries, "theme p")[0].words == "theme paper"
    assert found(entries, "xau")[0].words == "symbol XAUUSD"
    assert found(entries, "qqqq") == []


@pytest.mark.parametrize("name", sorted(INKS))
def test_every_role_of_a_theme_can_be_read(name: str) -> None:
    from textual.color import Color

    for ground in (PALETTES[name].ground, PALETTES[name].cursor, PALETTES[name].raised):
        for role, style in ground.items():
            if role in ("faint", "cursor"):
                continue
            assert style.color is not None
            assert style.bgcolor is not None
            ink, paper = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
            assert contrast(ink.rgb, paper.rgb) >= 4.5, f"{role} on {paper.hex}"


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Contrast ratio of WCAG 2.1."""

    def luminance(rgb: tuple[int, int, int]) -> float:
        parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_signs_fit_the_encoding_of_the_terminal() -> None:
    assert suited("utf-8") is UNICODE
    assert suited("ascii") is ASCII
    assert suited(None) is ASCII
    assert trend([1, 2, 3], 8, ASCII).isascii()
    assert bar(0.5, 12, ASCII) == "[#####.....]"
    assert len(bar(3, 10, UNICODE)) == 10


def test_a_strategy_whose_recording_comes_to_something_else_says_so_in_the_list() -> None:
    view = the_view()
    row = next(one for one in view.tables.strategies.values() if one.state == "RUN")
    shown = {
        told: state_cell(row.model_copy(update={"fidelity": Fidelity(state=told)}), Context(view))
        for told in ("equal", "differs")
    }
    assert (shown["equal"].text, shown["differs"].text) == ("RUN", "RUN !")
    assert shown["differs"].role == "alarm"
