"""A copy of a program's folder in one file: taken while it runs, sealed, signed, read back.

The file is a tar in one zstd frame: a manifest with its signature first, then copies of the
databases and the secrets without which nobody could open them. Where somebody made a recovery
key, all of it is in one age file that only that key opens; the machine that writes backups
does not hold it. Without one the file is as good as the machine itself, and must be kept so.
"""

from core.backup.manifest import BadBackup, Manifest, Stream, read_streams
from core.backup.options import key_option, keys_of, moment_shown, program_version
from core.backup.package import Content, Written, check_folder, open_package, write_package
from core.backup.pruning import stale_backups
from core.backup.sealing import (
    REFUSALS,
    RecoveryKey,
    check_recipient,
    new_recovery_key,
    read_recovery_key,
    seal,
    signer_of,
    unseal,
)

__all__ = [
    "REFUSALS",
    "BadBackup",
    "Content",
    "Manifest",
    "RecoveryKey",
    "Stream",
    "Written",
    "check_folder",
    "check_recipient",
    "key_option",
    "keys_of",
    "moment_shown",
    "new_recovery_key",
    "open_package",
    "program_version",
    "read_recovery_key",
    "read_streams",
    "seal",
    "signer_of",
    "stale_backups",
    "unseal",
    "write_package",
]
