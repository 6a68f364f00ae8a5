"""What an engine shows of itself: rows of the control API, read between two events out of sessions that go on living.

`snapshot` gathers all tables; the other files make their rows, one subject each. Nothing in here changes anything, and a row
whose facts did not change is the object of the last look, which is how a frame costs what has changed.
"""
