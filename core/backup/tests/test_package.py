"""A backup is whole, is opened by its key only, and any changed byte of it is found."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest

from core.backup import (
    BadBackup,
    Content,
    Manifest,
    check_recipient,
    new_recovery_key,
    open_package,
    read_recovery_key,
    write_package,
)
from core.backup.manifest import Item
from core.crypto import signing_key
from core.errors import Refused

SIGNER = signing_key(bytes(range(32)))
SECRET = b"k" * 32


def contents(tmp_path, size=3_000_000):
    database = tmp_path / "copy.db"
    database.write_bytes(os.urandom(size))
    return [
        Content(name="merchants/m1.db", path=database),
        Content(name="secrets/platform.key", raw=SECRET),
    ]


def packed(tmp_path, *, recipients=(), name="b.age", size=3_000_000):
    files = contents(tmp_path, size)
    manifest = Manifest(
        kind="cloud",
        of="x",
        number=1,
        made_at=1,
        signer=SIGNER.public,
        files=tuple(one.item() for one in files),
    )
    target = tmp_path / name
    return write_package(target, manifest, files, sign=SIGNER.sign, recipients=recipients)


def opened(tmp_path, path, **keys):
    into = tmp_path / os.urandom(4).hex()
    into.mkdir()
    return open_package(path, into, **keys), into


def test_what_was_packed_comes_out_the_same_and_is_for_its_owner_only(tmp_path):
    written = packed(tmp_path)
    manifest, into = opened(tmp_path, written.path)
    assert (into / "merchants/m1.db").read_bytes() == (tmp_path / "copy.db").read_bytes()
    assert (into / "secrets/platform.key").read_bytes() == SECRET
    assert manifest.signer == SIGNER.public
    for path in (written.path, into / "secrets/platform.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_sealed_backup_shows_nothing_and_opens_with_its_recovery_key_only(tmp_path):
    key, other = new_recovery_key(signer=SIGNER.public), new_recovery_key()
    written = packed(tmp_path, recipients=[key.recipient])
    raw = written.path.read_bytes()
    assert SECRET not in raw
    assert b"manifest" not in raw
    _manifest, into = opened(tmp_path, written.path, keys=[key])
    assert (into / "secrets/platform.key").read_bytes() == SECRET
    for keys in ([], [other]):
        with pytest.raises(BadBackup):
            opened(tmp_path, written.path, keys=keys)


def test_without_a_key_the_secrets_are_in_it_as_the_readme_says(tmp_path):
    """The control for the test above: it would find them."""
    files = [Content(name="secrets/platform.key", raw=SECRET)]
    manifest = Manifest(
        kind="hub", of="x", number=1, made_at=1, signer=SIGNER.public,
        files=tuple(one.item() for one in files),
    )  # fmt: skip
    written = write_package(tmp_path / "b", manifest, files, sign=SIGNER.sign)
    _manifest, into = opened(tmp_path, written.path)
    assert (into / "secrets/platform.key").read_bytes() == SECRET


@pytest.mark.parametrize("sealed", [True, False])
def test_any_changed_byte_and_any_cut_is_found(tmp_path, sealed):
    key = new_recovery_key()
    recipients = [key.recipient] if sealed else []
    written = packed(tmp_path, recipients=recipients, size=20_000)
    raw = written.path.read_bytes()
    spoilt = tmp_path / "spoilt"
    step = max(1, len(raw) // 60)
    for at in range(0, len(raw), step):
        spoilt.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        with pytest.raises(BadBackup):
            opened(tmp_path, spoilt, keys=[key])
    for length in (0, 10, len(raw) // 2, len(raw) - 1):
        spoilt.write_bytes(raw[:length])
        with pytest.raises(BadBackup):
            opened(tmp_path, spoilt, keys=[key])


def test_a_backup_by_another_machine_is_refused_by_a_key_that_knows_its_own(tmp_path):
    stranger = signing_key(bytes(32))
    key = new_recovery_key(signer=stranger.public)
    written = packed(tmp_path, recipients=[key.recipient])
    with pytest.raises(BadBackup, match="another machine"):
        opened(tmp_path, written.path, keys=[key])


def test_a_recovery_key_is_read_back_as_it_was_written_and_nothing_else_is(tmp_path):
    key = new_recovery_key(signer=SIGNER.public)
    assert read_recovery_key(key.written()) == key
    check_recipient(key.recipient)
    with pytest.raises(Refused, match="bad_recipient"):
        check_recipient("age1x")
    for text in ("", "AGE-SECRET-KEY-1ABC", key.recipient):
        with pytest.raises(ValueError, match="no recovery key"):
            read_recovery_key(text)


def test_a_write_that_fails_leaves_nothing_behind(tmp_path):
    files = contents(tmp_path, 100)
    manifest = Manifest(
        kind="hub", of="x", number=1, made_at=1, signer=SIGNER.public,
        files=tuple(one.item() for one in files),
    )  # fmt: skip
    folder = tmp_path / "out"
    folder.mkdir()
    (tmp_path / "copy.db").unlink()
    with pytest.raises(FileNotFoundError):
        write_package(folder / "b", manifest, files, sign=SIGNER.sign)
    assert list(folder.iterdir()) == []


def test_a_copy_of_a_database_is_taken_while_somebody_writes(tmp_path):
    from core.sqlite import Door, Migration

    table = Migration("t", ("CREATE TABLE t (n INTEGER) STRICT",))
    door = Door(tmp_path / "a.db", key=SECRET, migrations=[table])
    door.write(
        lambda tx: tx.run_many("INSERT INTO t VALUES (:n)", ({"n": n} for n in range(9)))
    )
    door.copy_to(tmp_path / "b.db")
    door.write(lambda tx: tx.run("INSERT INTO t VALUES (99)"))
    door.close()
    assert b"SQLite" not in (tmp_path / "b.db").read_bytes()[:16]
    copy = Door(tmp_path / "b.db", key=SECRET, migrations=[table])
    with copy.read() as db:
        assert db.value("SELECT COUNT(*) FROM t") == 9
    assert copy.integrity() == []
    with pytest.raises(FileExistsError):
        copy.copy_to(tmp_path / "b.db")
    copy.close()


def test_age_itself_opens_what_was_sealed_where_it_is_installed(tmp_path):
    key = new_recovery_key()
    written = packed(tmp_path, recipients=[key.recipient], size=1_000)
    (tmp_path / "key.txt").write_text(key.written())
    try:
        done = subprocess.run(
            ["age", "-d", "-i", str(tmp_path / "key.txt"), str(written.path)],
            capture_output=True,
            check=True,
        )
    except FileNotFoundError:
        pytest.skip("age is not installed on this machine")
    assert done.stdout[:4] == b"\x28\xb5\x2f\xfd"


def test_what_unpacks_to_more_than_was_vouched_for_is_not_written(tmp_path):
    """A few kilobytes of it would fill the disk of whoever looks whether it is sound."""
    huge = tmp_path / "copy.db"
    huge.write_bytes(bytes(40_000_000))
    files = [Content(name="merchants/m1.db", path=huge)]
    vouched = Item(name="merchants/m1.db", size=10, sha256="0" * 64)
    manifest = Manifest(
        kind="cloud", of="x", number=1, made_at=1, signer=SIGNER.public, files=(vouched,)
    )
    written = write_package(tmp_path / "b", manifest, files, sign=SIGNER.sign)
    assert written.size < 100_000
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(BadBackup):
        open_package(written.path, into)
    assert (into / "merchants/m1.db").stat().st_size <= 10
