"""A table with a cursor. Rows keep their places and columns their widths; only what differs is painted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from textual import events
from textual.message import Message

from tui import filter as narrowing
from tui.actions import Focus
from tui.format import clip
from tui.table import Cell, Column, Context, Keyed, Table, kept_order, nested, ordered
from tui.viewmodel import ChangeSet, View
from tui.widgets.pane import Line, Pane

GAP = 2
GUTTER = 2
BETWEEN = " " * GAP
BADGE = "live"
"""The role of a cell that is a word on a colour of its own."""


class Grid(Pane):
    """Rows of one table. `only` narrows them to what the screen is about; `hide` leaves columns out."""

    LEAST = 3
    filters = True

    class Opened(Message):
        """Enter, or a click on the row under the cursor."""

        def __init__(self, grid: Grid, row: Keyed) -> None:
            super().__init__()
            self.grid = grid
            self.row = row

        @property
        def control(self) -> Grid:
            return self.grid

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, grid: Grid) -> None:
            super().__init__()
            self.grid = grid

        @property
        def control(self) -> Grid:
            return self.grid

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Grid.Moved) and message.grid is self.grid

    def __init__(
        self,
        table: Table,
        *,
        id: str,
        title: str | None = None,
        only: Callable[[Keyed], bool] | None = None,
        hide: Sequence[str] = (),
        numbered: bool = True,
        empty: str | None = None,
    ) -> None:
        super().__init__(title or table.title, id=id)
        self.table = table
        self.title_word = title or table.title
        self.rows: list[Keyed] = []
        self.total = 0
        self.cursor: str | None = None
        self.offset_row = 0
        self.column_set = 0
        self._only = only
        self._hide = frozenset(hide)
        self._empty = empty or table.empty
        self._numbered = numbered
        self._sort = table.column(table.order)
        self._descending = table.descending
        self._widths: dict[str, tuple[int, int]] = {}
        self._due = True
        self._second = 0
        self._ages = any(column.live for column in table.columns)
        self._fits: tuple[object, list[Column]] = (None, [])

    # --------------------------------------------------------------------- rows

    def apply(self, view: View, changes: ChangeSet) -> None:
        touched = self._due or any(changes.touches(name) for name in self.table.depends())
        if touched:
            self._gather(view)
        second = view.ts // 1000
        aged = self._ages and second != self._second
        if touched or aged or changes.link or not changes.rows:
            self._second = second
            self.repaint()

    def narrow(self, only: Callable[[Keyed], bool] | None) -> None:
        """Show other rows of the same table."""
        self._only = only
        self.rows = []
        self.cursor = None
        self._due = True

    def renew(self) -> None:
        """Take the rows anew with the next frame: they come from elsewhere than the frames."""
        self._due = True

    def set_filter(self, text: str) -> None:
        self.filter_text = text
        self._gather(self.context.view)
        self.repaint()

    def _gather(self, view: View) -> None:
        self._due = False
        context = self.context
        found = [row for row in self.table.rows(view) if self._only is None or self._only(row)]
        self.total = len(found)
        if self.filter_text:
            found = narrowing.matching(found, narrowing.parse(self.filter_text), self.table.columns, context)
        by_key = {row.key: row for row in found}
        arriving = self._sort is not None and self._sort.arrives
        if not arriving and len(by_key) == len(self.rows) and all(row.key in by_key for row in self.rows):
            self.rows = [by_key[row.key] for row in self.rows]  # only values differ: every row keeps its place
            return
        arranged = self._ordered(found)
        if arriving and self.index == 0:
            self.cursor = None  # whoever looks at the newest goes on doing so
        self.rows = arranged if arriving else kept_order([row.key for row in self.rows], arranged)
        self._keep_cursor()

    def _ordered(self, rows: Sequence[Keyed]) -> list[Keyed]:
        arranged = ordered(rows, self._sort, self._descending)
        return arranged if self.table.parent is None else nested(arranged, self.table.parent)

    def resort(self) -> None:
        self.rows = self._ordered(self.rows)
        self._show_cursor()
        self.repaint()

    @property
    def sorting(self) -> tuple[str, bool]:
        return (self._sort.title if self._sort is not None else "", self._descending)

    def sort_by(self, title: str, descending: bool) -> None:
        self._sort, self._descending = self.table.column(title), descending
        self.resort()

    def sort_step(self, step: int) -> None:
        """Sort by the column to the left or right of the one that sorts now."""
        sortable = [column for column in self._columns(self.size.width) if column.sort is not None]
        if not sortable:
            return
        names = [column.title for column in sortable]
        now = names.index(self._sort.title) if self._sort is not None and self._sort.title in names else -step
        self._sort = sortable[(now + step) % len(sortable)]
        self.resort()

    def reverse(self) -> None:
        self._descending = not self._descending
        self.resort()

    def next_columns(self) -> None:
        """The columns that did not fit, and back."""
        self.column_set = 1 - self.column_set
        self.repaint()

    # ------------------------------------------------------------------- cursor

    @property
    def current(self) -> Keyed | None:
        return next((row for row in self.rows if row.key == self.cursor), None)

    @property
    def index(self) -> int:
        return next((i for i, row in enumerate(self.rows) if row.key == self.cursor), 0)

    def move(self, step: int) -> None:
        self.go(self.index + step)

    def go(self, index: int) -> None:
        if not self.rows:
            return
        self.cursor = self.rows[min(max(index, 0), len(self.rows) - 1)].key
        self._show_cursor()
        self.repaint()
        self.post_message(self.Moved(self))

    def _keep_cursor(self) -> None:
        keys = [row.key for row in self.rows]
        if self.cursor not in keys:
            self.cursor = keys[0] if keys else None
        self._show_cursor()

    def _show_cursor(self) -> None:
        page = max(self.size.height - 2, 1)
        index = self.index
        if index < self.offset_row:
            self.offset_row = index
        elif index >= self.offset_row + page:
            self.offset_row = index - page + 1
        self.offset_row = max(min(self.offset_row, len(self.rows) - page), 0)

    def key_move(self, key: str) -> bool:
        """Whether the key moved the cursor."""
        page = max(self.size.height - 3, 1)
        last = len(self.rows)
        steps = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -page, "pagedown": page, "home": -last, "end": last}
        if key not in steps:
            return False
        self.move(steps[key])
        return True

    def on_key(self, event: events.Key) -> None:
        if self.key_move(event.key):
            event.stop()

    def on_click(self, event: events.Click) -> None:
        if event.y == 1:
            self._sort_at(event.x)
            return
        index = self.offset_row + event.y - 2
        if not 0 <= index < len(self.rows):
            return
        if self.rows[index].key == self.cursor and self.has_focus and event.chain > 1:
            self.open_row()
        self.go(index)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.move(3)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.move(-3)
        event.stop()

    def open_row(self) -> None:
        row = self.current
        if row is not None:
            self.post_message(self.Opened(self, row))

    def _sort_at(self, x: int) -> None:
        at = GUTTER
        for column in self._columns(self.size.width):
            width = self._width(column)
            if at <= x < at + width + GAP and column.sort is not None:
                if self._sort is column:
                    self._descending = not self._descending
                self._sort = column
                self.resort()
                return
            at += width + GAP

    def focus_of(self) -> Focus:
        row = self.current
        if row is None:
            return Focus()
        name = self.table.name
        values = {slot: getattr(row, slot, None) for slot in ("session", "symbol", "account", "run") if hasattr(row, slot)}
        if name in ("strategies", "portfolio"):
            values["session"] = row.key
        if name in ("positions", "orders"):
            values["position" if name == "positions" else "order"] = row.key
        if name == "halts" and getattr(row, "scope", "") in self.context.view.tables.strategies:
            values["session"] = getattr(row, "scope", None)
        if name == "alerts":
            values["alert"] = row.key
        return Focus(**values)

    def copied(self) -> str:
        row = self.current
        if row is None:
            return ""
        return "\t".join(_cell(column, row, self.context).text.strip() for column in self.table.columns if column.title)

    # ----------------------------------------------------------------- painting

    def rows_wanted(self) -> int:
        return 1 + max(len(self.rows), 1)

    def on_resize(self) -> None:
        self._widths = {}
        self._show_cursor()

    def body(self, width: int, height: int) -> list[Line]:
        self._entitle()
        if self.context.view.state is None and not self.rows:
            return [[Cell("  waiting for data", "dim")]]
        if not self.rows:
            what = f"Nothing matches '{self.filter_text}'. Esc shows all." if self.filter_text else self._empty
            return [[Cell(clip(f"  {what}", width), "dim")]]
        page = max(height - 1, 1)
        shown = self.rows[self.offset_row : self.offset_row + page]
        columns = self._columns(width)
        context = self.context
        cells = [[_cell(column, row, context) for row in shown] for column in columns]
        texts, widths = self._measure(columns, cells)
        while len(columns) > 1 and sum(widths) + GAP * (len(columns) - 1) + GUTTER > width:
            gone = max(range(len(columns)), key=lambda i: (columns[i].rank, i))
            if columns[gone].rank == 0:
                break
            columns, cells, texts, widths = ([*one[:gone], *one[gone + 1 :]] for one in (columns, cells, texts, widths))
        widths = _stretched(columns, widths, texts, width)
        fitted = [_padded(column, column_texts, w) for column, column_texts, w in zip(columns, texts, widths, strict=True)]
        roles = [[cell.role for cell in column_cells] for column_cells in cells]
        rows = zip(shown, zip(*fitted, strict=True), zip(*roles, strict=True), strict=True)
        return [self._head(columns, widths), *(self._row(row, words, kinds, width) for row, words, kinds in rows)]

    def _entitle(self) -> None:
        count = ""
        if self._numbered and self.rows:
            count = f" {len(self.rows)} of {self.total}" if self.filter_text else f" {len(self.rows)}"
        self.heading = self.title_word + count + (f"  /{self.filter_text}" if self.filter_text else "")
        note = self.table.note(self.rows, self.context)
        hidden = len(self.rows) - max(self.size.height - 2, 0)
        more = f"{hidden} more" if hidden > 0 else ""
        self.note = "   ".join(part for part in (note, more) if part)

    def _columns(self, width: int) -> list[Column]:
        """The columns of this column set that fit. `w` brings those that did not."""
        asked = (width, self.column_set, tuple(self._widths.values()))
        if self._fits[0] != asked:
            self._fits = (asked, self._offered(width))
        return self._fits[1]

    def _offered(self, width: int) -> list[Column]:
        offered = [column for column in self.table.columns if column.title not in self._hide]
        fitting = self._fitted(offered, width)
        rest = [column for column in offered if column not in fitting]
        if not self.column_set or not rest:
            self.column_set = 0
            return fitting
        return self._fitted([offered[0], *rest], width)

    def _fitted(self, offered: Sequence[Column], width: int) -> list[Column]:
        columns = list(offered)
        while len(columns) > 1 and GUTTER + sum(self._width(c) for c in columns) + GAP * (len(columns) - 1) > width:
            gone = max(columns, key=lambda column: (column.rank, offered.index(column)))
            if gone.rank == 0:
                break
            columns.remove(gone)
        return columns

    def _width(self, column: Column) -> int:
        known = self._widths.get(column.title)
        return max(column.width, len(column.title)) if known is None else known[0]

    def _measure(self, columns: Sequence[Column], cells: Sequence[Sequence[Cell]]) -> tuple[list[list[str]], list[int]]:
        """Texts of each column, points beneath each other, and its width, which never shrinks while the size stays."""
        texts: list[list[str]] = []
        widths: list[int] = []
        for column, column_cells in zip(columns, cells, strict=True):
            width, behind = self._widths.get(column.title, (max(column.width, len(column.title)), 0))
            words = [cell.text for cell in column_cells]
            if column.point:
                after = [_behind(text) for text in words]
                behind = max(behind, *after)
                words = [text + " " * (behind - own) if own < behind else text for text, own in zip(words, after, strict=True)]
            if not column.stretch:
                width = max(width, *map(len, words))
            if column.most is not None:
                width = min(width, max(column.most, column.width))
            self._widths[column.title] = (width, behind)
            texts.append(words)
            widths.append(width)
        return texts, widths

    def _head(self, columns: Sequence[Column], widths: Sequence[int]) -> Line:
        line = [Cell(" " * GUTTER)]
        for column, width in zip(columns, widths, strict=True):
            text = column.title.rjust(width) if column.right else column.title.ljust(width)
            line += [Cell(text, "title" if column is self._sort else "head"), Cell(BETWEEN)]
        return line[:-1]

    def _row(self, row: Keyed, words: Sequence[str], roles: Sequence[str], total: int) -> Line:
        context = self.context
        sign = self.table.mark(row, context) or " "
        whole = self.table.role(row, context)
        if whole is not None:
            roles = [whole] * len(roles)
        if row.key != self.cursor or not self.has_focus:
            return [Cell(f"{sign} ", "warn"), *_dressed(words, roles, "")]
        line = [Cell(f"{context.glyphs.cursor}{sign}", "accent>"), *_dressed(words, roles, ">")]
        used = sum(len(cell.text) for cell in line)
        return line if used >= total else [*line, Cell(" " * (total - used), "text>")]


def _stretched(columns: Sequence[Column], widths: Sequence[int], texts: Sequence[Sequence[str]], total: int) -> list[int]:
    """The widths with what is left given to columns that stretch, as far as their words need it."""
    found = list(widths)
    left = total - GUTTER - sum(widths) - GAP * (len(columns) - 1)
    for i, column in enumerate(columns):
        if column.stretch and left > 0:
            more = min(max(max(map(len, texts[i])) - found[i], 0), left)
            found[i] += more
            left -= more
    return found


def _dressed(words: Sequence[str], roles: Sequence[str], cursor: str) -> Iterable[Cell]:
    """The cells of a row. A badge ends with its word, the gap behind it has no colour of its own."""
    if not cursor and BADGE not in roles:  # most rows: nothing is to be looked at cell by cell
        return map(Cell, words, roles)
    return _marked(words, roles, cursor)


def _marked(words: Sequence[str], roles: Sequence[str], cursor: str) -> Iterator[Cell]:
    for word, role in zip(words, roles, strict=True):
        if role == BADGE:
            end = len(word.rstrip()) + 1
            yield Cell(word[:end], f"{role}{cursor}")
            yield Cell(word[end:], f"text{cursor}")
        else:
            yield Cell(word, f"{role}{cursor}")


def _cell(column: Column, row: Keyed, context: Context) -> Cell:
    found = column.cell(row, context)
    return Cell(found) if isinstance(found, str) else found


def _behind(text: str) -> int:
    """How much stands behind the last digit before the point."""
    _, point, part = text.rpartition(".")
    return len(part) + 1 if point else 0


def _padded(column: Column, texts: Sequence[str], width: int) -> list[str]:
    """The texts of a column in its width, with the gap to the next."""
    if column.most is not None or column.stretch:
        texts = [clip(text, width) for text in texts]
    if column.right:
        return [text.rjust(width) + BETWEEN for text in texts]
    return [text.ljust(width + GAP) for text in texts]


def cells_of(rows: Iterable[Keyed], table: Table, context: Context) -> list[list[str]]:
    """All rows as text, for export."""
    return [[_cell(column, row, context).text.strip() for column in table.columns] for row in rows]
