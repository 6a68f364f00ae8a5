"""Arguments in, text and exit codes out: the `qkt` command, one file for each group of commands.

It parses and prints. It must not decide anything about trading, and imports what a command needs only when it runs.
"""
