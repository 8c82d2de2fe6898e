"""A connection to AWS: credentials, region, retries, and calls by name.  Law: decides nothing; errors become AwsError.

Credentials, profiles and addresses (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_SAGEMAKER` and their like) are those of the
SDK's own chain, so that mlcc asks as whoever `aws` asks as.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Protocol

CONNECT_S, READ_S = 10, 70
# Attempts of one call: throttled and unreachable ones are repeated by the SDK, slower each time.
ATTEMPTS = 5
# The kind of failure where what came is no answer of AWS.
UNREADABLE = "UnreadableAnswer"
# What the status is of a request that the SDK refuses itself: nothing was sent, so nothing was carried out.
NOT_SENT = 400
# Credentials for a server that looks at none.
NOBODY = "mlcc-dev-aws"


class AwsError(Exception):
    """A call that AWS refused, or that did not reach it.

    service, operation: as the SDK names them; code: AWS's own (`ValidationException`), or the kind of failure where no
    answer came; message: in AWS's words; status: of HTTP, 0 without an answer (NOT_SENT for what the SDK refuses before
    any request); details: more members of the answer.
    """

    def __init__(
        self,
        service: str,
        operation: str,
        code: str,
        message: str,
        status: int = 0,
        details: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        super().__init__(f"{service} {operation}: {code}: {message}")
        self.service, self.operation = service, operation
        self.code, self.message, self.status, self.details = code, message, status, details

    @property
    def unanswered(self) -> bool:
        """True when nobody knows whether the call was carried out: its answer never came."""
        return self.status == 0


class Caller(Protocol):
    """What the service classes call; tests pass one that answers from a table."""

    @property
    def region(self) -> str:
        """The region that calls go to."""

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of one call.  Raises AwsError."""


class Connection:
    """Calls as the SDK makes them."""

    def __init__(self, region: str = "", profile: str = "", stand_in: str = "") -> None:
        """region, profile: empty for those of the environment and ~/.aws; stand_in: the address of a server of this
        machine that stands in for AWS, and is asked with nobody's credentials.  Raises AwsError for an unknown profile.
        """
        from botocore import exceptions, parsers, session
        from botocore.eventstream import EventStream

        self._stream = EventStream
        self._problems = (exceptions.BotoCoreError, exceptions.ClientError)
        self._answered, self._unreadable = exceptions.ClientError, parsers.ResponseParserError
        self._not_sent = (exceptions.ParamValidationError, exceptions.ValidationError)
        try:
            self._session = session.Session(profile=profile or None)
            self.region = region or str(self._session.get_config_variable("region") or "")
        except exceptions.BotoCoreError as problem:
            raise AwsError("config", "Session", type(problem).__name__, str(problem)) from None
        self._clients: dict[str, Any] = {}
        self._stand_in = stand_in
        # of the last answer, refused or not: seconds since 1970, None without one
        self.server_time: float | None = None

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of one call, without the SDK's own entry.  Raises AwsError."""
        try:
            ask = getattr(self._client(service), _method(operation))
        except self._problems as problem:
            raise self._error(service, operation, problem) from None
        try:
            answer: dict[str, Any] = ask(**parameters)
        except self._problems as problem:
            raise self._error(service, operation, problem) from None
        except (self._unreadable, AttributeError, LookupError, TypeError, ValueError):
            # the SDK's parsers raise what they like where another server answers, as a proxy's login page
            text = "the answer is not in AWS's form: another server than AWS has answered"
            raise AwsError(service, operation, UNREADABLE, text) from None
        self._note_time(answer.pop("ResponseMetadata", {}))
        for member, value in answer.items():
            if isinstance(value, self._stream):
                answer[member] = self._events(service, operation, value)
        return answer

    def _events(self, service: str, operation: str, stream: Any) -> Iterator[Any]:
        """The events of an answer; one that breaks off raises AwsError like a call."""
        try:
            yield from stream
        except self._problems as problem:
            raise self._error(service, operation, problem) from None

    def _note_time(self, metadata: Mapping[str, Any]) -> None:
        from email.utils import parsedate_to_datetime

        with suppress(TypeError, ValueError):
            self.server_time = parsedate_to_datetime(metadata.get("HTTPHeaders", {}).get("date")).timestamp()

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            from botocore.config import Config

            retries: Any = {"mode": "standard", "total_max_attempts": ATTEMPTS}
            config = Config(connect_timeout=CONNECT_S, read_timeout=READ_S, retries=retries)
            more: dict[str, Any] = {}
            if self._stand_in:
                # no proxy reaches this machine, and no bucket has a host name of its own here
                config = config.merge(Config(proxies={}, s3={"addressing_style": "path"}))
                keys = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), NOBODY)
                more = {"endpoint_url": self._stand_in, **keys}
            try:
                self._clients[service] = self._session.create_client(
                    service, region_name=self.region or None, config=config, **more
                )
            except ValueError as problem:  # what an address is, the SDK says without an exception of its own
                raise AwsError(service, "CreateClient", "InvalidEndpoint", str(problem), NOT_SENT) from None
        return self._clients[service]

    def _error(self, service: str, operation: str, problem: Exception) -> AwsError:
        if not isinstance(problem, self._answered):
            status = NOT_SENT if isinstance(problem, self._not_sent) else 0
            return AwsError(service, operation, type(problem).__name__, str(problem), status)
        response: Any = problem.response
        self._note_time(response.get("ResponseMetadata", {}))
        error = response.get("Error", {})
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        more = {name: value for name, value in response.items() if name not in ("Error", "ResponseMetadata")}
        return AwsError(service, operation, str(error.get("Code", "")), str(error.get("Message", "")), status, more)


def _method(operation: str) -> str:
    from botocore import xform_name

    return str(xform_name(operation))
