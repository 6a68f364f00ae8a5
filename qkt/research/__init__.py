"""A result-making job and a space of its parameters in, tables out: sweeps, walk-forward, Monte Carlo.

The room repeats what `qkt.backtest` does once, on the cores of this machine or of a cluster. It must not know of live sessions,
of how an order is filled, or of how its tables are shown.
"""
