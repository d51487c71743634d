"""When the hub's certificate is due to be replaced, and the link that the next one makes."""

from __future__ import annotations

from cryptography import x509
from msgspec.structs import replace

from core.clock import DAY_MS
from core.enrolment import RenewAnswer, RenewLateRequest, proven_bytes
from hub.box import Box
from hub.sync.link import Link, certificate_request

RENEW_AFTER_MS = 30 * DAY_MS


def is_due(link: Link, at: int) -> bool:
    """Say whether the certificate has been in use for so long, by head office's time (ms)."""
    begun = x509.load_pem_x509_certificate(link.certificate.encode()).not_valid_before_utc
    return at - int(begun.timestamp() * 1000) >= RENEW_AFTER_MS


def has_ended(link: Link, at: int) -> bool:
    """Say whether the certificate has ended by a time (ms); the box's own may be wrong."""
    until = x509.load_pem_x509_certificate(link.certificate.encode()).not_valid_after_utc
    return at >= int(until.timestamp() * 1000)


def late_request(box: Box, link: Link) -> RenewLateRequest:
    """Ask for the next certificate after the end of the last: with the log key's proof."""
    request = certificate_request(box.folder, hub=link.hub)
    return RenewLateRequest(
        csr=request,
        certificate=link.certificate,
        proof=box.secrets.log_key.sign(proven_bytes(request)),
    )


def renewed_link(link: Link, answer: RenewAnswer) -> Link:
    """Return the link with its next certificate.

    Raises ValueError where that is not for the same key and name: it would lock this hub out.
    """
    held = x509.load_pem_x509_certificate(link.certificate.encode())
    following = x509.load_pem_x509_certificate(answer.certificate.encode())
    x509.load_pem_x509_certificates(answer.ca.encode())
    if (following.public_key(), following.subject) != (held.public_key(), held.subject):
        raise ValueError("not a certificate for this hub")
    return replace(link, certificate=answer.certificate, ca=answer.ca)
