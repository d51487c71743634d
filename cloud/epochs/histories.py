"""What a closed epoch still brings: the rest of its history, or a history of its own.

A box that was closed and turns up uploads what it has. What continues the chain that is kept
came late. What leaves it somewhere is a branch: a box that was put back from an old image, or
copied, wrote it, and both histories happened. A branch is kept under a name of its own, made
of the chain's head after its first own event, so that however it arrives it has one name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import msgspec

from cloud.platform import Epoch, Platform, epochs_of, find_hub
from cloud.streams import Kept, cursor_of, head_at, keep
from core.crypto import verify_log
from core.enrolment import LateAnswer, LateState
from core.errors import Refused
from core.journal import Birth
from core.sqlite import Reader, Row, Writer
from core.wire import (
    Arrived,
    Cursor,
    Judged,
    Segment,
    Stream,
    Verdict,
    heads_needed,
    judge,
    unpack,
)

BRANCHES_MAX = 8
"""Of one epoch: more selves than that no accident makes."""
BRANCH_EVENTS_MAX = 1_000_000
"""In all branches of one epoch: a box that is two must not fill the disk with the other."""
NAME_CHARACTERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A second history of an epoch, as far as it is kept."""

    origin: str
    epoch: int
    hub: str
    merchant: str
    trunk: str
    after_seq: int
    after_head: bytes
    seq: int
    head: bytes
    began_at: int

    @property
    def cursor(self) -> Cursor:
        return Cursor(have=self.seq, head=self.head)


def stream_of(epoch: Epoch) -> Stream:
    """Return an epoch's journal, with the key that its birth certificate names."""
    key = msgspec.json.decode(epoch.birth, type=Birth).key
    return Stream(
        origin=epoch.hub,
        epoch=epoch.epoch,
        birth=epoch.birth,
        check=lambda message, signature: verify_log(
            public=key, message=message, signature=signature
        ),
    )


def branches_of(db: Reader, hub: str, epoch: int | None = None) -> list[Branch]:
    """Return a hub's branches, of one epoch or of all, those that began first first."""
    rows = db.all(
        "SELECT * FROM branch WHERE hub = :hub AND epoch = COALESCE(:epoch, epoch)"
        " ORDER BY epoch, began_at, origin",
        hub=hub,
        epoch=epoch,
    )
    return [Branch(**dict(row)) for row in rows]


def bring_late(
    tx: Writer, epoch: Epoch, segment: Segment, raw: bytes, *, merchant: str, at: int
) -> LateAnswer:
    """Keep a segment of a closed epoch where it belongs, and say where to go on.

    Refused: branches_full.
    """
    stream, place = stream_of(epoch), _Place(tx, epoch, merchant, at)
    if segment.epoch != epoch.epoch:
        return LateAnswer(state=LateState.GAP, acked=place.trunk.have)
    judged = [
        (branch, place.judge(stream, branch, segment, raw))
        for branch in (None, *branches_of(tx, epoch.hub, epoch.epoch))
    ]
    written = sum(branch.seq - branch.after_seq for branch, _one in judged if branch)
    if written >= BRANCH_EVENTS_MAX:
        raise Refused("branches_full")
    for branch, one in judged:
        if one.verdict is Verdict.KNOWN:
            return LateAnswer(state=LateState.KNOWN, acked=segment.last)
        if one.verdict is Verdict.NEXT:
            place.go_on(branch, segment, raw, one.cursor)
            state = LateState.KEPT if branch is None else LateState.BRANCH
            return LateAnswer(state=state, acked=segment.last)
    forks = [
        (place.parts_from(b, segment), b) for b, j in judged if j.verdict is Verdict.FORKED
    ]
    if forks:
        after, trunk = max(forks, key=lambda fork: fork[0])
        place.branch_off(trunk, after, segment, raw)
        return LateAnswer(state=LateState.BRANCH, acked=segment.last)
    return LateAnswer(state=LateState.GAP, acked=min(place.trunk.have, segment.first - 1))


def take_up_forks(platform: Platform) -> int:
    """Make branches of what was put aside before there were any; return how many segments.

    What still lacks its beginning stays where it is.
    """
    with platform.door.read() as db:
        rows = db.all("SELECT rowid AS number, origin, epoch, raw FROM fork_segment ORDER BY 1")
    return sum(
        platform.door.write(partial(_take_up, row=row, platform=platform)) for row in rows
    )


def _take_up(tx: Writer, *, row: Row, platform: Platform) -> bool:
    hub = find_hub(tx, row["origin"])
    epoch = next((e for e in epochs_of(tx, row["origin"]) if e.epoch == row["epoch"]), None)
    if hub is None or epoch is None or epoch.closed_at is None:
        return False
    segment, at = unpack(row["raw"]), platform.clock.read().at
    answer = bring_late(tx, epoch, segment, row["raw"], merchant=hub.merchant, at=at)
    if answer.state is LateState.GAP:
        return False
    tx.run("DELETE FROM fork_segment WHERE rowid = :number", number=row["number"])
    return True


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the histories of one epoch stand, and the hands that carry them on."""

    tx: Writer
    epoch: Epoch
    merchant: str
    at: int

    @property
    def trunk(self) -> Cursor:
        return cursor_of(self.tx, self.epoch.hub, self.epoch.epoch, self.epoch.birth)

    def judge(
        self, stream: Stream, branch: Branch | None, segment: Segment, raw: bytes
    ) -> Judged:
        cursor = self.trunk if branch is None else branch.cursor
        needed = heads_needed(cursor.have, segment)
        arrived = Arrived(segment=segment, raw=raw)
        if needed is not None:
            before, held = (self.head(branch, seq) for seq in needed)
            arrived = Arrived(segment=segment, raw=raw, before=before, held=held)
        return judge(stream, cursor, arrived)

    def head(self, branch: Branch | None, seq: int) -> bytes | None:
        return head_of(self.tx, self.epoch, branch, seq)

    def parts_from(self, branch: Branch | None, segment: Segment) -> int:
        """Return the last event that a segment has in common with a history."""
        cursor = self.trunk if branch is None else branch.cursor
        before = self.head(branch, segment.first - 1)
        assert before is not None, "it was judged by it"
        same = segment.first - 1
        for head in segment.heads(before):
            if same >= cursor.have or self.head(branch, same + 1) != head:
                return same
            same += 1
        return same

    def go_on(
        self, branch: Branch | None, segment: Segment, raw: bytes, cursor: Cursor
    ) -> None:
        if branch is None:
            stream = Kept(
                origin=self.epoch.hub,
                epoch=self.epoch.epoch,
                merchant=self.merchant,
                birth=self.epoch.birth,
                at=self.at,
            )
            have = self.trunk.have
            held = keep(self.tx, stream, segment, raw, after=have, head=cursor.head)
            assert held, "nobody else writes in this transaction"
            return
        self._keep(branch.origin, branch.seq + 1, segment, raw, cursor.head)
        self.tx.run(
            "UPDATE branch SET seq = :seq, head = :head"
            " WHERE origin = :origin AND epoch = :epoch",
            seq=cursor.have,
            head=cursor.head,
            origin=branch.origin,
            epoch=branch.epoch,
        )

    def branch_off(
        self, trunk: Branch | None, after: int, segment: Segment, raw: bytes
    ) -> None:
        known = branches_of(self.tx, self.epoch.hub, self.epoch.epoch)
        if len(known) >= BRANCHES_MAX:
            raise Refused("branches_full")
        before = self.head(trunk, segment.first - 1)
        assert before is not None, "it was judged by it"
        heads = [before, *segment.heads(before)]
        first_own = after + 1 - (segment.first - 1)
        name = f"{self.epoch.hub}~{heads[first_own].hex()[:NAME_CHARACTERS]}"
        self.tx.run(
            "INSERT INTO branch (origin, epoch, hub, merchant, trunk, after_seq, after_head,"
            " seq, head, began_at) VALUES (:origin, :epoch, :hub, :merchant, :trunk, :after,"
            " :after_head, :seq, :head, :at)",
            origin=name,
            epoch=self.epoch.epoch,
            hub=self.epoch.hub,
            merchant=self.merchant,
            trunk=self.epoch.hub if trunk is None else trunk.origin,
            after=after,
            after_head=heads[first_own - 1],
            seq=segment.last,
            head=heads[-1],
            at=self.at,
        )
        self._keep(name, after + 1, segment, raw, heads[-1])

    def _keep(self, origin: str, first: int, segment: Segment, raw: bytes, head: bytes) -> None:
        self.tx.run(
            "INSERT INTO segment (origin, epoch, first_seq, last_seq, head, raw, received_at)"
            " VALUES (:origin, :epoch, :first, :last, :head, :raw, :at)",
            origin=origin,
            epoch=self.epoch.epoch,
            first=first,
            last=segment.last,
            head=head,
            raw=raw,
            at=self.at,
        )


def head_of(db: Reader, epoch: Epoch, branch: Branch | None, seq: int) -> bytes | None:
    """Return the chain's head after one event of a history; None where it is not kept."""
    if branch is None:
        return head_at(db, epoch.hub, epoch.epoch, seq, epoch.birth)
    if seq <= branch.after_seq:
        return head_of(db, epoch, _trunk_of(db, branch), seq)
    row = _segment_at(db, branch, seq)
    if row is None:
        return None
    if row["last_seq"] == seq:
        return bytes(row["head"])
    return next((head for at, head in _heads_in(db, epoch, branch, row) if at == seq), None)


def _heads_in(
    db: Reader, epoch: Epoch, branch: Branch, row: Row
) -> Iterator[tuple[int, bytes]]:
    segment = unpack(row["raw"])
    before = head_of(db, epoch, branch, segment.first - 1)
    if before is not None:
        yield from enumerate(segment.heads(before), segment.first)


def _trunk_of(db: Reader, branch: Branch) -> Branch | None:
    row = db.one(
        "SELECT * FROM branch WHERE origin = :origin AND epoch = :epoch",
        origin=branch.trunk,
        epoch=branch.epoch,
    )
    return None if row is None else Branch(**dict(row))


def _segment_at(db: Reader, branch: Branch, seq: int) -> Row | None:
    return db.one(
        "SELECT first_seq, last_seq, head, raw FROM segment"
        " WHERE origin = :origin AND epoch = :epoch AND first_seq <= :seq AND last_seq >= :seq"
        " ORDER BY first_seq DESC LIMIT 1",
        origin=branch.origin,
        epoch=branch.epoch,
        seq=seq,
    )
