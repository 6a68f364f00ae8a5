"""Commands of operators in, answers and frames of what the engine does out: the control API.

`commands`, `answers`, `rows`, `frames` and `details` are its words, `engine` the protocol an engine offers, `app` and `serving`
carry them over a socket, and `client` is the other end of it. `link` is how a dashboard holds either end. Nothing here knows
how a session works.
"""
