"""What an engine shows to the outside: its snapshots, figures and lines flow in; metrics, status, logs and alerts flow out.

It only looks. Nothing here is asked by whoever trades, nothing waits for it, and when a reader, a channel or a disk does not
keep up, things are dropped and counted here. It does not know what a command line or a dashboard looks like.
"""
