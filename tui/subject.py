"""What the operator looks at: a session, a symbol, an account. It follows the cursor, and stays between screens."""

from __future__ import annotations

from dataclasses import dataclass

from tui.actions import Focus
from tui.viewmodel import View
from tui.widgets.account_line import ALL


@dataclass
class Subject:
    """`account` is None while the account of the focused row is shown."""

    session: str | None = None
    symbol: str | None = None
    account: str | None = None

    def follow(self, focus: Focus) -> None:
        """Take over what the cursor stands on, as far as it says."""
        if focus.session is not None:
            self.session = focus.session
        if focus.symbol is not None:
            self.symbol = focus.symbol

    def choose(self, session: str) -> None:
        self.session, self.symbol = session, None

    def settle(self, view: View) -> None:
        """Look at something as soon as there is something."""
        if self.session is None and view.tables.strategies:
            self.session = min(view.tables.strategies)

    def step(self, view: View, by: int) -> None:
        """The next session by name."""
        names = sorted(view.tables.strategies)
        if names:
            now = names.index(self.session) if self.session in names else -by
            self.choose(names[(now + by) % len(names)])

    def next_account(self, view: View) -> None:
        names: list[str | None] = [None, *sorted(view.tables.accounts), ALL]
        now = names.index(self.account) if self.account in names else 0
        self.account = names[(now + 1) % len(names)]

    def account_for(self, view: View, focus: Focus) -> str | None:
        """The account that was chosen, else that of the focused row."""
        if self.account is not None:
            return self.account
        if focus.account is not None:
            return focus.account
        row = view.tables.strategies.get(focus.session or "")
        return None if row is None else row.account
