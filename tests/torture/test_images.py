"""The model of a disk, against what one must be able to say of any disk."""

from __future__ import annotations

import random

import pytest

from tests.torture.images import FileSystem, Loss
from tests.torture.recording import Kind, Record

FOLDER = "/hub"
SEEDS = range(40)


@pytest.fixture
def disk(tmp_path):
    return Disk(tmp_path)


class Disk:
    """A disk to which one writes by hand, and its images."""

    def __init__(self, folder):
        self.model = FileSystem(folder / "hub")
        self.root, self.images = str(folder / "hub"), folder / "images"
        self.count = 0

    def do(self, kind, name="", *, inode=0, offset=0, data=b"", to=""):
        path = f"{self.root}/{name}" if name else self.root
        data = f"{self.root}/{to}".encode() if to else data
        self.model.take(
            Record(kind=kind, process=1, inode=inode, offset=offset, path=path, data=data)
        )

    def write(self, name, inode, *parts, flushed=False):
        for offset, data in parts:
            self.do(Kind.WRITTEN, name, inode=inode, offset=offset, data=data)
        if flushed:
            self.do(Kind.SYNCED, name, inode=inode)

    def make(self, name, inode, content):
        """Make a file that is on the disk with its name."""
        self.do(Kind.CREATED, name, inode=inode)
        self.write(name, inode, (0, content), flushed=True)
        self.do(Kind.SYNCED)

    def seen(self, loss, names, seeds=SEEDS):
        """Return every combination of contents that images have of these files."""
        found = set()
        for seed in seeds:
            self.count += 1
            image = self.images / f"{self.count}"
            self.model.image(loss, random.Random(seed), image)
            found.add(
                tuple(
                    (image / name).read_bytes() if (image / name).exists() else None
                    for name in names
                )
            )
        return found


@pytest.mark.parametrize("loss", Loss)
def test_what_was_flushed_is_in_every_image(disk, loss):
    disk.make("a", 7, b"flushed")
    disk.write("a", 7, (100, b"not yet"))
    assert {content[:7] for (content,) in disk.seen(loss, ["a"])} == {b"flushed"}


def test_of_what_was_not_flushed_any_subset_may_be_there(disk):
    disk.make("a", 7, b"....")
    disk.write("a", 7, (0, b"A"), (1, b"B"), (2, b"C"))
    assert disk.seen(Loss.NOTHING_KEPT, ["a"]) == {(b"....",)}
    assert disk.seen(Loss.ALL_KEPT, ["a"]) == {(b"ABC.",)}
    seen = {content for (content,) in disk.seen(Loss.SUBSET, ["a"], range(300))}
    assert len(seen) == 8


def test_a_write_is_torn_where_sectors_meet_and_nowhere_else(disk):
    disk.make("a", 7, b"." * 2_000)
    disk.write("a", 7, (300, b"X" * 1_000))
    for (content,) in disk.seen(Loss.TORN, ["a"]):
        parts = {content[begin:end] for begin, end in ((300, 512), (512, 1024), (1024, 1300))}
        assert all(len(set(part)) == 1 for part in parts)
        assert content[:300] + content[1300:] == b"." * 1_000
    assert len(disk.seen(Loss.TORN, ["a"], range(200))) == 8


def test_the_last_write_may_be_cut_at_any_byte(disk):
    disk.make("a", 7, b"")
    disk.write("a", 7, (0, b"first"), (5, b"last"))
    seen = {content for (content,) in disk.seen(Loss.CUT, ["a"], range(100))}
    assert seen == {b"first" + b"last"[:kept] for kept in range(5)}


def test_a_truncation_that_was_not_flushed_may_be_undone(disk):
    disk.make("a", 7, b"long enough")
    disk.do(Kind.TRUNCATED, "a", inode=7, offset=4)
    assert disk.seen(Loss.SUBSET, ["a"]) == {(b"long enough",), (b"long",)}


def test_a_name_lasts_once_its_folder_is_flushed(disk):
    disk.do(Kind.CREATED, "new", inode=9)
    disk.write("new", 9, (0, b"content"), flushed=True)
    assert disk.seen(Loss.NOTHING_KEPT, ["new"]) == {(None,)}
    assert disk.seen(Loss.SUBSET, ["new"]) == {(None,), (b"content",)}
    disk.do(Kind.RENAMED, "new", to="real")
    disk.do(Kind.SYNCED)
    assert disk.seen(Loss.NOTHING_KEPT, ["new", "real"]) == {(None, b"content")}


def test_a_removed_file_may_come_back_as_it_was_although_its_number_is_given_again(disk):
    disk.make("log", 7, b"old")
    disk.do(Kind.UNLINKED, "log")
    disk.do(Kind.CREATED, "log", inode=7)
    disk.write("log", 7, (0, b"new"), flushed=True)
    assert disk.seen(Loss.NOTHING_KEPT, ["log"]) == {(b"old",)}
    assert disk.seen(Loss.SUBSET, ["log"]) == {(b"old",), (None,), (b"new",)}


def test_names_reach_the_disk_in_their_order(disk):
    for number in range(4):
        disk.do(Kind.CREATED, f"{number}", inode=number)
    for held in disk.seen(Loss.SUBSET, ["0", "1", "2", "3"]):
        known = [content is not None for content in held]
        assert known == sorted(known, reverse=True)
