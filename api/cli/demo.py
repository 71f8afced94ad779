"""`pinward demo`: the demo city, its own database and its own server, with one command."""

import asyncio
import fcntl
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from api import entrance
from api.auth import passwords
from api.cli import background
from api.cli.background import Process
from api.cli.console import refuse, say
from geo.demo import staff
from geo.errors import ClusterFailed, Invalid, NotReady
from geo.reports import categories
from geo.settings import Settings
from geo.store import migrate
from geo.store.cluster import Cluster
from geo.store.database import AsyncEngine, create_engine

_READY_S = 90.0
# A proxy of the environment cannot reach this machine's own loopback.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# The tile of zoom 12 that Bến Thành market lies in.
_TILE = "12/3261/1924"


def demo(
    port: Annotated[
        int, typer.Option(envvar="DEMO_PORT", help="Port to listen on.", min=1, max=65535)
    ] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    n_reports: Annotated[
        int, typer.Option("--reports", help="How many reports to make up.", min=1, max=1_000_000)
    ] = 40_000,
    workers: Annotated[int, typer.Option(help="Processes of the server.", min=1)] = 2,
    exit_when_ready: Annotated[
        bool, typer.Option(help="Leave it running; `pinward demo-stop` stops it.")
    ] = False,
    reset: Annotated[bool, typer.Option(help="Throw the demo's data away first.")] = False,
) -> None:
    """Start the demo city: database, data, server. Ctrl-C stops it; the data stay."""
    settings = Settings()
    settings.state.mkdir(parents=True, exist_ok=True)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    with _one_at_a_time(settings.state):
        running = background.read(_record(settings))
        if running and not reset:
            _wait_until_ready(running, settings)
            say("The demo is running already.")
            _introduce(running, settings)
            return
        cluster = Cluster(settings.state)
        if reset:
            _refuse_foreign(cluster)
            if running:
                running.stop()
        _refuse_taken(host, port)
        if reset:
            cluster.remove()
            (settings.state / "demo.json").unlink(missing_ok=True)
        say("starting the database")
        url = cluster.start()
        try:
            migrate.upgrade(url)
            asyncio.run(_fill(url, settings, n_reports))
            say("starting the server")
            process = _serve(url, settings, host, port, workers)
            _wait_until_ready(process, settings)
        except BaseException:
            _stop(settings)
            raise
    _introduce(process, settings)
    if not exit_when_ready:
        say("Ctrl-C stops it.")
        _stay(process, settings)


def stop() -> None:
    """Stop the demo city; its data stay."""
    settings = Settings()
    running = background.read(_record(settings)) is not None or Cluster(settings.state).running()
    _stop(settings)
    say("stopped" if running else "the demo is not running")


def _record(settings: Settings) -> Path:
    return settings.state / "demo-server.json"


def _log(settings: Settings) -> Path:
    return settings.state / "server.log"


@contextmanager
def _one_at_a_time(state: Path) -> Iterator[None]:
    """Two starts at once would load the city twice: the second is turned away."""
    with (state / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotReady("another `pinward demo` is starting right now; wait for it") from None
        yield


def _refuse_taken(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the server does: a port whose last connections are still fading is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Invalid(
                f"cannot listen on {host} port {port} ({error.strerror}): another program has it, "
                f"or you may not; choose another, e.g. make demo DEMO_PORT={port + 1}"
            ) from None


async def _fill(url: str, settings: Settings, n_reports: int) -> None:
    # Here, not above: what draws the city takes seconds to import, and every command would wait.
    from geo.demo import alerts, load

    engine = create_engine(url, pool_size=2)
    try:
        async with engine.begin() as conn:
            await categories.sync(conn)
            holds = await load.holds(conn)
            if holds == "nothing":
                began = time.monotonic()
                now = datetime.now(UTC)
                done = await load.load(conn, now, n_reports, settings.timezone, say)
                say(
                    f"{done.wards} wards, {done.facilities:,} facilities, {done.reports:,} reports "
                    f"and {done.hotspots} hotspots in {time.monotonic() - began:.0f} s"
                )
            elif holds == "other":
                say("the database holds wards or reports of its own: the demo city is left out")
            # Made-up warnings stay off a map that also shows a real city.
            if holds != "other" and not await load.others(conn):
                await alerts.renew(conn, datetime.now(UTC))
        await _enrol(engine, settings)
    finally:
        await engine.dispose()


async def _enrol(engine: AsyncEngine, settings: Settings) -> None:
    path = settings.state / "demo.json"
    known = path.exists()
    people = staff.sign_ins(path)
    async with engine.begin() as conn:
        if not known or not await staff.enrolled(conn, people):
            await staff.enrol(conn, people, passwords.hashed)


def _serve(url: str, settings: Settings, host: str, port: int, workers: int) -> Process:
    command = entrance.pinward(
        *("serve", "--host", host, "--port", str(port), "--workers", str(workers))
    )
    env = {
        **os.environ,
        # The demo talks to its own database, whatever this machine is set up for besides.
        "PINWARD_DATABASE_URL": url,
        "PINWARD_SERVICE_DATABASE_URL": Cluster(settings.state).service_url(),
        "PINWARD_STATE": str(settings.state),
    }
    process = background.start(command, env, _log(settings), host, port)
    background.write(_record(settings), process)
    return process


def _wait_until_ready(process: Process, settings: Settings) -> None:
    end = time.monotonic() + _READY_S
    said = "nothing"
    while time.monotonic() < end:
        if not process.alive():
            break
        try:
            with _direct.open(f"{_base(process)}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:500]
        except OSError as error:
            said = str(error)
        time.sleep(0.1)
    tail = _log(settings).read_text(errors="replace")[-1500:]
    raise ClusterFailed(
        f"the server did not get ready; it last said: {said}\n{_log(settings)} ends with:\n{tail}"
    )


def _base(process: Process) -> str:
    # An address that means "all of them" cannot be visited.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(process.host, process.host)
    return f"http://[{host}]:{process.port}" if ":" in host else f"http://{host}:{process.port}"


def _introduce(process: Process, settings: Settings) -> None:
    base = _base(process)
    lines = [
        "",
        f"  the map            {base}/",
        f"  the API's pages    {base}/docs",
        f"  a vector tile      {base}/tiles/reports/{_TILE}.mvt",
        f"  whose ward is it   curl '{base}/api/v1/wards/at?lon=106.6980&lat=10.7725'",
        "",
        "  Ward shapes and reports are made up; names, codes and centres of wards are real.",
        "",
    ]
    people = staff.sign_ins(settings.state / "demo.json")
    width = max(len(one.email) for one in people)
    lines += ["  sign-ins (made for this installation):"]
    lines += [f"  {one.email:<{width}}  {one.password}  {one.role}, {one.name}" for one in people]
    say("\n".join([*lines, ""]))


def _stay(process: Process, settings: Settings) -> None:
    """Wait until the server ends or somebody wants it to; then stop everything."""
    try:
        while process.alive():
            process.reap()
            time.sleep(0.2)
        # `pinward demo-stop` removes the record once the server has ended.
        time.sleep(1.0)
        if _record(settings).exists():
            refuse(f"the server has ended; {_log(settings)} may say why")
            raise typer.Exit(1)
    except KeyboardInterrupt:
        say("\nstopping")
    finally:
        _stop(settings)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Ending by a signal is ending by Ctrl-C: everything started is stopped."""
    raise KeyboardInterrupt


def _stop(settings: Settings) -> None:
    """The server first, then its database; a second Ctrl-C does not leave one behind."""
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    running = background.read(_record(settings))
    if running:
        running.stop()
    _record(settings).unlink(missing_ok=True)
    Cluster(settings.state).stop()


def _refuse_foreign(cluster: Cluster) -> None:
    """Only a private database that the demo alone has used may be thrown away."""
    was_up = cluster.running()
    url = cluster.start()
    try:
        migrate.upgrade(url)
        others = asyncio.run(_others(url))
    finally:
        if not was_up:
            cluster.stop()
    if others:
        raise Invalid(
            f"the private database also holds {others}: it is not thrown away. "
            "Take another folder for the demo with PINWARD_STATE"
        )


async def _others(url: str) -> str:
    from geo.demo import load

    engine = create_engine(url, pool_size=1)
    try:
        async with engine.connect() as conn:
            return await load.others(conn)
    finally:
        await engine.dispose()
