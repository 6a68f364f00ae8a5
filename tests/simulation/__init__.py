"""A deterministic simulation of the whole engine: one seed draws the market, what fails, who dies when and what operators do.

    python -m tests.simulation --seeds 2000

Time is the loop's own and passes only when nobody has anything left to do. Engine, sessions, tape, journal, recovery, gate,
desk and control are the real ones; the market, the venue, the disk's refusals and the deaths are drawn. A seed that fails
fails again in the same way.
"""
