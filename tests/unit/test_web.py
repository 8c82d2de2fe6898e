"""Redirects of a server that is asked: which are followed, by the addresses behind the names."""

from __future__ import annotations

import socket

import pytest

from mlcc.io.deadline import Watch
from mlcc.io.web import Origin, Web

HUB = "hub.example"
KNOWN = {HUB: ["93.184.216.34"], "cdn.example": ["151.101.1.1"], "inside.example": ["10.0.0.7"], "mixed.example": ["151.101.1.1", "10.0.0.7"],
         "meta.example": ["169.254.169.254"], "here.example": ["127.0.0.1"], "six.example": ["fe80::1%eth0"], "own.example": ["10.0.0.1"]}  # fmt: skip


def leads_inside(first: str, following: str, environ: dict[str, str] | None = None) -> bool:
    web = Web(environ or {}, resolve=lambda host, port: KNOWN.get(host, [host]))
    return web._leads_inside(Origin("https", first, 443), Origin("https", following, 443))


@pytest.mark.parametrize(
    "host",
    [
        "inside.example",
        "mixed.example",
        "meta.example",
        "here.example",
        "six.example",
        "169.254.169.254",
        "10.1.2.3",
        "::1",
    ],
)
def test_a_public_server_leads_to_no_private_address(host: str) -> None:
    assert leads_inside(HUB, host)


@pytest.mark.parametrize(
    ("first", "host"),
    [
        (HUB, "cdn.example"),
        ("own.example", "inside.example"),
        ("own.example", "cdn.example"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_redirect_that_stays_on_its_side_is_followed(first: str, host: str) -> None:
    assert not leads_inside(first, host)


@pytest.mark.parametrize(
    "host",
    [
        "meta.example", "::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::",
        "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "::ffff:100.100.100.200", "fe80::1%eth0",
    ],
)  # fmt: skip
def test_a_private_server_leads_to_no_address_of_a_metadata_service(host: str) -> None:
    assert leads_inside("own.example", host)


@pytest.mark.parametrize("host", ["::ffff:10.0.0.1", "64:ff9b::a00:1", "::ffff:127.0.0.1"])
def test_an_address_that_wraps_a_private_one_is_private(host: str) -> None:
    assert leads_inside(HUB, host)
    assert not leads_inside("own.example", host)


def test_the_addresses_that_were_judged_are_asked() -> None:
    web = Web({}, resolve=lambda host, port: KNOWN.get(host, [host]))
    assert not web._leads_inside(Origin("https", HUB, 443), Origin("https", "cdn.example", 443))
    assert web._checked == {("cdn.example", 443): KNOWN["cdn.example"]}
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        watch = Watch(10, {("nobody.invalid", port): ["127.0.0.1"]})
        with watch.connect(("nobody.invalid", port), 5) as sock:
            assert sock.getpeername() == ("127.0.0.1", port)
        watch.close()


def test_a_proxy_looks_names_up_itself() -> None:
    environ = {"https_proxy": "http://proxy.example:3128"}
    assert not leads_inside(HUB, "inside.example", environ)
    assert leads_inside(HUB, "169.254.169.254", environ)
