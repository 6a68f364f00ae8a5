"""The vocabulary that every room shares.

Nothing flows in; out go the events and the bus that carries them, clocks, ids, instruments, calendars, number rules and
the error type. It must not know any other room.
"""
