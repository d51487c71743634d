"""Head office over HTTPS: joining it once, and then the gate, by the hub's own certificate."""

from __future__ import annotations

import http.client
import select
import socket
import ssl
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from core.enrolment import EnrolAnswer, EnrolRequest, RenewAnswer, RenewRequest
from core.wire import BadBatch, FeedBatch, unpack_batch

T = TypeVar("T")

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 30.0
LISTEN_S = 2.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024
_ENDED = {"SSLV3_ALERT_CERTIFICATE_EXPIRED", "TLSV1_ALERT_CERTIFICATE_EXPIRED"}
FEED_DOCUMENTS = 500
"""How many documents of the feed one batch may hold."""


class Declined(Exception):
    """Head office says no: its code for the reason, and its own words for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class Unreachable(Exception):
    """Head office did not answer, or not in words that are known here."""


class Ended(Unreachable):
    """Head office does not let this hub's certificate in any more: it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where head office is."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def connected(self) -> str:
        """Where to connect: names under localhost are this machine, whoever resolves them."""
        return "127.0.0.1" if self.loopback else self.host

    @property
    def loopback(self) -> bool:
        return self.host in {"localhost", "127.0.0.1"} or self.host.endswith(".localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer: its status and body, and the digest that it names for that (hex)."""

    status: int
    body: bytes
    digest: str = ""


def parse_url(url: str) -> Address:
    """Read where head office is. Raises ValueError for what is no https address.

    Plain HTTP is for this machine only: the code and the merchant's keys would travel in clear.
    """
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url} is no https address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = Address(
        scheme=parts.scheme, host=parts.hostname, port=port, path=parts.path.rstrip("/")
    )
    if address.scheme == "http" and not address.loopback:
        raise ValueError(f"{url}: plain http is for this machine only")
    return address


def public_context(ca: str = "") -> ssl.SSLContext:
    """Return TLS for head office's public address: trust `ca` (PEM), or what all trust."""
    context = ssl.create_default_context(cadata=ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def enrol(url: str, asked: EnrolRequest, *, context: ssl.SSLContext) -> EnrolAnswer:
    """Ask head office to take this hub in.

    Raises Unreachable, Declined, and ValueError for a wrong URL.
    """
    body = msgspec.json.encode(asked)
    answered = ask(parse_url(url), "POST", "/enrol", body=body, context=context)
    if answered.status >= http.client.BAD_REQUEST:
        raise refusal_in(answered)
    return read_answer(answered, EnrolAnswer)


def fetch_feed(gate: str, *, after: int, context: ssl.SSLContext) -> FeedBatch:
    """Get the next stretch of the feed, not yet checked. Raises Unreachable."""
    path = f"/feed?after={after}&limit={FEED_DOCUMENTS}"
    answered = ask(parse_url(gate), "GET", path, context=context)
    if answered.status != http.client.OK:
        raise Unreachable(f"{answered.status} for {path}")
    try:
        return unpack_batch(answered.body)
    except BadBatch as error:
        raise Unreachable(str(error)) from error


def renew(gate: str, request: str, *, context: ssl.SSLContext) -> RenewAnswer:
    """Get the next certificate. Raises Unreachable, also where it is refused."""
    body = msgspec.json.encode(RenewRequest(csr=request))
    answered = ask(parse_url(gate), "POST", "/renew", body=body, context=context)
    if answered.status >= http.client.BAD_REQUEST:
        raise Unreachable(f"{answered.status} for /renew")
    return read_answer(answered, RenewAnswer)


class _Connection(http.client.HTTPConnection):
    """A connection to where an address says, in the name that it says."""

    def __init__(self, address: Address, context: ssl.SSLContext) -> None:
        super().__init__(address.host, address.port, timeout=ANSWER_TIMEOUT_S)
        self._address = address
        self._context = context

    def connect(self) -> None:
        address = self._address
        self.sock = socket.create_connection(
            (address.connected, address.port), CONNECT_TIMEOUT_S
        )
        self.sock.settimeout(ANSWER_TIMEOUT_S)
        if address.scheme == "https":
            # The context checks the name that was asked for, not the one connected to.
            self.sock = self._context.wrap_socket(self.sock, server_hostname=address.host)


def ask(
    address: Address,
    method: str,
    path: str,
    *,
    context: ssl.SSLContext,
    body: bytes = b"",
    content_type: str = "application/json",
) -> Answered:
    """Ask once. Raises Unreachable; Ended where the hub's certificate is why."""
    connection = _Connection(address, context)
    headers = {"Accept": "application/json, application/zstd, application/octet-stream"}
    if body:
        headers["Content-Type"] = content_type
    try:
        connection.request(method, f"{address.path}{path}", body=body or None, headers=headers)
        response = connection.getresponse()
        content = response.read(ANSWER_BYTES_MAX + 1)
    except ssl.SSLError as error:
        # Told in the first words after the handshake: TLS 1.3 checks the caller's last.
        ended = error.reason in _ENDED
        raise (Ended if ended else Unreachable)(str(error)) from error
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(str(error) or type(error).__name__) from error
    finally:
        connection.close()
    if len(content) > ANSWER_BYTES_MAX:
        raise Unreachable("an answer without end")
    digest = response.getheader("X-Sha256") or ""
    return Answered(status=response.status, body=content, digest=digest)


def has_ended(address: Address, context: ssl.SSLContext) -> bool:
    """Say whether this hub's certificate has ended in the eyes of whoever is at an address.

    TLS 1.3 tells that behind the handshake, and a caller that has begun to speak by then may
    find the line cut instead: so this one only listens.
    """
    connection = _Connection(address, context)
    try:
        connection.connect()
        if select.select([connection.sock], [], [], LISTEN_S)[0]:
            connection.sock.setblocking(False)  # noqa: FBT003 - the standard library's own
            connection.sock.recv(1)
    except ssl.SSLError as error:
        return error.reason in _ENDED
    except OSError:
        return False
    finally:
        connection.close()
    return False


def read_answer(answered: Answered, shape: type[T]) -> T:
    """Read an answer. Raises Unreachable where it is none that is known here."""
    try:
        return msgspec.json.decode(answered.body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreachable(f"not an answer of head office: {error}") from error


class _Problem(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""


class _Failed(msgspec.Struct, frozen=True):
    """A refusal, as pages tell it to programs, or as the API does."""

    code: str = ""
    message: str = ""
    error: _Problem = _Problem()


def refusal_in(answered: Answered) -> Exception:
    """Return what a refusal is to whoever asked: Declined, or Unreachable without a reason."""
    try:
        failed = msgspec.json.decode(answered.body, type=_Failed)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        failed = _Failed()
    code = failed.code or failed.error.code
    if not code:
        return Unreachable(f"{answered.status}, and no reason that is known here")
    return Declined(code, failed.message or failed.error.message)
