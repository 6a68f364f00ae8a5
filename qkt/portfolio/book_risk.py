"""The risk of the book as a whole, sampled at closes of one of its streams: the drawdown ladder, the children's weights."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from qkt.core.bus import Scope
from qkt.core.numbers import ONE, ZERO, to_decimal
from qkt.ledger import Books
from qkt.portfolio.allocation import Covariance, equal_risk, inverse_volatility, targeted
from qkt.portfolio.events import BookRiskChanged
from qkt.portfolio.ladder import DrawdownLadder
from qkt.portfolio.portfolio import Portfolio
from qkt.portfolio.settings import Method

TILTS: dict[Method, Callable[[list[list[float]]], list[float]]] = {
    Method.INVERSE_VOL: inverse_volatility,
    Method.ERC: equal_risk,
}


class BookRisk:
    """Of a portfolio with capital. `weights` are the children's by id, 1 until two returns of the book are known.

    `shares` are what the regime leaves of each child, where regimes allocate; a volatility target scales them with all else.
    """

    def __init__(self, scope: Scope, portfolio: Portfolio, capital: Decimal, books: Books, per_year: float) -> None:
        self._scope = scope
        self._portfolio = portfolio
        self._capital = float(capital)
        self._base = capital
        self._books = books
        self._per_year = per_year
        self._settings = portfolio.book
        self._covariance = Covariance(len(portfolio.children))
        self._before: list[float] | None = None
        self._samples = 0
        self.ladder = DrawdownLadder(capital, portfolio.book.ladder)
        self.weights: dict[str, Decimal] = {child.id: ONE for child in portfolio.children}

    def sample(self) -> None:
        """Take the book as it stands. What changes by that is told."""
        old = self.ladder.factor, dict(self.weights)
        self.ladder.sample(self.equity())
        if self._settings.weighs:
            self._observe()
        if (self.ladder.factor, self.weights) != old:
            self._tell()

    def equity(self) -> Decimal:
        """The capital plus realized and open profit of all children (account currency)."""
        realized = sum((book.realized for book in self._books.strategies.values()), ZERO)
        return self._base + realized + self._books.unrealized()

    def _observe(self) -> None:
        profits = [self._books.equity_f(book) - float(book.starting) for book in self._books.strategies.values()]
        if self._before is not None:
            self._covariance.add([(now - then) / self._capital for now, then in zip(profits, self._before, strict=True)])
        self._before = profits
        self._samples += 1
        if self._covariance.count >= 2 and self._samples % max(1, self._settings.rebalance_every_bars) == 0:
            self._weigh()

    def _weigh(self) -> None:
        covariance = self._covariance.matrix()
        method = TILTS.get(self._portfolio.method)
        weights = [1.0] * len(covariance) if method is None else method(covariance)
        target = self._settings.target_vol
        if target is not None:
            shares = [self._share(child.alias) for child in self._portfolio.children]
            held = [w * share for w, share in zip(weights, shares, strict=True)]
            scaled = targeted(held, covariance, self._per_year, target, self._settings.max_leverage)
            weights = [s / share if share else 0.0 for s, share in zip(scaled, shares, strict=True)]
        self.weights = {child.id: to_decimal(w) for child, w in zip(self._portfolio.children, weights, strict=True)}

    def _share(self, alias: str) -> float:
        return float(self._portfolio.compiled.share(alias))

    def _tell(self) -> None:
        ladder = self.ladder
        self._scope.publish(
            BookRiskChanged(
                self._portfolio.name,
                ladder.equity,
                ladder.peak,
                ladder.drawdown,
                ladder.factor,
                self._portfolio.method.value,
                tuple(self.weights.items()),
            )
        )
