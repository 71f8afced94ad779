"""From which network a request comes: what anybody can write into a header counts for nothing."""

import pytest
from starlette.requests import Request

from api.addresses import public_base
from api.network import HERE, network_of
from geo.errors import Invalid
from geo.settings import Settings

SETTINGS = Settings(trusted_proxies="127.0.0.0/8, ::1, 10.0.0.0/8, 2001:db8:ffff::/48")


def asked(peer, *forwarded, **headers):
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    raw = [("x-forwarded-for", value) for value in forwarded] + named
    return Request(
        {
            "type": "http",
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "path": "/",
            "client": (peer, 5) if peer else None,
            "headers": [(name.encode(), value.encode()) for name, value in raw],
        }
    )


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.7", [], "203.0.113.7/32"),
        ("2001:db8:1:2:aaaa::1", [], "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", [], "203.0.113.7/32"),
        (None, [], HERE),
        # not a trusted peer: its word is nothing
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7/32"),
        # a trusted one: what it added, at the end
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1/32"),
        (None, ["198.51.100.1"], "198.51.100.1/32"),
        ("127.0.0.1", ["1.2.3.4, 198.51.100.1"], "198.51.100.1/32"),
        ("127.0.0.1", ["1.2.3.4", "198.51.100.1"], "198.51.100.1/32"),
        # through two trusted ones
        ("127.0.0.1", ["1.2.3.4, 198.51.100.1, 10.1.2.3"], "198.51.100.1/32"),
        ("127.0.0.1", ["2001:db8:5:6::9, 2001:db8:ffff::1"], "2001:db8:5:6::/64"),
        ("127.0.0.1", ["198.51.100.1:4711"], "198.51.100.1/32"),
        ("127.0.0.1", ["[2001:db8:5:6::9]:4711"], "2001:db8:5:6::/64"),
        # what is no address ends the reading
        ("127.0.0.1", ["1.2.3.4, rubbish, 10.1.2.3"], "10.1.2.3/32"),
        ("127.0.0.1", ["rubbish"], "127.0.0.1/32"),
        ("127.0.0.1", [", ".join(["1.2.3.4"] * 3 + ["10.0.0.1"] * 500)], "10.0.0.1/32"),
    ],
)
def test_the_network_is_that_of_the_nearest_who_is_not_trusted(peer, forwarded, expected):
    assert network_of(asked(peer, *forwarded), SETTINGS) == expected


def test_the_own_address_is_believed_of_trusted_proxies_alone():
    said = {"host": "inner", "x_forwarded_host": "city.example", "x_forwarded_proto": "https"}
    assert public_base(asked("10.9.9.9", **said), SETTINGS) == "https://city.example"
    assert public_base(asked("203.0.113.7", **said), SETTINGS) == "http://inner"


def test_a_setting_that_names_no_network_is_refused():
    with pytest.raises(Invalid, match=r"10\.0\.0\.0/8"):
        network_of(asked("203.0.113.7"), Settings(trusted_proxies="my-proxy"))
