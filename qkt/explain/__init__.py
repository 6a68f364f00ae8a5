"""A run done again, and one of its fills -> why it happened.

A run is a function of its inputs, so whatever was not kept can be seen by doing it again: a back-test from its recipe, a
session from its tape. In goes a `Recording`, out comes an `Explanation`: the rule with the value of every term, the
arithmetic of the size, what risk and the book decided, the life of the order, the fill beside the quote; or a `Scene` of a
`Travel`: the run as it stood after any of its inputs. This room changes nothing of a run and knows neither files of sessions
nor operators.
"""

from qkt.explain.recording import BacktestRecording, Recording
from qkt.explain.scene import Scene
from qkt.explain.story import Explanation, explain
from qkt.explain.travel import Stride, Travel

__all__ = ["BacktestRecording", "Explanation", "Recording", "Scene", "Stride", "Travel", "explain"]
