"""Who calls at the gate: the hub that the peer's certificate names, in the epoch it was for."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from flask import current_app, g, request

from cloud.platform import (
    Hub,
    Merchant,
    Platform,
    Reason,
    closed_by_certificate,
    hub_named,
    serial_of,
)
from core.errors import Refused

FOR_THE_CLOSED = frozenset({"/late", "/standing", "/return/segment"})
"""What a box is let in for whose epoch was closed, so that nothing it knows is lost.

Of what it was sent, only what bears the merchant's own signature, while head office recovers.
"""

FOR_THE_FORGOTTEN = frozenset({"/return/papers"})
"""What anybody with a certificate of this head office may ask; it is believed by its papers."""


def let_in() -> None:
    """Find the hub of the peer's certificate.

    A closed epoch's certificate is good for FOR_THE_CLOSED only, a stolen box's for nothing.
    Refused: certificate_missing, certificate_foreign, hub_revoked, hub_stolen.
    """
    if request.path in FOR_THE_FORGOTTEN:
        return
    certificate = shown_certificate()
    with the_platform().door.read() as db:
        hub = hub_named(db, _common_name(certificate))
        if hub is None:
            raise Refused("certificate_foreign")
        closed = closed_by_certificate(db, hub.id, serial_of(certificate))
    if closed == Reason.STOLEN:
        raise Refused("hub_stolen")
    if closed is not None and request.path not in FOR_THE_CLOSED:
        raise Refused("hub_revoked")
    g.hub = hub


def shown_certificate() -> x509.Certificate:
    """Return the certificate that TLS has checked. Refused: certificate_missing."""
    return _peer(request.environ)


def the_hub() -> Hub:
    known: Hub = g.hub
    return known


def the_merchant() -> Merchant:
    return the_platform().merchant(the_hub().merchant)


def the_platform() -> Platform:
    served: Platform = current_app.extensions["platform"]
    return served


def typed_number(name: str, usual: int, *, most: int) -> int:
    """Return a number of the query. Refused: bad_position."""
    typed = request.args.get(name, str(usual))
    if not typed.isascii() or not typed.isdigit() or len(typed) > 19 or int(typed) > most:
        raise Refused("bad_position")
    return int(typed)


def _peer(environ: dict[str, Any]) -> x509.Certificate:
    """Return the certificate that TLS has checked on this connection."""
    connection = environ.get("gunicorn.socket")
    peer = getattr(connection, "getpeercert", lambda **_how: None)(binary_form=True)
    if peer is None:
        raise Refused("certificate_missing")
    return x509.load_der_x509_certificate(peer)


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else ""
