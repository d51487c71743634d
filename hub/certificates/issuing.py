"""The two certificates themselves, made from keys, names and a time; no file is touched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from core.crypto import begin_paper, instant
from hub.certificates.names import PRIVATE_DOMAINS, PRIVATE_NETWORKS, IpAddress, is_within

ROOT_DAYS = 3652
LEAF_DAYS = 397
"""Browsers of some makers refuse a longer one, also under a root that was installed by hand."""
BACKDATE_DAYS = 1
"""Tablets whose clocks run behind must not see a certificate from tomorrow."""
COMMON_NAME_CHARACTERS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a leaf says of the hub."""

    names: tuple[str, ...]
    addresses: tuple[IpAddress, ...]


def make_root(
    key: ec.EllipticCurvePrivateKey, *, names: tuple[str, ...], at: int
) -> x509.Certificate:
    """Make the root that may vouch for `names`, `.local` and private addresses, and no more."""
    public = key.public_key()
    from_when = instant(at) - timedelta(days=BACKDATE_DAYS)
    own = [name for name in names if not is_within(name, PRIVATE_DOMAINS)]
    permitted: list[x509.GeneralName] = [
        *(x509.DNSName(domain) for domain in (*PRIVATE_DOMAINS, *own)),
        *(x509.IPAddress(network) for network in PRIVATE_NETWORKS),
    ]
    subject = _root_subject(public)
    return (
        begin_paper(subject=subject, issuer=subject, key=public, vouches=True)
        .not_valid_before(from_when)
        .not_valid_after(from_when + timedelta(days=ROOT_DAYS))
        .add_extension(
            x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None),
            critical=True,
        )
        # Name constraints say nothing of code or mail; this does.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False
        )
        .sign(key, hashes.SHA256())
    )


def make_leaf(
    key: ec.EllipticCurvePublicKey,
    *,
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
    identity: Identity,
    at: int,
) -> x509.Certificate:
    """Make what the hub serves with; never valid before or after its root is."""
    from_when = max(instant(at) - timedelta(days=BACKDATE_DAYS), root.not_valid_before_utc)
    until = min(from_when + timedelta(days=LEAF_DAYS), root.not_valid_after_utc)
    common_name = identity.names[0][:COMMON_NAME_CHARACTERS_MAX]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    issuer_key = root_key.public_key()
    return (
        begin_paper(subject=subject, issuer=root.subject, key=key, vouches=False)
        .not_valid_before(from_when)
        .not_valid_after(until)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    *(x509.DNSName(name) for name in identity.names),
                    *(x509.IPAddress(address) for address in identity.addresses),
                ]
            ),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )


def identity_of(leaf: x509.Certificate) -> Identity:
    """Read back what `make_leaf` was told."""
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = names.get_values_for_type(x509.IPAddress)
    return Identity(
        names=tuple(names.get_values_for_type(x509.DNSName)),
        addresses=tuple(a for a in addresses if isinstance(a, IpAddress)),
    )


def domains_of(root: x509.Certificate) -> tuple[str, ...]:
    """Return the domains that a root may vouch for; empty where it is not limited."""
    try:
        constraints = root.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return ()
    permitted = constraints.permitted_subtrees or []
    return tuple(name.value for name in permitted if isinstance(name, x509.DNSName))


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 as tablets show it: pairs of capitals with colons."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _root_subject(key: ec.EllipticCurvePublicKey) -> x509.Name:
    # Named after its key: two stores' roots on one tablet must not be taken for each other.
    mark = x509.SubjectKeyIdentifier.from_public_key(key).digest[:4].hex().upper()
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Dianshu 店枢"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Dianshu hub {mark[:4]}-{mark[4:]}"),
        ]
    )
