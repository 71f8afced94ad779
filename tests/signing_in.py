"""Sign-in services in processes of their own, and a browser that goes there and comes back."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hostile_provider
import httpx
import pytest

HERE = Path(__file__).resolve().parent


class Provider:
    """A provider's process at `base`; the hostile one does as it is told."""

    def __init__(self, base: str, process: subprocess.Popen[bytes]) -> None:
        self.base = base
        self.process = process

    def does(self, **how: Any) -> None:
        httpx.put(f"{self.base}/control", json=how).raise_for_status()

    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.base}/seen").json()
        return found


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def hostile() -> Iterator[Provider]:
    port = free_port()
    command = [sys.executable, str(HERE / "hostile_provider.py"), str(port)]
    with _running(command, f"http://127.0.0.1:{port}") as made:
        yield made


@contextmanager
def mock(**options: str) -> Iterator[Provider]:
    """The independent provider `oidc-provider-mock`; issuer as its `base`."""
    port = free_port()
    program = Path(sys.executable).with_name("oidc-provider-mock")
    given = [word for name, value in options.items() for word in (f"--{name}", value)]
    command = [str(program), "--port", str(port), "--require-nonce", *given]
    with _running(command, f"http://127.0.0.1:{port}") as made:
        yield made


@contextmanager
def _running(command: list[str], base: str) -> Iterator[Provider]:
    quiet = {**os.environ, "NO_COLOR": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=quiet
    )
    try:
        for _ in range(200):
            try:
                httpx.get(f"{base}/.well-known/openid-configuration")
                break
            except httpx.TransportError:
                assert process.poll() is None, "the provider ended"
                time.sleep(0.1)
        else:
            pytest.fail("the provider did not come up")
        yield Provider(base, process)
    finally:
        process.terminate()
        process.wait(10)


def settings(kind: str, provider: Provider, **more: str) -> dict[str, str]:
    """What the service is set to, for this provider."""
    name = f"PINWARD_OIDC_{kind.upper()}"
    return {
        f"{name}_ISSUER": provider.base,
        f"{name}_CLIENT_ID": hostile_provider.CLIENT_ID,
        f"{name}_CLIENT_SECRET": hostile_provider.CLIENT_SECRET,
        "PINWARD_OUTGOING_ALLOWED": provider.base,
        **more,
    }


class Browser:
    """A browser's cookies, and the way to a provider and back, step by step."""

    def __init__(self, service: Any, kind: str = "staff") -> None:
        meant = {"Pinward-Request": "1"}
        self.http = httpx.Client(base_url=service.base, timeout=30, headers=meant)
        self.kind = kind

    def begin(self, back: str = "/desk") -> str:
        """Where the service sends it."""
        answer = self.http.get(f"/api/v1/session/oidc/{self.kind}", params={"return": back})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def confirmed(self, there: str) -> str:
        """Signed in at the hostile provider: the address it is sent back to."""
        return httpx.get(there).headers["location"]

    def come_back(self, address: str, **headers: str) -> httpx.Response:
        return self.http.get(address, headers=headers)

    def sign_in(self, back: str = "/desk") -> httpx.Response:
        return self.come_back(self.confirmed(self.begin(back)))

    @property
    def signed_in(self) -> bool:
        return self.http.get("/api/v1/session").status_code == 200
