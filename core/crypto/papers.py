"""What every certificate of ours has in common, whichever of the two roots signs it."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key, because browsers do not take Ed25519."""
    return ec.generate_private_key(ec.SECP256R1())


def instant(at: int) -> datetime:
    """Milliseconds to the whole seconds that certificates know."""
    return datetime.fromtimestamp(at // 1000, UTC)


def begin_paper(
    *, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, vouches: bool
) -> x509.CertificateBuilder:
    """Begin a certificate for a key; one that `vouches` may sign others, and nothing else."""
    usage = x509.KeyUsage(
        digital_signature=not vouches,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=vouches,
        crl_sign=vouches,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .add_extension(
            x509.BasicConstraints(ca=vouches, path_length=0 if vouches else None), critical=True
        )
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
