"""The terminal as something that may be slow, freeze or vanish, while whoever draws on it must never wait.

Escape sequences and keys in, drawing out. It must not know what is drawn.
"""
