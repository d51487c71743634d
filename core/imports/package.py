"""The zip file that an .xlsx is: opened only when harmless, its XML fed piece by piece."""

from __future__ import annotations

import errno
import posixpath
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.sax import SAXException  # nosec B406 - only the exception; parsing is defused
from xml.sax.handler import ContentHandler  # nosec B406 - only the interface
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from core.errors import Refused
from core.imports.limits import (
    DEPTH_MAX,
    PARTS_MAX,
    QUIET_BYTES_MAX,
    UNPACK_RATIO_MAX,
    UNPACK_UNSUSPECTED_BYTES,
    UNPACKED_BYTES_MAX,
)

CHUNK_BYTES = 64 * 1024
DIRECTORY_ENTRY = b"PK\x01\x02"
FLAG_ENCRYPTED = 0x1

# What zipfile and the XML parser raise at files that somebody damaged or made by hand.
_BROKEN = (
    BadZipFile,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    SAXException,
    ValueError,
    struct.error,
    zlib.error,
)


class PartHandler(ContentHandler):
    """Hears one part's XML, names without their prefixes, no deeper than any real part."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = False
        self._depth = 0

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 - SAX's name
        self.busy = True
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise Refused("import_unpacks_too_large")
        self.begin(name.rpartition(":")[2] if ":" in name else name, attrs)

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX's name
        self._depth -= 1
        self.end(name.rpartition(":")[2] if ":" in name else name)

    def begin(self, kind: str, attrs: Any) -> None:
        """Hear an element begin."""

    def end(self, kind: str) -> None:
        """Hear an element end."""


@contextmanager
def refusing_broken() -> Iterator[None]:
    """Turn what a damaged or hostile file makes the libraries raise into a refusal.

    Refused: import_xlsx_unsafe, import_xlsx_broken.
    """
    try:
        yield
    except DefusedXmlException as error:
        raise Refused("import_xlsx_unsafe") from error
    except _BROKEN as error:
        raise Refused("import_xlsx_broken") from error
    except OSError as error:
        # A part that says it begins before the file; any other is the disk's own trouble.
        if error.errno != errno.EINVAL:
            raise
        raise Refused("import_xlsx_broken") from error


class Package:
    """An open .xlsx whose sizes are known to be bounded.

    Refused: import_unpacks_too_large, import_is_encrypted, import_xlsx_broken.
    """

    def __init__(self, path: Path) -> None:
        _check_entry_count(path)
        with refusing_broken():
            self._zip = ZipFile(path)
        try:
            entries = self._zip.infolist()
            _check_sizes(entries, path.stat().st_size)
        except Refused:
            self._zip.close()
            raise
        # Some programs write backslashes, a leading slash or capitals that nobody else uses.
        self._parts = {_plain(entry.filename): entry for entry in entries}

    def close(self) -> None:
        self._zip.close()

    def __contains__(self, part: str) -> bool:
        return _plain(part) in self._parts

    def feed(self, part: str, handler: PartHandler, *, bytes_max: int) -> Iterator[None]:
        """Parse a part, pausing after each piece so that its rows can be taken.

        Refused: import_xlsx_broken, import_xlsx_unsafe, import_unpacks_too_large.
        """
        with refusing_broken():
            entry = self._parts[_plain(part)]
            if entry.file_size > bytes_max:
                raise Refused("import_unpacks_too_large")
            parser: Any = DefusedExpatParser(forbid_dtd=True)
            parser.setContentHandler(handler)
            quiet = 0
            with self._zip.open(entry) as stream:
                while piece := stream.read(CHUNK_BYTES):
                    handler.busy = False
                    parser.feed(piece)
                    quiet = 0 if handler.busy else quiet + len(piece)
                    if quiet > QUIET_BYTES_MAX:
                        raise Refused("import_unpacks_too_large")
                    yield
                parser.close()

    def parse(self, part: str, handler: PartHandler, *, bytes_max: int) -> None:
        """Parse a whole part; refusals as for `feed`."""
        for _ in self.feed(part, handler, bytes_max=bytes_max):
            pass


def beside(part: str, target: str) -> str:
    """Return the part that a relation of `part` points at."""
    if target.startswith(("/", "\\")):
        return target
    return posixpath.normpath(posixpath.join(posixpath.dirname(part), target))


def relations_of(part: str) -> str:
    """Return the name of the part that holds a part's relations."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", name + ".rels")


def _plain(part: str) -> str:
    return part.replace("\\", "/").lstrip("/").lower()


def _check_entry_count(path: Path) -> None:
    """Refuse a directory of a million entries before zipfile makes an object of each."""
    entries = 0
    with path.open("rb") as stream:
        while piece := stream.read(1024 * 1024):
            entries += piece.count(DIRECTORY_ENTRY)
    if entries > PARTS_MAX:
        raise Refused("import_unpacks_too_large")


def _check_sizes(entries: list[ZipInfo], packed_bytes: int) -> None:
    if any(entry.flag_bits & FLAG_ENCRYPTED for entry in entries):
        raise Refused("import_is_encrypted")
    if any(entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for entry in entries):
        raise Refused("import_xlsx_broken")
    unpacked = sum(entry.file_size for entry in entries)
    # zipfile reads no more of a part than its declared size, so a lie here gains nothing; and
    # parts that overlap cannot hide from the ratio of the sum to the file.
    if unpacked > UNPACKED_BYTES_MAX or _is_bomb(unpacked, packed_bytes):
        raise Refused("import_unpacks_too_large")
    if any(_is_bomb(entry.file_size, entry.compress_size) for entry in entries):
        raise Refused("import_unpacks_too_large")


def _is_bomb(unpacked: int, packed: int) -> bool:
    return unpacked > max(UNPACK_UNSUSPECTED_BYTES, packed * UNPACK_RATIO_MAX)
