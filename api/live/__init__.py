"""Live streams: what changes on the map, told to open pages as it happens."""

import signal

ENDING = signal.SIGUSR1
"""Told to a process of the service just before it is asked to end: its streams end then, while the
server would wait for them, and they for the server."""
