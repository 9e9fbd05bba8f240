"""Decisions without I/O: bytes and the time go in, bytes and events come out.

Nothing in this package imports a socket, asyncio, threading, selectors, time or ssl; a test imports
it with those poisoned. Time is always an argument: seconds of any monotonic clock, the same one
throughout.
"""
