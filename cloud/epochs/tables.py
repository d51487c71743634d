"""What head office has to know of places that are no more, and of second histories."""

from __future__ import annotations

from collections.abc import Iterator

from cloud.epochs import presented
from cloud.epochs.events import EpochClosed, LateTaken, LimboReleased, PlaceEmptied
from core.errors import N_, Refusal
from core.journal import Add, Append, Change, Entry, Part, place_of
from core.sqlite import Migration
from core.wallet import Funded, Voided

SHARED_TABLES = (
    Migration(
        "epochs_shared/1",
        (
            # Its segments lie beside all others, under its name. It goes on behind event
            # `after_seq` of the trunk, which is the hub's own stream or another branch.
            """CREATE TABLE branch (
                 origin TEXT NOT NULL,
                 epoch INTEGER NOT NULL,
                 hub TEXT NOT NULL,
                 merchant TEXT NOT NULL,
                 trunk TEXT NOT NULL,
                 after_seq INTEGER NOT NULL,
                 after_head BLOB NOT NULL,
                 seq INTEGER NOT NULL,
                 head BLOB NOT NULL,
                 began_at INTEGER NOT NULL,
                 PRIMARY KEY (origin, epoch)
               ) STRICT, WITHOUT ROWID""",
            "CREATE INDEX branch_by_hub ON branch (hub, epoch)",
            "CREATE INDEX branch_by_merchant ON branch (merchant)",
        ),
    ),
)


def _swept(entry: Entry) -> Iterator[Change]:
    """Count what head office moved at a box's place: all else there is the box's own doing."""
    body: Voided | Funded = entry.body
    if not body.hub or (isinstance(body, Funded) and body.pooled):
        return
    sign = 1 if isinstance(body, Voided) else -1
    for asset, lot, amount in body.legs:
        yield Add(
            "swept",
            {
                "place": place_of(body.hub, body.hub_epoch),
                "member": body.member,
                "asset": asset,
                "lot": lot,
            },
            {"amount": sign * amount},
        )


def _emptied(entry: Entry) -> Iterator[Change]:
    body: PlaceEmptied = entry.body
    row = {"hub": body.hub, "epoch": body.epoch}
    yield Append("emptied_place", row, again=True)


def _taken(entry: Entry) -> Iterator[Change]:
    body: LateTaken = entry.body
    row = {"origin": body.origin, "epoch": body.epoch, "seq": body.seq}
    yield Append("late_taken", row, again=True)


PART = Part(
    name="epochs",
    migrations=(
        Migration(
            "epochs/1",
            (
                # Every place here is a mirror of what boxes say, one after the other, and of
                # what head office moves when a box is no more: only sums count. That nothing
                # is spent twice is asked where an event is taken in, not by the table.
                """CREATE TABLE holding_as_told (
                     place TEXT NOT NULL,
                     member TEXT NOT NULL,
                     asset TEXT NOT NULL,
                     lot TEXT NOT NULL,
                     amount INTEGER NOT NULL,
                     PRIMARY KEY (place, member, asset, lot)
                   ) STRICT, WITHOUT ROWID""",
                """INSERT INTO holding_as_told (place, member, asset, lot, amount)
                   SELECT place, member, asset, lot, amount FROM holding""",
                "DROP TABLE holding",
                "ALTER TABLE holding_as_told RENAME TO holding",
                "CREATE INDEX holding_by_member ON holding (member)",
                """CREATE TABLE swept (
                     place TEXT NOT NULL,
                     member TEXT NOT NULL,
                     asset TEXT NOT NULL,
                     lot TEXT NOT NULL,
                     amount INTEGER NOT NULL,
                     PRIMARY KEY (place, member, asset, lot)
                   ) STRICT, WITHOUT ROWID""",
                # Places of which all is in the pools, and how far late histories are paid
                # for: told by events, so that nothing is moved twice where the books are
                # written anew from the journals.
                """CREATE TABLE emptied_place (
                     hub TEXT NOT NULL,
                     epoch INTEGER NOT NULL,
                     PRIMARY KEY (hub, epoch)
                   ) STRICT, WITHOUT ROWID""",
                """CREATE TABLE late_taken (
                     origin TEXT NOT NULL,
                     epoch INTEGER NOT NULL,
                     seq INTEGER NOT NULL,
                     PRIMARY KEY (origin, epoch, seq)
                   ) STRICT, WITHOUT ROWID""",
                "CREATE INDEX granted_by_hub ON granted (hub, epoch)",
            ),
        ),
        presented.MIGRATION,
    ),
    tables={
        "swept": ("place", "member", "asset", "lot"),
        "emptied_place": ("hub", "epoch"),
        "late_taken": ("origin", "epoch", "seq"),
        **presented.TABLES,
    },
    now={
        Voided: _swept,
        Funded: _swept,
        EpochClosed: lambda _entry: (),
        LimboReleased: lambda _entry: (),
        PlaceEmptied: _emptied,
        LateTaken: _taken,
        **presented.NOW,
    },
    refusals={
        "bad_reason": Refusal(422, N_("请选择原因：坏了、丢了、被偷、换新或不再使用")),
        "epoch_open": Refusal(409, N_("这台主机还没有停用，请按平常的方式上传")),
        "epoch_unknown": Refusal(404, N_("没有这台主机的这一任")),
        "hub_stolen": Refusal(403, N_("这台主机已报失窃，不再接受它的任何数据")),
        "bad_segment": Refusal(422, N_("这段记录读不懂")),
        "branches_full": Refusal(409, N_("这台主机的分岔太多，请联系维护")),
        "no_limbo": Refusal(409, N_("没有待处理的余额")),
        **presented.WHY_NOT,
    },
)
