"""Strategies, feeds and operators' commands in, sessions that live out: one process, its state, and the way to speak to it.

The room knows nothing of screens or of how a command line looks.
"""
