"""An S3 bucket on this machine: moto's server, a process that speaks S3 over HTTP."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def bucket(name: str) -> Iterator[dict[str, str]]:
    """Serve an empty bucket; yields the environment that reaches it, `PINWARD_MEDIA` with it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                made = urllib.request.Request(f"{base}/{name}", method="PUT")
                urllib.request.urlopen(made, timeout=10).close()
                break
            except (urllib.error.URLError, ConnectionError):
                assert server.poll() is None, "moto's server ended"
                time.sleep(0.1)
        yield {
            "PINWARD_MEDIA": f"s3://{name}/some/photos",
            "AWS_ENDPOINT_URL": base,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }
    finally:
        server.terminate()
        server.wait(10)
