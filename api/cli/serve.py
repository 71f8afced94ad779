"""`pinward serve`: the HTTP service."""

import os
import tempfile
from typing import Annotated

import typer
from granian.constants import Interfaces, Loops
from granian.server import Server

from api import entrance
from geo.settings import Settings


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes; about one per core.", min=1)] = 2,
) -> None:
    """Serve the API, the map layers and the pages."""
    settings = Settings()
    # Fail here with a sentence, not in every worker with a traceback.
    entrance.database_url(settings)
    entrance.secret_key(settings)
    # Emptied with the service: numbers of an earlier start would be added to this one's.
    with tempfile.TemporaryDirectory(prefix="pinward-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        Server(
            "api.app:create",
            factory=True,
            interface=Interfaces.ASGI,
            address=host,
            port=port,
            workers=workers,
            loop=Loops.uvloop,
            respawn_failed_workers=True,
            log_access=False,
            websockets=False,
        ).serve()
