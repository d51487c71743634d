"""What the broker is told: who may come in, and who may say and hear what.

A hub's certificate names it (`<merchant>.<hub>`); the broker takes that name as user and as
client id, whatever the client asks for, and two patterns let it write below its own `up` and
read below its own `dn`. So a thousand hubs need no line more than two.

A SUBACK tells nothing: the broker grants a subscription to foreign topics and then delivers
none of them. The tests beside this file assert what is delivered.
"""

from __future__ import annotations

import getpass
import ipaddress
from dataclasses import dataclass
from pathlib import Path

INGEST = "cloud-ingest"
"""The name in head office's own certificate. Hubs' names have a dot, so none can be it."""
PACKET_BYTES_MAX = 1_048_576
INFLIGHT_MESSAGES_MAX = 64
QUEUED_MESSAGES_MAX = 1_000
"""For one client that reads slowly; what is dropped is sent again."""
QUEUED_BYTES_MAX = 64 * 1_048_576
KEEPALIVE_S_MAX = 120
CONNECTIONS_MAX = 20_000
CONFIGURATION = "mosquitto.conf"
RIGHTS = "acl"


class BadSetting(Exception):
    """A path or an address would say something else in the broker's file than is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """The files by which the broker and those who come know each other (PEM)."""

    authority: Path
    """Who issued the hubs' and head office's certificates."""
    certificate: Path
    key: Path
    revoked: Path | None = None
    """A list of certificates that are no longer good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Where the broker is found: an address of this machine and a port."""

    host: str
    port: int

    @classmethod
    def read(cls, bind: str) -> Listener:
        """Read `127.0.0.1:8883` or `[::1]:8883`. Raises ValueError."""
        host, _colon, port = bind.rpartition(":")
        number = int(port)
        if not 0 < number < 65_536:
            raise ValueError(bind)
        name = "127.0.0.1" if host == "localhost" else host.strip("[]")
        return cls(host=str(ipaddress.ip_address(name)), port=number)

    @property
    def loopback(self) -> bool:
        return ipaddress.ip_address(self.host).is_loopback


def write_configuration(folder: Path, listener: Listener, papers: Papers) -> Path:
    """Write mosquitto.conf and acl into `folder`; return the first. Raises BadSetting."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    rights = folder / RIGHTS
    rights.write_text(_rights(), encoding="utf-8")
    # It refuses to stay silent about a file of rights that others may read.
    rights.chmod(0o600)
    path = folder / CONFIGURATION
    path.write_text(_configuration(listener, papers, rights), encoding="utf-8")
    return path


def _configuration(listener: Listener, papers: Papers, rights: Path) -> str:
    lines = [
        "# Written at every start; changes are lost.",
        "per_listener_settings false",
        # Nothing that matters rests here: who is owed something sends it again.
        "persistence false",
        f"user {getpass.getuser()}",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "connection_messages true",
        f"max_packet_size {PACKET_BYTES_MAX}",
        f"max_inflight_messages {INFLIGHT_MESSAGES_MAX}",
        f"max_queued_messages {QUEUED_MESSAGES_MAX}",
        f"max_queued_bytes {QUEUED_BYTES_MAX}",
        f"max_keepalive {KEEPALIVE_S_MAX}",
        # A request answered in 3 ms takes 44 ms without it.
        "set_tcp_nodelay true",
        "allow_anonymous false",
        f"acl_file {_plain(rights)}",
        "",
        f"listener {listener.port} {listener.host}",
        f"max_connections {CONNECTIONS_MAX}",
        f"cafile {_plain(papers.authority)}",
        f"certfile {_plain(papers.certificate)}",
        f"keyfile {_plain(papers.key)}",
        "tls_version tlsv1.3",
        "require_certificate true",
        "use_identity_as_username true",
        # Only below its listener's line: above, mosquitto takes it for a listener that is not.
        "use_username_as_clientid true",
    ]
    if papers.revoked is not None:
        lines.append(f"crlfile {_plain(papers.revoked)}")
    return "".join(f"{line}\n" for line in lines)


def _rights() -> str:
    return (
        f"user {INGEST}\n"
        "topic readwrite h1/#\n"
        "\n"
        "pattern write h1/+/%u/up/#\n"
        "pattern read h1/+/%u/dn/#\n"
    )


def _plain(path: Path) -> str:
    """Return a path as the file can hold it: to its line's end, with nothing around it."""
    text = str(path.absolute())
    if text != text.strip() or any(character < " " for character in text):
        raise BadSetting(text)
    return text
