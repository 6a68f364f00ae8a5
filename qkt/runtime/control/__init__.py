"""Commands of operators in, answers and frames of what the engine does out: the control API.

`commands`, `answers`, `rows` and `frames` are its words, `engine` the protocol an engine offers, `app` and `serving` carry
them over a socket, and `client` is the other end of it. Nothing here knows how a session works.
"""
