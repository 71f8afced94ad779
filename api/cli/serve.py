"""`pinward serve`: the HTTP service."""

import os
import resource
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Annotated, Any

import typer
from granian.constants import Interfaces, Loops
from granian.server.mp import MPServer

from api import entrance
from api.auth import oidc, totp
from api.live import ENDING
from api.network import trusted_proxies
from geo.settings import Settings
from geo.store import service_role

# Requests at once, beside the live streams.
_REQUESTS = 512
_RESPAWN_S = 1.0
_PATIENCE_S = 10


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes; about one per core.", min=1)] = 2,
    worker: Annotated[
        bool, typer.Option(help="Also run `pinward worker`; without one no map is live.")
    ] = True,
) -> None:
    """Serve the API, the map layers and the pages."""
    settings = Settings()
    # Fail here with a sentence, not in every worker with a traceback.
    service_role.check(entrance.service_database_url(settings))
    entrance.keys(settings)
    oidc.providers(settings)
    trusted_proxies(settings.trusted_proxies)
    totp.obligatory(settings, "")
    _allow_files(settings.live_streams + 2 * _REQUESTS)
    # Emptied with the service: numbers of an earlier start would be added to this one's.
    with (
        tempfile.TemporaryDirectory(prefix="pinward-metrics-") as folder,
        _worker_beside() if worker else nullcontext(),
    ):
        # The processes are forked: what counts reads this as it is imported, so no command's module
        # may have imported it yet.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        _Server(
            "api.app:create",
            factory=True,
            interface=Interfaces.ASGI,
            address=host,
            port=port,
            workers=workers,
            loop=Loops.uvloop,
            backpressure=_REQUESTS + settings.live_streams,
            respawn_failed_workers=True,
            workers_kill_timeout=_PATIENCE_S,
            log_access=False,
            websockets=False,
        ).serve()


class _Server(MPServer):
    """Granian's, whose processes are told that they are about to end."""

    def _spawn_worker(self, *args: Any, **kwargs: Any) -> Any:
        process: Any = super()._spawn_worker(*args, **kwargs)
        end = process.terminate

        def tell_and_end() -> None:
            if process.is_alive():
                with suppress(ProcessLookupError):
                    os.kill(process.inner.pid, ENDING)
            end()

        process.terminate = tell_and_end
        return process


@contextmanager
def _worker_beside() -> Iterator[None]:
    """`pinward worker` as a child until the block ends, started again whenever it dies."""
    command = entrance.pinward("worker", "--parent", str(os.getpid()))
    ended = threading.Event()
    starting = threading.Lock()
    running: list[subprocess.Popen[bytes]] = []

    def keep() -> None:
        while True:
            with starting:
                if ended.is_set():
                    return
                # Without close_fds it is spawned, not forked: a fork waits for its pipe to close,
                # and a server process forked meanwhile would hold that open for good.
                running[:] = [subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False)]
            running[0].wait()
            ended.wait(_RESPAWN_S)

    keeper = threading.Thread(target=keep, name="worker", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        with starting:
            ended.set()
        for child in running:
            child.terminate()
        keeper.join(_PATIENCE_S)
        if keeper.is_alive():
            for child in running:
                child.kill()


def _allow_files(wanted: int) -> None:
    """A stream is an open file; many systems allow 1,024 of them until asked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and wanted > soft:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
