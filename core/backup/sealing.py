"""Sealing with age: whoever writes a backup needs only the public half of the recovery key.

pyrage is the reference implementation's sibling in Rust, so `age` from any distribution opens
what it wrote, without this program. It takes and gives streams, never a whole file in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

import pyrage

from core.backup.manifest import BadBackup
from core.crypto import LogKey, signing_key
from core.errors import N_, Refusal, Refused

REFUSALS = {
    "bad_recipient": Refusal(422, N_("这不是恢复密钥的公开部分（age1…）")),
    "backup_folder_missing": Refusal(
        404,
        N_("没有 %(folder)s 这个文件夹。先接好备份盘；要新建请用 mkdir -p %(folder)s"),
    ),
}

AGE_HEADER = b"age-encryption.org/v1"
SECRET_WORD = "AGE-SECRET-KEY-1"  # noqa: S105 - how such a key begins, and no key
SIGNER_WORD = "# signer: "


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryKey:
    """What opens backups. The secret half belongs on paper, far from the machine.

    `signer` is the public key with which the machine signs its backups: with it whoever
    restores knows that a backup is this machine's and nobody else's. It may be empty.
    """

    secret: str
    recipient: str
    signer: str = ""

    def written(self) -> str:
        """Return it as a file of age's own kind, which `age -d -i` takes too."""
        signer = f"{SIGNER_WORD}{self.signer}\n" if self.signer else ""
        return f"# recipient: {self.recipient}\n{signer}{self.secret}\n"


def signer_of(secret: bytes) -> LogKey:
    """Return the key by which a machine's backups are known as its own, from its secret."""
    return signing_key(hashlib.sha256(b"H1 backup signer\0" + secret).digest())


def new_recovery_key(*, signer: str = "") -> RecoveryKey:
    """Make a recovery key."""
    made = pyrage.x25519.Identity.generate()
    return RecoveryKey(secret=str(made), recipient=str(made.to_public()), signer=signer)


def read_recovery_key(text: str) -> RecoveryKey:
    """Read a key as `RecoveryKey.written` wrote it. Raises ValueError where it is none."""
    lines = [line.strip() for line in text.splitlines()]
    secret = next((line for line in lines if line.startswith(SECRET_WORD)), "")
    signers = [line.removeprefix(SIGNER_WORD) for line in lines if line.startswith(SIGNER_WORD)]
    try:
        known = pyrage.x25519.Identity.from_str(secret)
    except pyrage.IdentityError as error:
        raise ValueError("no recovery key") from error
    return RecoveryKey(
        secret=secret,
        recipient=str(known.to_public()),
        signer=signers[0] if signers else "",
    )


def check_recipient(text: str) -> None:
    """Refuse what is not the public half of a recovery key. Refused: bad_recipient."""
    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise Refused("bad_recipient") from error


def seal(source: IO[bytes], target: IO[bytes], recipients: Sequence[str]) -> None:
    """Encrypt a stream so that each of the recipients opens it."""
    known = [pyrage.x25519.Recipient.from_str(text) for text in recipients]
    pyrage.encrypt_io(source, target, known)


def unseal(source: IO[bytes], target: Any, keys: Sequence[RecoveryKey]) -> None:
    """Decrypt a stream. Raises BadBackup where no key fits, and where it was cut or changed."""
    known = [pyrage.x25519.Identity.from_str(key.secret) for key in keys]
    if not known:
        raise BadBackup("it is sealed: give its recovery key with --key FILE")
    try:
        pyrage.decrypt_io(source, target, known)
    except pyrage.DecryptError as error:
        raise BadBackup(f"it cannot be opened with this key: {error}") from error
    except OSError as error:
        if error.errno is not None:
            raise  # The disk or the pipe, and nothing about the file.
        raise BadBackup(f"it is cut off or changed: {error}") from error
