"""Engines elsewhere: an address or the name of a context in, their control API out, through the pipes of an `ssh` that is run.

`address` and `contexts` say where engines are. `wire` carries many conversations over one pair of pipes, `relay` is its end
beside the engine, `tunnel` the end here, and `line` keeps a tunnel for as long as somebody wants one. Nothing here knows what
is said in a conversation: the control API speaks through it as it does over its own socket.
"""
