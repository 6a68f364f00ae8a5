"""History and a strategy in, a result out: the runner, the replay at two speeds, metrics, the report of a run.

The room must not know what a strategy means or how an order is filled: it only moves time.
"""
