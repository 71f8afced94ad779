"""What the service counts about itself, for Prometheus.

With several worker processes each writes its numbers to a folder (`PROMETHEUS_MULTIPROC_DIR`, set
by `pinward serve`) and `/metrics` adds them up, so that a scrape sees the service, not one worker.
"""

import os
import time
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("pinward_http_requests", "Answered requests.", ["method", "route", "status"])
SECONDS = Histogram(
    "pinward_http_request_seconds",
    "Time from the request to the end of its answer; tiles answered from memory are not timed.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
TILE_QUERIES = Counter(
    "pinward_tile_queries", "Tiles made from the database, also those given up.", ["layer"]
)
TILE_HITS = Counter("pinward_tile_hits", "Tiles answered from memory at once.", ["layer"])
LIVE_STREAMS = Gauge(
    "pinward_live_streams", "Live streams that are open.", multiprocess_mode="livesum"
)
LIVE_DROPPED = Counter("pinward_live_dropped", "Live streams cut off for reading too slowly.")
CHANGES_PENDING = Gauge(
    "pinward_changes_pending_seconds",
    "Age of the oldest committed change that no worker has numbered yet.",
    multiprocess_mode="livemax",
)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """All numbers in Prometheus' text format."""
    registry: CollectorRegistry = REGISTRY
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        _forget_dead(Path(folder))
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_dead(folder: Path) -> None:
    """A process that was killed has no open streams, whatever it wrote last."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        try:
            os.kill(int(pid), 0)
        except (ProcessLookupError, ValueError):
            path.unlink(missing_ok=True)


class Measured:
    """Counts and times every request under its route's template, never its path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            # An unknown path or method is one label: labels must not grow with what people try.
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = getattr(scope.get("route"), "path", "unknown")
            REQUESTS.labels(method, route, str(status)).inc()
            SECONDS.labels(method, route).observe(time.perf_counter() - began)
