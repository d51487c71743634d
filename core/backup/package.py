"""The file itself: written through a pipe, so that nothing secret lies on a disk unsealed."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
import zstandard

from core.backup.manifest import BadBackup, Item, Manifest, read_manifest, signed_bytes
from core.backup.sealing import AGE_HEADER, RecoveryKey, seal, unseal
from core.crypto import flush_folder
from core.errors import Refused

LEVEL = 3
CHUNK_BYTES = 1 << 20
MANIFEST_BYTES_MAX = 64 << 20
PRIVATE_MODE = 0o600
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file to be packed: lying at a path, or, for a secret, in memory only."""

    name: str
    path: Path | None = None
    raw: bytes = b""

    def item(self) -> Item:
        with self._opened() as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
        return Item(name=self.name, size=self.size, sha256=digest)

    @property
    def size(self) -> int:
        return len(self.raw) if self.path is None else self.path.stat().st_size

    def add_to(self, archive: tarfile.TarFile) -> None:
        with self._opened() as source:
            _add(archive, self.name, self.size, source)

    def _opened(self) -> Any:
        return io.BytesIO(self.raw) if self.path is None else self.path.open("rb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A backup file as it lies on the disk, read back."""

    path: Path
    size: int
    sha256: str
    manifest: str
    """The digest of its manifest, in hex: what the next one names as the previous."""


def check_folder(folder: Path) -> None:
    """See that the folder for a backup is there. Refused: backup_folder_missing.

    It is never made here: where a medium belongs that is not plugged in, it would lie on the
    very disk that the backup is to outlive.
    """
    if not folder.is_dir():
        raise Refused("backup_folder_missing", folder=str(folder))


def write_package(
    path: Path,
    manifest: Manifest,
    contents: Sequence[Content],
    *,
    sign: Sign,
    recipients: Sequence[str] = (),
) -> Written:
    """Write a backup, whole or not at all, and only for its owner to read.

    `manifest.files` must be the contents' items, in their order. What is told of the file is
    read back from the disk.
    """
    raw = msgspec.json.encode(manifest)
    signature = sign(signed_bytes(raw))
    beside = path.with_name(f".{path.name}.part")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            with _piped(lambda pipe: _pack(pipe, raw, signature, contents)) as tar:
                if recipients:
                    seal(tar, file, recipients)
                else:
                    shutil.copyfileobj(tar, file, CHUNK_BYTES)
            file.flush()
            os.fsync(handle)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    flush_folder(path.parent)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Written(
        path=path,
        size=path.stat().st_size,
        sha256=digest,
        manifest=hashlib.sha256(raw).hexdigest(),
    )


def open_package(path: Path, into: Path, *, keys: Sequence[RecoveryKey] = ()) -> Manifest:
    """Unpack a backup into an empty folder, every file checked; return its manifest.

    Raises BadBackup, and FileNotFoundError; what was unpacked until then is for the caller to
    remove. Where a key names a signer, the backup must be signed by it.
    """
    with path.open("rb") as file:
        sealed = file.read(len(AGE_HEADER)) == AGE_HEADER
        file.seek(0)
        if not sealed:
            manifest = _unpack(file, into)
        else:
            with _piped(lambda pipe: unseal(file, pipe, keys)) as opened:
                manifest = _unpack(opened, into)
    signers = {key.signer for key in keys if key.signer}
    if signers and manifest.signer not in signers:
        raise BadBackup("it was signed by another machine than the recovery key is for")
    return manifest


# -- in and out of a tar -----------------------------------------------------------------------


def _pack(target: IO[bytes], raw: bytes, signature: bytes, contents: Sequence[Content]) -> None:
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    with (
        compressor.stream_writer(target, closefd=False) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w|", format=tarfile.USTAR_FORMAT) as archive,
    ):
        _add(archive, MANIFEST, len(raw), io.BytesIO(raw))
        _add(archive, SIGNATURE, len(signature), io.BytesIO(signature))
        for content in contents:
            content.add_to(archive)


def _add(archive: tarfile.TarFile, name: str, size: int, source: IO[bytes]) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, PRIVATE_MODE
    archive.addfile(entry, source)


def _unpack(source: IO[bytes], into: Path) -> Manifest:
    try:
        with (
            zstandard.ZstdDecompressor().stream_reader(source, closefd=False) as loose,
            tarfile.open(fileobj=loose, mode="r|") as archive,
        ):
            manifest = read_manifest(_small(archive, MANIFEST), _small(archive, SIGNATURE))
            for item in manifest.files:
                _extract(archive, item, into)
    except (zstandard.ZstdError, tarfile.TarError, EOFError) as error:
        raise BadBackup(f"it is cut off or changed: {error}") from error
    return manifest


def _next(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    entry = archive.next()
    if entry is None or not entry.isreg() or entry.name != name:
        raise BadBackup(f"{name} is not where it should be")
    opened = archive.extractfile(entry)
    assert opened is not None, "a regular file can be read"
    return opened


def _small(archive: tarfile.TarFile, name: str) -> bytes:
    content = _next(archive, name).read(MANIFEST_BYTES_MAX + 1)
    if len(content) > MANIFEST_BYTES_MAX:
        raise BadBackup(f"{name} has no end")
    return content


def _extract(archive: tarfile.TarFile, item: Item, into: Path) -> None:
    """Write one file; its name was checked with the manifest."""
    path = into / item.name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    with os.fdopen(handle, "wb") as file, _next(archive, item.name) as source:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            if size > item.size:
                break  # A few kilobytes unpack to a full disk: no more than was vouched for.
            file.write(chunk)
        file.flush()
        os.fsync(handle)
    if (size, digest.hexdigest()) != (item.size, item.sha256):
        raise BadBackup(f"{item.name} is not what the manifest vouches for")


# -- one side writes while the other reads -----------------------------------------------------


@contextmanager
def _piped(write: Callable[[IO[bytes]], None]) -> Iterator[IO[bytes]]:
    """Lend what `write` writes, as it writes it; its error is raised here and not lost."""
    reading, writing = os.pipe()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with os.fdopen(writing, "wb") as pipe:
                write(pipe)
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            failed.append(error)

    thread = threading.Thread(target=run, name="pipe", daemon=True)
    thread.start()
    cause: Exception | None = None
    with os.fdopen(reading, "rb") as pipe:
        try:
            yield pipe
            pipe.read()  # Whoever reads a tar stops at its end; the writer may have more.
        except Exception as error:  # noqa: BLE001 - raised below, unless it has a cause
            cause = error
    thread.join()
    broken = [error for error in failed if not isinstance(error, BrokenPipeError)]
    if broken:
        # What went wrong first is why the reader found nothing to read.
        raise broken[0] from cause
    if cause is not None:
        raise cause
