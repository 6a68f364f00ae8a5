"""A tour that needs nothing: an invented market that runs faster than the world's, and strategies to watch on it.

In flows nothing but a speed; out flow a market, its history and the paths of strategy files. It must not know what runs them.
"""

from qkt.demo.market import INSTRUMENTS, SPEED, SYMBOLS, DemoMarket, strategy_folder

__all__ = ["INSTRUMENTS", "SPEED", "SYMBOLS", "DemoMarket", "strategy_folder"]
