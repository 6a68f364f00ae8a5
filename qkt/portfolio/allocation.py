"""How risk is divided between the children of a book: mathematics without a book.

Weights are tilts: normalised weights times the number of children, so that dividing evenly gives each of them 1. A child whose
returns have shown no variance yet cannot be measured: it counts 1, and the others divide what is theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

Matrix: TypeAlias = Sequence[Sequence[float]]
Weights: TypeAlias = Callable[[Matrix], list[float]]
"""Weights, not normalised, of children whose variances are positive."""

ERC_ROUNDS = 200


class Covariance:
    """The sample covariance (n - 1) of all observations so far, in one pass (Welford 1962)."""

    def __init__(self, size: int) -> None:
        self.count = 0
        self._means = [0.0] * size
        self._moments = [[0.0] * size for _ in range(size)]

    def add(self, observation: Sequence[float]) -> None:
        self.count += 1
        before = [x - mean for x, mean in zip(observation, self._means, strict=True)]
        self._means = [mean + d / self.count for mean, d in zip(self._means, before, strict=True)]
        after = [x - mean for x, mean in zip(observation, self._means, strict=True)]
        for row, d in zip(self._moments, before, strict=True):
            for column, e in enumerate(after):
                row[column] += d * e

    def matrix(self) -> list[list[float]]:
        """Needs two observations."""
        return [[moment / (self.count - 1) for moment in row] for row in self._moments]


def inverse_volatility(covariance: Matrix) -> list[float]:
    """Tilts in proportion to 1 / sigma."""
    return _tilts(covariance, _inverse_sigmas)


def equal_risk(covariance: Matrix) -> list[float]:
    """Tilts that let every child contribute the same to the variance of the book: w_i (C w)_i is equal for all
    (Maillard, Roncalli and Teiletche 2010).

    Starts at inverse volatility and multiplies 200 times by sqrt(target / contribution). Where a contribution is not positive,
    as among children that hedge each other, there is no such point to go to: inverse volatility stands.
    """
    return _tilts(covariance, _equal_contributions)


def volatility(weights: Sequence[float], covariance: Matrix) -> float:
    """sqrt(w' C w), a sample; 0 for a variance that is not positive."""
    products = _products(weights, covariance)
    return math.sqrt(max(0.0, math.fsum(w * p for w, p in zip(weights, products, strict=True))))


def targeted(weights: Sequence[float], covariance: Matrix, per_year: float, target: float, most: float) -> list[float]:
    """The weights scaled so that the book has the volatility `target` a year, their sum kept at `most`; as they are while the
    book shows no volatility."""
    now = volatility(weights, covariance) * math.sqrt(per_year)
    scaled = [w * target / now for w in weights] if now > 0.0 else list(weights)
    gross = math.fsum(abs(w) for w in scaled)
    return [w * most / gross for w in scaled] if gross > most else scaled


def _tilts(covariance: Matrix, method: Weights) -> list[float]:
    known = [place for place, row in enumerate(covariance) if row[place] > 0.0]
    weights = method([[covariance[i][j] for j in known] for i in known])
    whole = math.fsum(weights)
    tilts = [1.0] * len(covariance)
    for place, weight in zip(known, weights, strict=True):
        tilts[place] = weight / whole * len(known)
    return tilts


def _inverse_sigmas(covariance: Matrix) -> list[float]:
    return [1.0 / math.sqrt(row[place]) for place, row in enumerate(covariance)]


def _equal_contributions(covariance: Matrix) -> list[float]:
    start = weights = _inverse_sigmas(covariance)
    for _ in range(ERC_ROUNDS):
        products = _products(weights, covariance)
        contributions = [w * p for w, p in zip(weights, products, strict=True)]
        if min(contributions, default=0.0) <= 0.0:
            return start
        target = math.fsum(contributions) / len(contributions)
        weights = [w * math.sqrt(target / c) for w, c in zip(weights, contributions, strict=True)]
        whole = math.fsum(weights)
        weights = [w / whole for w in weights]
    return weights


def _products(weights: Sequence[float], covariance: Matrix) -> list[float]:
    return [math.fsum(c * w for c, w in zip(row, weights, strict=True)) for row in covariance]
