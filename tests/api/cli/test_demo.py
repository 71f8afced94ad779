"""The demo as people start it: a command, a server, a database, and nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.cli import background
from geo.store.cluster import Cluster

PINWARD = Path(sys.executable).parent / "pinward"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    """`pinward demo` in a state folder of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.port = _free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.env = {**os.environ, "PINWARD_STATE": str(state), "DEMO_PORT": str(self.port)}
        # a database that this machine may be set up for must not be touched
        self.env["PINWARD_DATABASE_URL"] = "postgresql://127.0.0.1:1/nobody"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PINWARD, *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def start(self, *more: str) -> subprocess.CompletedProcess[str]:
        return self.run("demo", "--exit-when-ready", "--reports", "300", "--workers", "1", *more)

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.base}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo with 300 reports, loaded and running."""
    made = Demo(tmp_path_factory.mktemp("demo"))
    try:
        done = made.start()
        assert done.returncode == 0, done.stderr + done.stdout
        yield made
    finally:
        made.run("demo-stop")
        Cluster(made.state).remove()


@pytest.fixture
def running(demo: Demo) -> Demo:
    """The same, running whatever the test before did."""
    if not demo.ready():
        done = demo.start()
        assert done.returncode == 0, done.stderr + done.stdout
    return demo


@pytest.fixture
def nothing(tmp_path: Path) -> Demo:
    """A demo that was never started."""
    return Demo(tmp_path)


def test_it_serves_the_city_when_the_command_returns(running: Demo) -> None:
    with httpx.Client(base_url=running.base, trust_env=False) as http:
        market = http.get("/api/v1/wards/at", params={"lon": 106.6980, "lat": 10.7725}).json()
        reports = http.get("/api/v1/reports", params={"limit": 5}).json()
    assert (market["code"], market["name"]) == ("26743", "Bến Thành")
    assert len(reports["features"]) == 5


def test_a_second_start_finds_the_first_one_and_says_so(running: Demo) -> None:
    before = background.read(running.state / "demo-server.json")
    done = running.start()
    assert done.returncode == 0
    assert "running already" in done.stdout
    assert running.base in done.stdout
    assert background.read(running.state / "demo-server.json") == before


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_data_and_sign_ins_survive_and_ending_the_command_ends_everything(
    running: Demo, how: signal.Signals
) -> None:
    kept = (running.state / "demo.json").read_text(encoding="utf-8")
    server = background.read(running.state / "demo-server.json")
    assert server is not None
    assert "stopped" in running.run("demo-stop").stdout
    assert not server.alive()
    assert not running.ready()
    assert not Cluster(running.state).running()
    assert "not running" in running.run("demo-stop").stdout

    command = subprocess.Popen(
        [PINWARD, "demo", "--workers", "1"], env=running.env, stdout=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    said = ""
    for line in command.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    assert running.ready()
    command.send_signal(how)
    said += command.communicate(timeout=60)[0]
    assert command.returncode == 0, said
    assert "drawing the city" not in said
    for one in json.loads(kept)["sign_ins"]:
        assert f"{one['email']}" in said
        assert one["password"] in said
    assert "stopping" in said
    assert not running.ready()
    assert not Cluster(running.state).running()


def test_nobody_else_can_read_the_passwords(demo: Demo) -> None:
    assert (demo.state / "demo.json").stat().st_mode & 0o777 == 0o600


def test_a_taken_port_is_named_with_the_way_out(nothing: Demo) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", nothing.port))
        other.listen()
        done = nothing.start()
    assert done.returncode == 1
    assert str(nothing.port) in done.stderr
    assert "DEMO_PORT" in done.stderr
    assert not Cluster(nothing.state).running()


def test_a_record_of_a_pid_that_is_somebody_elses_stops_nobody(nothing: Demo) -> None:
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        record = nothing.state / "demo-server.json"
        background.write(record, background.Process(bystander.pid, "1", "127.0.0.1", 1))
        assert "not running" in nothing.run("demo-stop").stdout
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_reset_does_not_throw_away_wards_that_are_not_the_demos(
    running: Demo, tmp_path: Path
) -> None:
    import builders

    path = tmp_path / "own.geojson"
    path.write_text(json.dumps(builders.city_geojson()), encoding="utf-8")
    imported = subprocess.run(
        [PINWARD, "wards", "import", path, "--set", "own", "--valid-from", "2020-01-01"],
        env={**running.env, "PINWARD_DATABASE_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert imported.returncode == 0, imported.stderr
    done = running.start("--reset")
    assert done.returncode == 1
    assert "own" in done.stderr
    assert running.ready()
