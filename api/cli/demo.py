"""`pinward demo`."""


def demo() -> None:
    """Start the demo city."""


def stop() -> None:
    """Stop the demo city."""
