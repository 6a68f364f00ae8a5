"""MetaTrader 5: requests of sessions in, calls of a terminal and reports of what it did out.

Everything speaks to a terminal through `Terminal`; who stands behind it (the package in a child process, a gateway elsewhere,
the simulator) is chosen where an account is opened. Nothing here decides whether an order should exist, and the MetaTrader5
package is imported in no process but its own.
"""
