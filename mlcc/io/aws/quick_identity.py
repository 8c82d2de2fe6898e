"""Who calls, before the SDK is loaded.  Law: the plainest case alone; whatever is not plain is the SDK's to answer.

Every step on AWS asks first whose credentials it has, and the SDK takes longer to load than a whole step needs.  So
where keys stand in the environment or in ~/.aws/credentials and nothing else is configured, that one request is signed
here, and wrong credentials or another account are seen at once.  Any other answer than a good one is not believed: the
SDK asks again, and explains.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from mlcc.io.aws import shared_files
from mlcc.io.aws.connection import Connection
from mlcc.io.aws.shared_files import Credentials
from mlcc.io.web import TROUBLE, exchange, service_connection

BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
KIND = "application/x-www-form-urlencoded; charset=utf-8"
SERVICE, ALGORITHM = "sts", "AWS4-HMAC-SHA256"
WAIT_S, MAX_ANSWER = 5.0, 64 * 1024
# Variables by which the SDK's own ways differ from the plain one: roles, files, certificates, proxies, addresses.
UNPLAIN = (
    "AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE",
    "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_STS_REGIONAL_ENDPOINTS", "AWS_CONFIG_FILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ENDPOINT_URL_STS",
    "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "REQUESTS_CA_BUNDLE",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE", "AWS_SIGV4A_SIGNING_REGION_SET",
)  # fmt: skip
_ACCOUNT, _ARN = re.compile(rb"<Account>(\d{12})</Account>"), re.compile(rb"<Arn>(arn:[^<&\s]{10,2048})</Arn>")


def plain(environ: Mapping[str, str], home: str, profile: str = "") -> Credentials | None:
    """Keys of the environment, or of a profile in ~/.aws, where nothing else is configured.

    home: of the user; profile: of ~/.aws, before that of the environment; empty for the SDK's own choice.
    """
    if not home or any(environ.get(name) for name in UNPLAIN):
        return None
    key, secret = environ.get("AWS_ACCESS_KEY_ID", ""), environ.get("AWS_SECRET_ACCESS_KEY", "")
    named = profile or environ.get("AWS_PROFILE", "")
    if not key and not secret:
        return shared_files.profile_keys(home, named)
    if named or not key or not secret or not shared_files.says_nothing(home):
        return None  # which of the two it is, the SDK says
    return Credentials(key, secret, environ.get("AWS_SESSION_TOKEN", ""))


def headers(host: str, region: str, own: Credentials, now: float) -> dict[str, str]:
    """The headers of the request, signed (Signature Version 4).

    now: seconds since 1970.  https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    found = {"content-type": KIND, "host": host, "x-amz-date": moment}
    if own.token:
        found["x-amz-security-token"] = own.token
    names = ";".join(sorted(found))
    lines = "".join(f"{name}:{found[name]}\n" for name in sorted(found))
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(BODY).hexdigest()}"
    scope = f"{moment[:8]}/{region}/{SERVICE}/aws4_request"
    text = f"{ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{own.secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    words = f"{ALGORITHM} Credential={own.key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**found, "Authorization": words}


def asked(address: str, region: str, own: Credentials, now: float) -> dict[str, Any] | None:
    """GetCallerIdentity: account and ARN; None for any answer that is not a good one.  address: of the service."""
    connection = service_connection(address, WAIT_S)
    if connection is None:
        return None
    try:
        signed = headers(urlsplit(address).netloc, region, own, now)
        answer = exchange(connection, "POST", "/", BODY, signed, cap=MAX_ANSWER, total_s=WAIT_S)
    except TROUBLE:
        return None
    account, arn = _ACCOUNT.search(answer.body), _ARN.search(answer.body)
    if answer.status != 200 or account is None or arn is None:
        return None
    return {"Account": account[1].decode(), "Arn": arn[1].decode()}


class QuickConnection:
    """A connection whose first question, who calls, does not wait for the SDK."""

    def __init__(
        self, region: str, address: str, own: Credentials, clock: Callable[[], float], make: Callable[[], Connection]
    ) -> None:
        """region: never empty; address: of STS; clock: seconds since 1970; make: the connection by the SDK."""
        self.region, self._address, self._own, self._clock = region, address, own, clock
        self._make = make
        self._made: Connection | None = None

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of one call.  Raises AwsError."""
        if self._made is None and (service, operation) == (SERVICE, "GetCallerIdentity"):
            found = asked(self._address, self.region, self._own, self._clock())
            if found is not None:
                return found
        if self._made is None:
            self._made = self._make()
        return self._made.call(service, operation, parameters)


def connect(
    region: str,
    suffix: str,
    environ: Mapping[str, str],
    home: str,
    profile: str,
    clock: Callable[[], float],
    make: Callable[[], Connection],
) -> Connection | QuickConnection:
    """A connection: a quick one in the plain case, else the SDK's.

    region, suffix: as `us-east-1` and `amazonaws.com`, empty where they are not known; home: of the user; profile:
    of ~/.aws, empty for the SDK's own choice; make: the SDK's.  Raises AwsError as `make` does.
    """
    own = plain(environ, home, profile) if region and suffix else None
    if own is None:
        return make()
    address = environ.get("AWS_ENDPOINT_URL", "") or f"https://{SERVICE}.{region}.{suffix}"
    return QuickConnection(region, address, own, clock, make)
