"""Old backups go; the newest of each day, week and month stays, and one that opens always."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.backup import stale_backups

BEGAN = datetime(2026, 1, 1, 3, 30, tzinfo=UTC)


def name(at):
    return Path(f"/b/dianshu-cloud-1-00001-{at:%Y%m%dT%H%M%SZ}.tar.zst.age")


def left(files, kept):
    gone = set(stale_backups(files, kept=kept))
    return sorted(set(files) - gone)


def test_a_year_and_a_half_of_nights_leaves_days_weeks_and_months():
    files, folder = [], []
    for night in range(550):
        files.append(name(BEGAN + timedelta(days=night)))
        folder = left([*folder, files[-1]], kept=files[-1])
    assert folder[-7:] == files[-7:]
    months = {path.name[22:28] for path in folder}
    assert len(months) == 12
    assert len(folder) <= 7 + 4 + 12
    assert folder[0] >= name(BEGAN + timedelta(days=150))


def test_the_newest_that_was_read_back_stays_and_all_that_are_newer():
    files = [name(BEGAN + timedelta(days=night)) for night in range(40)]
    stays = left(files, kept=files[5])
    assert stays[-35:] == files[5:]
    assert left(files, kept=None) == files
    assert left(files, kept=Path("/elsewhere/x.tar.zst")) == files


def test_what_nobody_made_here_is_not_touched():
    strange = [Path("/b/holiday.jpg"), Path("/b/dianshu-cloud-1-00001-2026.tar.zst")]
    assert list(stale_backups(strange, kept=strange[0])) == []
