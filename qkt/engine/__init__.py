"""Puts one session together: a strategy or a portfolio, its books, its order room, its broker and its candles, on a scope.

Ticks flow in through `Session.on_tick`, trades and equity flow out of the books. A back-test, a paper session and a live one
are the same session; only who calls it, the board and the clock differ. Read `assembly.py` first.
"""

from qkt.engine.assembly import Runnable, SessionSettings, assemble
from qkt.engine.board import Board, TickBoard
from qkt.engine.candles import CandleFeed, TickCandles, shortest
from qkt.engine.session import Session
from qkt.engine.stage import Stage

__all__ = [
    "Board",
    "CandleFeed",
    "Runnable",
    "Session",
    "SessionSettings",
    "Stage",
    "TickBoard",
    "TickCandles",
    "assemble",
    "shortest",
]
