"""Sessions that run, done again beside them from their own recordings -> how faithful each is.

In goes what a session recorded and journaled, out come figures: whether it decides what its recording says, what its fills
got against the quotes, and which fills paper would have had of the same ticks. All of it happens in one process of its own at
low priority; nothing here gives a session an input, and the loop that trades only hears the figures.
"""
