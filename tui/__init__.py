"""The dashboard's package: engine snapshots in, screens out; keys in, control calls out.

It has no trading logic, speaks only the control API, and the engine never imports it.
"""
