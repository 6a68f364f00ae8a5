from tests.research.market import place, ready

__all__ = ["place", "ready"]
