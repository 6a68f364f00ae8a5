"""What all forms are: fields one below the other, and a box that says what is thought of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from tui.screens.dialog import Box, Dialog

R = TypeVar("R")


class Field(NamedTuple):
    """A field by its word; `hint` stands in it while it is empty."""

    id: str
    word: str
    hint: str = ""
    value: str = ""


class Form(Dialog[R]):
    """Tab moves between fields, Enter goes on, Esc leaves. Subclasses say what Enter does."""

    # Whether what is typed first takes the place of what stands in a field, as it does where that is a number.
    REPLACES: ClassVar[bool] = False

    def fields(self) -> Sequence[Field]:
        raise NotImplementedError

    def accept(self) -> None:
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with Vertical(id="form") as frame:
            frame.border_title = self.title_text()
            for field in self.fields():
                with Horizontal(classes="field"):
                    yield Static(f"{field.word} ", classes="word", markup=False)
                    yield Input(field.value, placeholder=field.hint, id=f"field-{field.id}", select_on_focus=self.REPLACES)
                yield from self.below(field.id)
            yield Box(id="box")

    def below(self, field: str) -> ComposeResult:
        """What stands beneath a field."""
        yield from ()

    def on_mount(self) -> None:
        for field in self.query(Input):
            field.cursor_blink = False
        self.query(Input).first().focus()

    def value(self, field: str) -> str:
        return self.query_one(f"#field-{field}", Input).value.strip()

    def put(self, field: str, value: str) -> None:
        self.query_one(f"#field-{field}", Input).value = value

    def on_input_submitted(self) -> None:
        self.accept()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.dismiss(None)

    def on_paste(self, event: events.Paste) -> None:
        """A path or a number may be pasted into a field."""


def parameters(text: str) -> dict[str, str]:
    """`fast=20 slow=50` as a mapping. Raises ValueError with a sentence for anything else."""
    found: dict[str, str] = {}
    for word in text.split():
        name, sign, value = word.partition("=")
        if not sign or not name or not value:
            raise ValueError(f"'{word}' is no parameter; expected NAME=VALUE")
        found[name] = value
    return found


def shown(values: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())
