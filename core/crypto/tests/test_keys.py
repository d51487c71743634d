import os
import stat
import subprocess
import sys
import threading

import pytest

from core.crypto import (
    CREDENTIALS,
    card_key,
    create_private,
    database_key,
    log_key,
    pin_pepper,
    read_private,
    replace_private,
    secret_file,
    verify_log,
)


@pytest.fixture(autouse=True)
def _not_under_systemd(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_database_key_is_made_once_and_read_ever_after(tmp_path):
    path = tmp_path / "keys" / "database.key"
    key = database_key(path)
    assert len(key) == 32
    assert database_key(path) == key == path.read_bytes()
    assert mode_of(path) == 0o600
    assert mode_of(path.parent) == 0o700


def test_two_boxes_never_share_a_key(tmp_path):
    assert database_key(tmp_path / "one") != database_key(tmp_path / "other")


def test_the_mode_is_private_even_under_a_careless_umask(tmp_path):
    before = os.umask(0)
    try:
        secret_file(tmp_path / "secret", 16)
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "secret") == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_key_that_others_may_open_is_refused_with_the_remedy(tmp_path, mode):
    path = tmp_path / "database.key"
    database_key(path)
    path.chmod(mode)
    with pytest.raises(RuntimeError, match=f"{mode:04o}.*give it 0600"):
        database_key(path)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_the_wrong_size_is_refused_and_not_replaced(tmp_path, size):
    path = tmp_path / "database.key"
    create_private(path, bytes(size))
    with pytest.raises(RuntimeError, match=f"{size} bytes"):
        database_key(path)
    assert path.read_bytes() == bytes(size)


def test_a_pipe_in_the_place_of_a_key_is_refused_and_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "database.key", 0o600)
    with pytest.raises(RuntimeError, match="not a plain file"):
        database_key(tmp_path / "database.key")


def test_a_file_larger_than_any_key_is_refused(tmp_path):
    create_private(tmp_path / "huge", bytes(65_537))
    with pytest.raises(RuntimeError, match="65536"):
        read_private(tmp_path / "huge")


def test_processes_that_make_a_key_at_once_all_hold_the_one_on_disk(tmp_path):
    for attempt in range(30):
        path = tmp_path / f"key-{attempt}"
        start, held = threading.Barrier(8), []

        def make(path=path, start=start, held=held):
            start.wait()
            held.append(database_key(path))

        makers = [threading.Thread(target=make) for _ in range(8)]
        for maker in makers:
            maker.start()
        for maker in makers:
            maker.join()
        assert held == [path.read_bytes()] * 8


def test_a_file_that_is_there_is_not_written_over_by_creating(tmp_path):
    path = tmp_path / "secret"
    assert create_private(path, b"first") is True
    assert create_private(path, b"second") is False
    assert read_private(path) == b"first"
    replace_private(path, b"third")
    assert read_private(path) == b"third"
    assert mode_of(path) == 0o600


@pytest.mark.parametrize("write", [create_private, replace_private])
def test_a_failing_disk_leaves_no_half_key_and_no_litter(tmp_path, monkeypatch, write):
    def failing(handle):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="Input/output"):
        write(tmp_path / "secret", b"key")
    assert list(tmp_path.iterdir()) == []


def test_content_is_flushed_before_it_has_its_name_and_the_folder_after(tmp_path, monkeypatch):
    flushed, sync = [], os.fsync

    def watching(handle):
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        flushed.append((kind, (tmp_path / "secret").exists()))
        sync(handle)

    monkeypatch.setattr(os, "fsync", watching)
    create_private(tmp_path / "secret", b"key")
    assert flushed == [("file", False), ("folder", True)]


def test_under_systemd_the_secret_is_the_one_that_was_handed(tmp_path, monkeypatch):
    handed = tmp_path / "handed"
    handed.mkdir()
    for number, name in enumerate(CREDENTIALS):
        (handed / name).write_bytes(bytes([number + 1]) * 32)
        (handed / name).chmod(0o440)  # What systemd's access list looks like in a mode.
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    never = tmp_path / "never"
    assert card_key(never) == b"\1" * 32
    assert database_key(never) == b"\2" * 32
    assert log_key(never).sign(b"x")
    assert pin_pepper(never) == b"\5" * 32
    assert not never.exists()


def test_a_unit_that_was_not_handed_the_key_does_not_make_another(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(RuntimeError, match="LoadCredential=database-key:"):
        database_key(tmp_path / "database.key")
    assert not (tmp_path / "database.key").exists()


def test_a_secret_without_a_credential_name_stays_a_file_under_systemd(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert secret_file(tmp_path / "session.key", 24) == (tmp_path / "session.key").read_bytes()


def test_first_boot_makes_every_credential_and_the_second_changes_none(tmp_path):
    command = [sys.executable, "-m", "core.crypto.credentials", str(tmp_path)]
    subprocess.run(command, check=True, timeout=60)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(made) == sorted(CREDENTIALS)
    assert len(set(made.values())) == len(CREDENTIALS)
    assert {mode_of(path) for path in tmp_path.iterdir()} == {0o600}
    subprocess.run(command, check=True, timeout=60)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == made


def test_the_journals_key_signs_what_its_public_half_verifies(tmp_path):
    key = log_key(tmp_path / "log.key")
    again = log_key(tmp_path / "log.key")
    signature = key.sign(b"segment 7")
    assert again.public == key.public
    assert len(key.public) == 43
    assert verify_log(public=key.public, message=b"segment 7", signature=signature)
    assert not verify_log(public=key.public, message=b"segment 8", signature=signature)
    assert not verify_log(public=key.public, message=b"segment 7", signature=signature[:-1])
    other = log_key(tmp_path / "other.key")
    assert not verify_log(public=other.public, message=b"segment 7", signature=signature)


def test_the_journals_key_is_ed25519_as_the_rfc_has_it(tmp_path):
    # RFC 8032, section 7.1, test 2.
    create_private(
        tmp_path / "log.key",
        bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
    )
    key = log_key(tmp_path / "log.key")
    assert key.public == "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"
    assert key.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


def test_a_public_key_that_is_none_is_a_mistake_of_ours():
    for public in ["", "AAAA", "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw=", "不是钥匙"]:
        with pytest.raises(ValueError, match=r".+"):
            verify_log(public=public, message=b"", signature=bytes(64))


def test_a_key_does_not_show_itself_in_a_log(tmp_path):
    key = log_key(tmp_path / "log.key")
    secret = (tmp_path / "log.key").read_bytes()
    assert repr(secret) not in repr(key)
    assert secret.hex() not in repr(key)
