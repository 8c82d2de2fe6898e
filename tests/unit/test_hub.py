"""The Hub as a client meets it: models, gates, revisions, and servers that answer late, wrongly or too much."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from mlcc.io.web import USUAL, Limits, Unreachable, origin
from mlcc.lookups.hub import FOUND, NO_REVISION, NOT_FOUND, REFUSED, Hub
from tests.hub import (
    FIRST,
    SECOND,
    TOKEN,
    HubServer,
    Repository,
    config,
    dripping,
    raw,
    saying,
    serving,
    silent,
    tokenizer,
)

INFO = "/api/models/acme/tiny"
FILES: dict[str, str | bytes] = {"config.json": config(), "tokenizer_config.json": tokenizer("{{ messages }}")}


@pytest.fixture
def server() -> Iterator[HubServer]:
    models = {
        "acme/tiny": Repository({FIRST: FILES, SECOND: FILES}, refs={"v1": FIRST, "a/branch": FIRST}),
        "plain": Repository({FIRST: FILES}),
        "acme/gated": Repository({FIRST: FILES}, gated=True),
        "acme/private": Repository({FIRST: FILES}, private=True),
    }
    with serving(models) as hub:
        yield hub


def client(server: HubServer, limits: Limits = USUAL, **variables: str) -> Hub:
    return Hub({**server.environ, **variables}, limits)


# ---------------------------------------------------------------- what it is
def test_a_model_with_its_commit_and_files(server):
    card = client(server).card("acme/tiny")
    assert (card.state, card.commit, card.gated, card.kind) == (FOUND, SECOND, False, "text-generation")
    assert card.files == tuple(FILES)
    assert client(server).card("plain").state == FOUND


@pytest.mark.parametrize(("revision", "commit"), [("v1", FIRST), ("a/branch", FIRST), (FIRST, FIRST), ("main", SECOND)])
def test_a_revision_names_a_commit(server, revision, commit):
    assert client(server).card("acme/tiny", revision).commit == commit


def test_a_revision_that_is_not_there(server):
    assert client(server).card("acme/tiny", "v9").state == NO_REVISION


@pytest.mark.parametrize("token", ["", TOKEN])
def test_no_such_model(server, token):
    assert client(server, HF_TOKEN=token).card("acme/none").state == NOT_FOUND


def test_a_private_model_is_there_for_those_who_may_see_it(server):
    assert client(server).card("acme/private").state == NOT_FOUND
    assert client(server, HF_TOKEN=TOKEN).card("acme/private").state == FOUND
    assert client(server, HUGGING_FACE_HUB_TOKEN=TOKEN).card("acme/private").state == FOUND


def test_a_gated_model_is_described_and_its_files_are_not_given(server):
    hub = client(server)
    card = hub.card("acme/gated")
    assert (card.state, card.gated) == (FOUND, True)
    assert hub.text("acme/gated", card.commit, "config.json") is None
    hub = client(server, HF_TOKEN=TOKEN)
    assert hub.text("acme/gated", card.commit, "config.json") == config()


def test_a_description_may_be_gated_too(server):
    server.hooks[INFO] = saying(403, b"", X_Error_Code="GatedRepo")
    assert client(server).card("acme/tiny") == (REFUSED, "", True, None, "")


def test_a_wrong_token_is_reported(server):
    with pytest.raises(Unreachable, match="refuses the token"):
        client(server, HF_TOKEN="hf_wrong").card("acme/tiny")


@pytest.mark.parametrize("name", ["../api/whoami", "a/b/c", "a b", "a/..", "a\r\nX: y", "a?b", "", "/a", "a/%2e"])
def test_other_names_are_not_asked_for(server, name):
    assert client(server).card(name).state == NOT_FOUND
    assert server.asked == []


def test_each_thing_is_asked_once(server):
    hub = client(server)
    for _ in range(3):
        assert hub.card("acme/tiny").commit == SECOND
        assert hub.text("acme/tiny", SECOND, "config.json") == config()
    assert len(server.asked) == 2


# ---------------------------------------------------------------- templates
@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"chat_template.jinja": "own", "tokenizer_config.json": tokenizer("t")}, ("own", "chat_template.jinja")),
        ({"tokenizer_config.json": tokenizer("t")}, ("t", "tokenizer_config.json")),
        ({"chat_template.json": json.dumps({"chat_template": "j"})}, ("j", "chat_template.json")),
        (
            {
                "tokenizer_config.json": tokenizer(
                    [{"name": "tool", "template": "x"}, {"name": "default", "template": "d"}]
                )
            },
            ("d", "tokenizer_config.json"),
        ),
        ({"tokenizer_config.json": tokenizer([{"name": "tool", "template": "x"}])}, ("x", "tokenizer_config.json")),
        ({"tokenizer_config.json": tokenizer()}, ("", "")),
        ({"tokenizer_config.json": tokenizer([1, {"name": 2}])}, ("", "")),
        ({"tokenizer_config.json": tokenizer({"a": 1})}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_where_a_template_lies(server, files, found):
    server.models["acme/tiny"].commits[SECOND] = files
    hub = client(server)
    assert hub.template("acme/tiny", hub.card("acme/tiny")) == found


def test_without_a_listing_every_place_is_asked(server):
    server.hooks[INFO] = saying(200, json.dumps({"sha": SECOND}).encode())
    hub = client(server)
    assert hub.template("acme/tiny", hub.card("acme/tiny"))[0] == "{{ messages }}"


# ---------------------------------------------------------------- redirects and the token
def test_the_token_goes_to_the_hub_and_not_to_where_it_leads(server):
    server.models["acme/tiny"].commits[SECOND] = {"chat_template.jinja": "x"}
    with serving(server.models) as store:
        server.store = store.address
        assert client(server, HF_TOKEN=TOKEN).text("acme/tiny", SECOND, "chat_template.jinja") == "x"
        assert [given for _, given in server.asked] == [f"Bearer {TOKEN}"]
        assert [given for _, given in store.asked] == [""]


def test_a_redirect_within_the_hub_keeps_the_token(server):
    server.models["acme/gated"].commits[FIRST] = {"chat_template.jinja": "x"}
    assert client(server, HF_TOKEN=TOKEN).text("acme/gated", FIRST, "chat_template.jinja") == "x"
    assert [given for _, given in server.asked] == [f"Bearer {TOKEN}"] * 2


@pytest.mark.parametrize("token", ["hf_a\r\nX-Evil: 1", "hf_a b", "hf_\u00e9", "x" * 600])
def test_what_cannot_be_a_token_is_not_sent(server, token):
    assert client(server, HF_TOKEN=token).card("acme/tiny").state == FOUND
    assert [given for _, given in server.asked] == [""]


@pytest.mark.parametrize(
    "where", ["file:///etc/passwd", "ftp://127.0.0.1/x", "", "//user:pw@127.0.0.1/", "http://[", "gopher:x"]
)
def test_redirects_to_other_kinds_of_places_are_not_followed(server, where):
    server.hooks[INFO] = lambda handler: handler.redirect(where)
    with pytest.raises(Unreachable, match=r"not followed|circles"):
        client(server).card("acme/tiny")


def test_circles_end(server):
    server.hooks[INFO] = lambda handler: handler.redirect(INFO)
    with pytest.raises(Unreachable, match="circles"):
        client(server).card("acme/tiny")
    assert len(server.asked) == Limits().hops + 1


def test_no_way_leads_from_https_to_http():
    assert origin("https://hub.example/x") == ("https", "hub.example", 443)
    for address in (
        "https://user@hub.example",
        "hub.example",
        "https://",
        "https://h\u00e9.example",
        "https://a b",
        "https://h:x",
    ):
        assert origin(address) is None


# ---------------------------------------------------------------- wrong answers
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"{}", b'{"sha": 1}', b'{"sha": "main"}', b'{"sha": "' + b"a" * 41 + b'"}', b"[" * 100000, b"\xff\xfe"],
)  # fmt: skip
def test_a_description_that_is_none(server, body):
    server.hooks[INFO] = saying(200, body)
    with pytest.raises(Unreachable):
        client(server).card("acme/tiny")


def test_odd_fields_of_a_description_are_passed_over(server):
    found = {"sha": SECOND, "siblings": [1, {"rfilename": 2}, {}], "pipeline_tag": {}, "gated": "auto"}
    server.hooks[INFO] = saying(200, json.dumps(found).encode())
    assert client(server).card("acme/tiny") == (FOUND, SECOND, True, ("2", ""), "")


@pytest.mark.parametrize("status", [400, 418, 429, 500, 503])
def test_other_statuses_are_trouble(server, status):
    server.hooks[INFO] = saying(status, b"")
    with pytest.raises(Unreachable, match=str(status)):
        client(server).card("acme/tiny")


def test_after_the_first_trouble_nothing_more_is_asked(server):
    server.hooks[INFO] = saying(503, b"")
    hub = client(server)
    for name in ("acme/tiny", "plain", "acme/gated"):
        with pytest.raises(Unreachable, match="503"):
            hub.card(name)
    assert len(server.asked) == 1


def test_a_huge_answer_is_not_read(server):
    server.hooks[f"/acme/tiny/resolve/{SECOND}/config.json"] = saying(200, b"x" * ((8 << 20) + 1))
    hub = client(server)
    with pytest.raises(Unreachable, match="more than 8,192 KiB"):
        hub.text("acme/tiny", SECOND, "config.json")
    assert hub.card("acme/tiny").state == FOUND, "one large file is not the Hub's trouble"


@pytest.mark.parametrize("answer", [silent(3), dripping(3)], ids=["silent", "dripping"])
def test_a_slow_answer_ends_in_time(server, answer):
    server.hooks[INFO] = answer
    started = time.monotonic()
    with pytest.raises(Unreachable, match="in time"):
        client(server, Limits(wait_s=0.3, total_s=0.6)).card("acme/tiny")
    assert time.monotonic() - started < 2


def test_patience_can_be_set(server):
    server.hooks[INFO] = silent(3)
    with pytest.raises(Unreachable, match="in time"):
        client(server, HF_HUB_DOWNLOAD_TIMEOUT="0.2").card("acme/tiny")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300 + b"\r\n",
    ],
)
def test_what_is_not_http(server, data):
    server.hooks[INFO] = raw(data)
    with pytest.raises(Unreachable):
        client(server).card("acme/tiny")


def test_a_file_that_is_not_text(server):
    server.models["acme/tiny"].commits[SECOND] = {"tokenizer_config.json": b"\xff\xfe\x00"}
    hub = client(server)
    with pytest.raises(Unreachable, match="not text"):
        hub.template("acme/tiny", hub.card("acme/tiny"))


@pytest.mark.parametrize(
    "address",
    [
        "ftp://x",
        "nonsense",
        "http://",
        "http://u:secretpw@127.0.0.1",
        "http://127.0.0.1:1",
        "http://[",
        "http://a\r\nb",
    ],
)
def test_an_endpoint_that_is_none(address):
    with pytest.raises(Unreachable) as caught:
        Hub({"HF_ENDPOINT": address, "NO_PROXY": "*"}).card("acme/tiny")
    assert "secretpw" not in str(caught.value)


# ---------------------------------------------------------------- proxies
def test_a_proxy_is_asked_where_the_environment_names_one(server):
    """The address is that of no machine: the proxy alone knows it."""
    environ = {"HF_ENDPOINT": "http://hub.invalid", "HTTP_PROXY": server.address.replace("//", "//me:pw@")}
    hub = Hub({**environ, "HF_TOKEN": TOKEN})
    assert hub.card("acme/tiny").commit == SECOND
    assert [given for _, given in server.asked] == [""], "no token in clear text over a network"


@pytest.mark.parametrize(
    ("spared", "trouble"),
    [("", True), ("127.0.0.1", False), ("*", False), (".0.0.1", False), ("10.0.0.1,localhost", True)],
)
def test_no_proxy_spares_hosts(server, spared, trouble):
    hub = Hub({"HF_ENDPOINT": server.address, "http_proxy": "http://127.0.0.1:9", "no_proxy": spared})
    if trouble:
        with pytest.raises(Unreachable, match="cannot be reached"):
            hub.card("acme/tiny")
    else:
        assert hub.card("acme/tiny").state == FOUND


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "http://", "http://127.0.0.1:x"])
def test_other_proxies_are_trouble(server, proxy):
    with pytest.raises(Unreachable):
        Hub({"HF_ENDPOINT": server.address, "ALL_PROXY": proxy}).card("acme/tiny")
