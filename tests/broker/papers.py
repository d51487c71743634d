"""An authority made for a test, and the certificates that it gives to hubs and to the broker."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BEGINS = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ENDS = dt.datetime(2046, 1, 1, tzinfo=dt.UTC)
LOOPBACK = x509.SubjectAlternativeName(
    [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """Whoever issues certificates, in a folder."""

    def __init__(self, folder: Path, name: str = "Dianshu test authority") -> None:
        folder.mkdir()
        self._folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder(name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(_pem(made.sign(self._key, hashes.SHA256())))

    def issue(self, name: str, *, server: bool = False) -> Pair:
        """Give somebody a certificate under a name."""
        key = ec.generate_private_key(ec.SECP256R1())
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        made = (
            self._builder(name, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(LOOPBACK, critical=False)
        )
        pair = Pair(certificate=self._folder / f"{name}.pem", key=self._folder / f"{name}.key")
        pair.certificate.write_bytes(_pem(made.sign(self._key, hashes.SHA256())))
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        pair.key.chmod(0o600)
        return pair

    def revoke(self, *pairs: Pair) -> Path:
        """Write the list of certificates that are no longer good."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(BEGINS)
            .next_update(ENDS)
        )
        for pair in pairs:
            known = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
            entry = x509.RevokedCertificateBuilder().serial_number(known.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(BEGINS).build())
        path = self._folder / "revoked.pem"
        whole = path.with_name("revoked.new")
        whole.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))
        return whole.replace(path)

    def _builder(self, name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEGINS)
            .not_valid_after(ENDS)
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
