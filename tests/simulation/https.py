"""HTTPS in the simulated world: the gate's own pages, asked without a socket or a thread.

A hub's errands are the product's, each request of them too; between two requests of one errand
head office may die, the line may be cut, an answer may be lost.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cloud.feed import bring
from cloud.gate.app import make_gate_app
from cloud.platform import REFUSALS, enrol, look, renew_late
from core.enrolment import EnrolRequest, LookRequest, RenewLateRequest
from core.errors import Refused
from hub.sync import Link
from hub.sync.head_office import Address, Answered, Unreachable
from tests.simulation.town import Town

DELAY_MS = range(5, 200)


class Errands:
    """Stands in for the queue of an errands' thread: each is done a moment later, or never."""

    def __init__(self, node: Any, tell: Callable[[Any], None]) -> None:
        self.node, self.tell = node, tell

    def put(self, errand: Callable[[], Any] | None) -> None:
        """Do an errand soon."""
        if errand is None:
            return
        world: Town = self.node.world
        world.happened["errand"] += 1
        delay = world.chance.choice(DELAY_MS)
        world.later(delay, self.node.life, lambda: self._run(errand))

    def _run(self, errand: Callable[[], Any]) -> None:
        self.node.guarded(lambda: self.node.turn(self.node.asking(errand)))


def simulated(kind: type[Any], node: Any) -> Callable[..., Any]:
    """Return what makes a hub's errand runner of this kind, without its thread."""

    def make(url: str, context: Any, tell: Callable[[Any], None]) -> Any:
        runner = object.__new__(kind)
        runner._url, runner._context, runner._tell = url, context, tell
        runner._errands = Errands(node, tell)
        return runner

    return make


class Peer:
    """A connection on which TLS has checked a certificate."""

    def __init__(self, certificate: str) -> None:
        self.certificate = certificate

    def getpeercert(self, *, binary_form: bool) -> bytes:
        assert binary_form
        return ssl.PEM_cert_to_DER_cert(self.certificate)


class Shown:
    """Stands in for a TLS context: all that the other side learns of it is a certificate."""

    certificate = ""


def tls_context(_folder: Path, link: Link, *, context: Shown | None = None) -> Shown:
    """Stand in for `hub.sync.link.tls_context`."""
    context = context or Shown()
    context.certificate = link.certificate
    return context


class Wire:
    """Answers what hubs ask over HTTPS; `asking` is the hub whose errand runs."""

    def __init__(self, world: Town) -> None:
        self.world = world
        self.asking: Any = None

    def ask(
        self,
        _address: Address,
        method: str,
        path: str,
        *,
        context: Any,
        body: bytes = b"",
        content_type: str = "application/json",
    ) -> Answered:
        """Stand in for `hub.sync.head_office.ask`."""
        world, hub = self.world, self.asking
        self._may_fail(hub)
        shown = "" if context is None else context.certificate
        answered = world.cloud.asked(
            lambda: self._answer(shown, method, path, body, content_type)
        )
        self._may_fail(hub)
        if answered is None:
            raise Unreachable("head office died over it")
        return answered

    def _may_fail(self, hub: Any) -> None:
        world = self.world
        cut = world.cloud.life is None or hub.hub in world.cut
        if cut or world.strikes(world.profile.loss / 4):
            raise Unreachable("nobody answers")

    def _answer(
        self, shown: str, method: str, path: str, body: bytes, content_type: str
    ) -> Answered:
        if path in PUBLIC:
            return self._public(path, body)
        response = world_gate(self.world).open(
            path,
            method=method,
            data=body or None,
            content_type=content_type if body else None,
            environ_overrides={"gunicorn.socket": Peer(shown)},
        )
        digest = response.headers.get("X-Sha256", "")
        return Answered(status=response.status_code, body=response.data, digest=digest)

    def _public(self, path: str, body: bytes) -> Answered:
        """Answer at the address that needs no certificate."""
        shape, verb = PUBLIC[path]
        try:
            answer = verb(self.world.cloud.platform, msgspec.json.decode(body, type=shape))
        except Refused as no:
            said = {"code": no.code, "message": no.code}
            return Answered(status=409, body=msgspec.json.encode(said))
        return Answered(status=200, body=msgspec.json.encode(answer))


PUBLIC: Mapping[str, tuple[type[Any], Callable[[Any, Any], Any]]] = {
    "/enrol": (EnrolRequest, lambda platform, asked: enrol(platform, asked, bring=bring)),
    "/enrol/look": (LookRequest, look),
    "/enrol/renew": (RenewLateRequest, renew_late),
}


def world_gate(world: Town) -> Any:
    """Return a client of the gate over head office as it runs now."""
    cloud = world.cloud
    if cloud.gate is None:
        app = make_gate_app(cloud.platform, refusals=REFUSALS)
        app.testing = True
        cloud.gate = app.test_client()
    return cloud.gate
