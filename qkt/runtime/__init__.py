"""Sessions that live: strategies, feeds and operators' commands go in, orders and a durable journal come out, and a crash
loses neither.

A session is a pure function of its inputs. `tape` holds them, `journal` what they led to, `recovery` compares the two after a
restart, `engine` hosts the sessions of one process, `control` is the way to speak to it. The room knows nothing of screens or
of how a command line looks.
"""
