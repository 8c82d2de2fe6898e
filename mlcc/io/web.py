"""One HTTP request at a time, under caps.  Law: the only importer of http.client; every address and answer is external.

An answer has a largest size and a latest moment, however slowly it drips; redirects are followed by hand, never from
https to anything else; the token goes to the origin that was asked first and nowhere else, and never into a message.
"""

from __future__ import annotations

import base64
import http.client
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.core.version import VERSION
from mlcc.io.deadline import Capped, Watch, addresses

LOCAL = ("127.0.0.1", "localhost", "::1")
MOVED = (301, 302, 303, 307, 308)
MAX_URL = 8192
# Where clouds answer with the credentials of a machine, beside link-local addresses: EC2 over IPv6, Alibaba, Oracle.
METADATA = ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")
# IPv4-compatible, mapped and translated addresses.
_WRAPPING = (ip_network("::/96"), ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"))
PROXIES = frozenset({"http"})
_TOKEN = re.compile(r"[\x21-\x7e]{1,512}")


class Unreachable(Exception):
    """A server did not answer, or something else answered in its place; the text says what, fit for a message."""


class TooLarge(Unreachable):
    """An answer of more bytes than are taken."""


class Limits(NamedTuple):
    """Caps on every answer.  wait_s: for the next bytes; total_s: for the whole; hops: redirects in a row."""

    wait_s: float = 10
    total_s: float = 40
    hops: int = 5


USUAL = Limits()


class Answer(NamedTuple):
    """One HTTP answer, as far as it is used: headers by lower-case name, and the body of a good one."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Origin(NamedTuple):
    """Scheme, host and port of an address."""

    scheme: str
    host: str
    port: int


def origin(url: str) -> Origin | None:
    """Whose address it is; None for one that is not followed."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
        if parts.username is not None or not port or not parts.hostname:
            return None
    except ValueError:
        return None
    plain = url.isascii() and len(url) <= MAX_URL and not re.search(r"[\x00-\x20\x7f]", url)
    return Origin(parts.scheme, parts.hostname, port) if plain else None


def _joined(url: str, location: str) -> str:
    """Where a redirect leads; an empty text when that cannot be read."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


# What `exchange` may raise, but for TimeoutError (an OSError).
TROUBLE = (OSError, http.client.HTTPException, ValueError)


def local_connection(host: str, port: int, wait_s: float) -> http.client.HTTPConnection:
    """A connection to a server of this machine, without a proxy; wait_s: for each byte."""
    return http.client.HTTPConnection(host, port, timeout=wait_s)


def service_connection(address: str, wait_s: float) -> http.client.HTTPConnection | None:
    """A connection to a service by its address, without a proxy; None for what is no address of one."""
    parts = urlsplit(address)
    if not parts.hostname or parts.path not in ("", "/"):
        return None
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    kind = kinds.get(parts.scheme)
    return kind(parts.hostname, parts.port, timeout=wait_s) if kind is not None else None


# What the framing of an answer may take beside its body.
FRAMING = 64 << 10


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    cap: int,
    total_s: float,
    known: Mapping[tuple[str, int], Sequence[str]] = EMPTY,
) -> Answer:
    """One request and its answer, which has `total_s` seconds from the first attempt to connect to its last byte.

    Of the body `cap` + 1 bytes are read at the most, so that the caller sees that there are more.  known: addresses of
    hosts and ports that are not looked up anew.  The connection is closed.

    Raises TimeoutError when it takes longer, OSError and HTTPException for other trouble, ValueError for a header that
    cannot be sent.
    """
    watch = Watch(total_s, known)
    # what HTTPConnection dials with: names, TLS and a proxy's answer take of the same time
    connection._create_connection = watch.connect  # type: ignore[attr-defined]
    try:
        watch.start()
        connection.request(method, target, body or None, dict(headers or {}))
        response = connection.getresponse()
        response.fp = Capped(response.fp, cap + 1 + FRAMING)  # type: ignore[assignment]
        data = response.read(cap + 1)
        if watch.late.is_set():
            raise TimeoutError
        return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, data[: cap + 1])
    except (OSError, http.client.HTTPException, ValueError):
        if watch.late.is_set():
            raise TimeoutError from None
        raise
    finally:
        connection.close()
        watch.close()


Resolve = Callable[[str, int], Iterable[str]]


class Web:
    """Asks servers by GET.  Raises Unreachable for all that can go wrong on the way."""

    def __init__(self, environ: Mapping[str, str], limits: Limits = USUAL, resolve: Resolve = addresses) -> None:
        """environ: proxies, as other programs name them; resolve: looks addresses up."""
        self._environ = environ
        self._limits = limits
        self._resolve = resolve
        self._checked: dict[tuple[str, int], list[str]] = {}

    def get(self, url: str, cap: int, token: str = "") -> Answer:
        """The answer to a question, after redirects.  cap: how many bytes it may have; token: for the first origin."""
        first, left = origin(url), self._limits.hops
        if first is None:
            raise Unreachable("is not the address of a server")
        here = first
        while True:
            trusted = here == first and (here.scheme == "https" or here.host in LOCAL)
            answer = self._one(url, here, cap, token if trusted and _TOKEN.fullmatch(token) else "")
            if answer.status not in MOVED:
                return answer
            url = _joined(url, answer.headers.get("location", ""))
            following = origin(url)
            if following is None or (first.scheme == "https" and following.scheme != "https"):
                raise Unreachable("leads to an address that is not followed")
            if following.host != first.host and self._leads_inside(first, following):
                raise Unreachable("leads to an address of a private network, which is not followed")
            here, left = following, left - 1
            if left < 0:
                raise Unreachable("leads in circles")

    def _leads_inside(self, first: Origin, following: Origin) -> bool:
        """True for a redirect into a network that the first server could not have meant.

        A link-local address (a cloud's metadata service) is never followed; a private one or this machine only from a
        server that is of a private network itself.
        """
        if self._proxy(following) is not None and not _is_address(following.host):
            return False  # the proxy looks it up, and decides
        try:
            texts = list(self._resolve(following.host, following.port))
            # it is these that are asked: a name may have others a moment later
            self._checked[following.host, following.port] = texts
            found = [_address(a) for a in texts]
            if any(a.is_link_local or str(a) in METADATA for a in found):
                return True
            if all(a.is_global for a in found):
                return False
            return any(_address(a).is_global for a in self._resolve(first.host, first.port))
        except (OSError, ValueError):
            return False  # asking it will say what is wrong

    def _one(self, url: str, at: Origin, cap: int, token: str) -> Answer:
        headers = {"User-Agent": f"mlcc/{VERSION}", "Accept": "*/*", "Connection": "close"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            connection, target = self._connection(url, at, headers)
            total_s, known = self._limits.total_s, self._checked
            found = exchange(connection, "GET", target, headers=headers, cap=cap, total_s=total_s, known=known)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise Unreachable(_words(problem)) from None
        if found.status != 200:
            return found._replace(body=b"")
        if len(found.body) > cap:
            raise TooLarge(f"answers with more than {cap >> 10:,} KiB")
        return found

    def _connection(self, url: str, at: Origin, headers: dict[str, str]) -> tuple[http.client.HTTPConnection, str]:
        """A connection, by a proxy where the environment names one, and what to ask it for."""
        parts = urlsplit(url)._replace(fragment="")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        secure, wait, proxy = at.scheme == "https", self._limits.wait_s, self._proxy(at)
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        if proxy is None:
            return kind(at.host, at.port, timeout=wait), target
        asked = {"Proxy-Authorization": _basic(proxy)} if proxy.username else {}
        connection = kind(proxy.hostname or "", proxy.port or 80, timeout=wait)
        if secure:
            connection.set_tunnel(at.host, at.port, asked)
            return connection, target
        headers.update(asked)
        return connection, parts.geturl()

    def _proxy(self, at: Origin) -> SplitResult | None:
        names = (f"{at.scheme}_proxy", f"{at.scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
        found = next((self._environ[n] for n in names if self._environ.get(n)), "")
        spared = self._environ.get("no_proxy") or self._environ.get("NO_PROXY") or ""
        if not found or _spared(at, spared):
            return None
        parts = urlsplit(found if "://" in found else f"http://{found}")
        if parts.scheme not in PROXIES or not parts.hostname:
            raise ValueError("a proxy of another kind")
        return parts


def _address(text: str) -> IPv4Address | IPv6Address:
    """An address; the IPv4 address of one that only wraps it.  text: with or without a zone."""
    found = ip_address(text.partition("%")[0])
    if isinstance(found, IPv4Address) or found.is_loopback or found.is_unspecified:  # ::1 and :: wrap nothing
        return found
    if any(found in network for network in _WRAPPING):
        return IPv4Address(int(found) & 0xFFFFFFFF)
    return found.sixtofour or found


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _spared(at: Origin, names: str) -> bool:
    """True for a host of NO_PROXY: a name, or the end of one, with or without the port; `*` is all."""
    for name in names.lower().replace(" ", "").split(","):
        bare = name.lstrip(".")
        if name == "*" or (
            bare and any(h == bare or h.endswith(f".{bare}") for h in (at.host, f"{at.host}:{at.port}"))
        ):
            return True
    return False


def _basic(proxy: SplitResult) -> str:
    words = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}"
    return "Basic " + base64.b64encode(words.encode()).decode("ascii")


def _words(problem: Exception) -> str:
    """What went wrong, without anything of what was sent."""
    match problem:
        case TimeoutError():
            return "does not answer in time"
        case socket.gaierror():
            return "cannot be found: its name is not known here"
        case ssl.SSLError():
            return f"cannot be trusted: {printable(problem.reason or 'TLS fails', 80).lower().replace('_', ' ')}"
        case http.client.HTTPException():
            return "answers something that is not HTTP"
        case OSError():
            return f"cannot be reached: {(problem.strerror or 'the connection ended').lower()}"
        case _:
            return "cannot be asked: its address, or the proxy's, is of a form that mlcc does not know"
