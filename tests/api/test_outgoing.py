"""Requests to other servers: real ones on this machine, their names told by the test's resolver."""

import ast
import asyncio
import contextlib
import datetime as dt
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api.outgoing import Outgoing, may_reach
from geo.errors import Invalid, OutgoingFailed, OutgoingRefused

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
NAME = "partner.example"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        path = self.path
        if path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", path[4:])
            self.end_headers()
        elif path == "/packed":
            self._say(b"x", {"Content-Encoding": "gzip"})
        elif path == "/trickle":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            with contextlib.suppress(OSError):
                while not self.server.ending.wait(0.05):
                    self.wfile.write(b"x")
        elif path == "/endless":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not self.server.ending.is_set():
                    self.wfile.write(b"x" * 65536)
        else:
            self._say(self.server.says, {"Set-Cookie": "who=me"})

    def _say(self, body, headers):
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def listening(address="127.0.0.1", port=0, says=b"here", tls=None):
    server = ThreadingHTTPServer((address, port), _Handler)
    server.daemon_threads = True
    server.seen, server.says, server.ending = [], says, threading.Event()
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.shutdown()
        server.server_close()


class Names:
    """A resolver: answers in turn from a list, and counts."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def __call__(self, host, port):
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [found] if isinstance(found, str) else found


@pytest.fixture
def server():
    with listening() as made:
        yield made


@pytest.fixture
def there(server):
    return f"http://{NAME}:{server.server_port}"


def to(server, names=None):
    return Outgoing(f"http://{NAME}:{server.server_port}", names or Names("127.0.0.1"))


async def test_an_allowed_host_is_asked_by_its_name_and_answers(server, there):
    answer = await to(server).send("GET", f"{there}/a?b=1", headers={"X-Own": "1"})
    assert (answer.status, answer.body) == (200, b"here")
    (path, headers), *_ = server.seen
    assert path == "/a?b=1"
    assert headers["Host"] == f"{NAME}:{server.server_port}"
    assert headers["X-Own"] == "1"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.10", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("169.254.169.254", "169.254.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.5", "192.88.99.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "fec0::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1"),
        *("fd00:ec2::254", "2001:db8::1", "3fff::1", "not an address", ""),
    ],
)
async def test_nothing_within_a_network_is_reached(address):
    for found in ([address], ["203.0.114.1", address]):
        with pytest.raises(OutgoingRefused) as refused:
            await Outgoing("", Names(found)).send("GET", f"https://{NAME}/", timeout_s=1)
        # What an inner name stands for is not told to whoever made us ask.
        assert not address or address not in refused.value.detail


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "203.0.114.1", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_the_internet_may_be_reached(address):
    assert may_reach(address, allowed=False, loopback_only=False)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0"])
async def test_what_no_server_of_ours_is_at_is_not_reached_under_an_allowed_name_either(address):
    with pytest.raises(OutgoingRefused):
        await Outgoing(NAME, Names(address)).send("GET", f"https://{NAME}/", timeout_s=1)


def test_an_allowed_host_may_be_in_an_inner_network_with_tls_only():
    assert may_reach("10.1.2.3", allowed=True, loopback_only=False)
    assert not may_reach("10.1.2.3", allowed=True, loopback_only=True)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:7f00:1]"]
)
async def test_however_this_machine_is_written_it_is_not_reached(server, host):
    # By the system's own resolver, which knows all of these.
    with pytest.raises((OutgoingRefused, OutgoingFailed)):
        await Outgoing().send("GET", f"https://{host}:{server.server_port}/", timeout_s=2)
    assert server.seen == []


async def test_the_address_that_was_checked_is_the_one_connected_to(server, there):
    with listening("127.0.0.2", server.server_port, b"elsewhere") as other:
        names = Names("127.0.0.1", "127.0.0.2")
        answer = await to(server, names).send("GET", there)
        assert answer.body == b"here"
        assert names.asked == [NAME]
        assert other.seen == []


async def test_the_next_address_is_tried_where_one_does_not_answer(server, there):
    names = Names(["127.0.0.3", "127.0.0.1"])
    assert (await to(server, names).send("GET", there)).body == b"here"


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("", "http://{host}/"),
        (NAME, "http://{host}/"),
        (f"http://{NAME}:1", "http://{host}/"),
        (f"http://{NAME}", "ftp://{host}/"),
        (f"http://{NAME}", "file:///etc/passwd"),
        (f"http://{NAME}", "http://user:word@{host}/"),
        (f"http://{NAME}", "//{host}/"),
        (f"http://{NAME}", "no address"),
        (f"http://{NAME}", "http://[::1"),
    ],
)
async def test_without_tls_only_what_was_allowed_so_is_talked_to(server, allowed, url):
    address = url.format(host=f"{NAME}:{server.server_port}")
    with pytest.raises(OutgoingRefused):
        await Outgoing(allowed, Names("127.0.0.1")).send("GET", address)
    assert server.seen == []


async def test_a_name_allowed_without_tls_leads_to_this_machine_alone(server, there):
    with pytest.raises(OutgoingRefused):
        await to(server, Names("10.0.0.1")).send("GET", there, timeout_s=1)


async def test_redirects_are_not_followed_unless_asked_for_and_never_elsewhere(server, there):
    with listening(says=b"elsewhere") as other:
        out = Outgoing(
            f"http://{NAME}:{server.server_port},http://other.example:{other.server_port}",
            Names("127.0.0.1"),
        )
        assert (await out.send("GET", f"{there}/to?/a", hops=1)).body == b"here"
        for url, hops in (
            (f"{there}/to?/a", 0),
            (f"{there}/to?http://other.example:{other.server_port}/", 3),
            (f"{there}/to?https://{NAME}/", 3),
            (f"{there}/to?//169.254.169.254/latest", 3),
        ):
            with pytest.raises(OutgoingRefused, match="to another address"):
                await out.send("GET", url, hops=hops)
        assert other.seen == []


async def test_each_hop_is_looked_up_and_checked_anew(server, there):
    names = Names("127.0.0.1", "10.0.0.1")
    with pytest.raises(OutgoingRefused):
        await to(server, names).send("GET", f"{there}/to?/a", hops=3, timeout_s=1)
    assert [path for path, _ in server.seen] == ["/to?/a"]


async def test_at_most_three_redirects_are_followed(server, there):
    three, four = "/to?" * 3 + "/a", "/to?" * 4 + "/a"
    assert (await to(server).send("GET", there + three, hops=9)).body == b"here"
    with pytest.raises(OutgoingRefused):
        await to(server).send("GET", there + four, hops=9)


async def test_who_trickles_is_given_up_in_time(server, there):
    began = time.monotonic()
    with pytest.raises(OutgoingFailed, match=r"within 0\.4 s"):
        await to(server).send("GET", f"{there}/trickle", timeout_s=0.4)
    assert time.monotonic() - began < 2


async def test_a_resolver_that_never_answers_is_given_up_in_time(server, there):
    async def asleep(host, port):
        await asyncio.sleep(60)

    with pytest.raises(OutgoingFailed):
        await to(server, asleep).send("GET", there, timeout_s=0.2)


async def test_an_answer_too_large_or_packed_is_refused(server, there):
    for path, why in (("/endless", "more than 100000 bytes"), ("/packed", "packed")):
        with pytest.raises(OutgoingFailed, match=why):
            await to(server).send("GET", there + path, largest=100_000)
    assert server.seen[0][1]["Accept-Encoding"] == "identity"


async def test_proxies_and_passwords_of_the_environment_are_not_used(
    server, there, monkeypatch, tmp_path
):
    (tmp_path / ".netrc").write_text(f"machine {NAME} login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with listening(says=b"proxy") as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_port}")
        assert (await to(server).send("GET", there)).body == b"here"
        assert proxy.seen == []
    assert "Authorization" not in server.seen[0][1]


async def test_cookies_are_not_kept(server, there):
    out = to(server)
    await out.send("GET", there)
    await out.send("GET", there)
    assert all("Cookie" not in headers for _, headers in server.seen)


async def test_tls_vouches_for_the_name_not_for_the_address(tmp_path):
    trusted, served = _certificates(tmp_path, NAME)
    with listening(tls=served) as server:
        out = Outgoing(f"{NAME},other.example", Names("127.0.0.1"), trusted)
        port = server.server_port
        assert (await out.send("GET", f"https://{NAME}:{port}/")).body == b"here"
        with pytest.raises(OutgoingFailed, match="certificate"):
            await out.send("GET", f"https://other.example:{port}/")
        # Nobody the browsers believe made this one.
        with pytest.raises(OutgoingFailed, match="certificate"):
            await Outgoing(NAME, Names("127.0.0.1")).send("GET", f"https://{NAME}:{port}/")
        assert len(server.seen) == 1


@pytest.mark.parametrize("entry", ["https://a.example", "a.example/path", "u@a.example", "a:b:c"])
def test_a_setting_that_names_no_host_is_refused_with_a_sentence(entry):
    with pytest.raises(Invalid, match="PINWARD_OUTGOING_ALLOWED"):
        Outgoing(f"good.example, {entry}")


def test_nothing_else_sends_requests():
    ways = ("httpx", "httpx2", "requests", "aiohttp", "urllib3", "urllib.request", "http.client")
    ours = {
        "api/outgoing.py": {"httpx"},
        # Asks the service that it started itself, on this machine.
        "api/cli/demo.py": {"urllib.request"},
    }
    found = {}
    for room in ("api", "geo", "tiles"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                    names += [f"{node.module}.{alias.name}" for alias in node.names]
                for way in ways:
                    if any(name == way or name.startswith(f"{way}.") for name in names):
                        found.setdefault(str(path.relative_to(ROOT)), set()).add(way)
    assert found == ours


def _certificates(folder, name):
    """A context that believes an authority made here, and one of a server of that name."""
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def signed(subject, key, *extensions):
        made = x509.CertificateBuilder().subject_name(_named(subject)).public_key(key.public_key())
        made = made.issuer_name(_named("authority")).serial_number(x509.random_serial_number())
        now = dt.datetime.now(dt.UTC)
        made = made.not_valid_before(now - dt.timedelta(hours=1))
        made = made.not_valid_after(now + dt.timedelta(hours=1))
        for extension, critical in extensions:
            made = made.add_extension(extension, critical)
        return made.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    root = signed("authority", authority, (x509.BasicConstraints(True, None), True))
    alternative = x509.SubjectAlternativeName([x509.DNSName(name)])
    leaf = signed(name, server, (alternative, False))
    private = server.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "server.pem").write_bytes(private + leaf)
    trusted = ssl.create_default_context(cadata=root.decode())
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(folder / "server.pem")
    return trusted, served


def _named(name):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
