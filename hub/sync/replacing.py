"""This machine becomes a store's box in the place of one that is gone, or of itself.

Each step is either done or not, and what is done stands in a file beside the database, so a cut
anywhere is mended by the same command once more. Until the last step no program of the hub
opens the folder: half a past is no till.
"""

from __future__ import annotations

import fcntl
import logging
import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from core.crypto import create_private, flush_folder, replace_private
from core.enrolment import SECRET_BYTES, EnrolRequest, LookAnswer, StreamInfo, proven_bytes
from core.errors import Refused
from core.feed import held_pos
from core.journal import drain_all, seal
from core.wire import SendSegments, batch_fits, pack
from hub.box import LINK_FILE, REPLACING_FILE, Born, Box
from hub.sync.archive import bring_late, kept_segments, kept_streams, look, standing_of
from hub.sync.disk import Disk
from hub.sync.downlink import downlink_cursor
from hub.sync.head_office import Declined, Unreachable, enrol, fetch_feed, public_context
from hub.sync.history import Contradicts, begin_past, is_past_whole, past_stream, take_past
from hub.sync.joining import check_answer, keep_secrets, take_feed, take_up
from hub.sync.link import (
    Link,
    certificate_request,
    link_of,
    load_link,
    save_link,
    tls_context,
)
from hub.sync.outbox import head_at
from hub.sync.tail import answered, begin

_HANDED = "CREDENTIALS_DIRECTORY"
_SHARED_FIRST, _SHARED_BYTES = 0x4000_0002, 510
"""Where SQLite's readers hold a lock in the file for as long as they have it open."""
DATABASE = "hub.db"
log = logging.getLogger(__name__)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine is to become, and how far it is. It holds no secret."""

    url: str
    hub: str
    epoch: int
    store_name: str
    merchant_name: str
    aside: str
    """Under which name what was here is kept; empty where nothing was."""
    link: Link | None = None


class Told(Protocol):
    """Who is told how far it is."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`stage` is tail, past or feed; so much of so much is done, in events or documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What this machine is now."""

    plan: Plan
    link: Link
    events: int
    """How many events of the store's past are here."""


@dataclass(slots=True, kw_only=True)
class Replacing:
    """One machine on its way to becoming a store's box."""

    folder: Path
    open_box: Callable[[Born | None], Box]
    url: str
    code: str
    version: str
    ca: str = ""
    tell: Told
    bring: Callable[[Link, ssl.SSLContext], None] = lambda _link, _context: None
    """Brings head office what else there is of earlier epochs, before their past is fetched."""

    def run(self) -> Replaced:
        """Go all the way, or on from where it was cut.

        Refused: hub_runs, has_own_history, other_hub, already_replaced, answer_wrong. Raises
        Declined, Unreachable, Contradicts, and ValueError for a wrong URL. Then it can be
        tried again.
        """
        plan = load_plan(self.folder)
        if plan is None or plan.link is None:
            plan = self._planned(plan)
        with alone(self.folder):
            set_aside(self.folder, plan)
        box = self.open_box(Born(hub=plan.hub, epoch=plan.epoch))
        try:
            if plan.link is None:
                plan = self._join(box, plan)
            assert plan.link is not None
            events = self._take(box, plan.link)
            save_link(self.folder, plan.link)
        finally:
            box.close()
        (self.folder / REPLACING_FILE).unlink()
        flush_folder(self.folder)
        return Replaced(plan=plan, link=plan.link, events=events)

    # -- what is to be -----------------------------------------------------------------------

    def _planned(self, begun: Plan | None) -> Plan:
        """Ask whose place the code gives, and see to what is in the folder."""
        try:
            asked = look(self.url, self.code, context=self._context)
        except Declined as declined:
            if begun is not None and declined.code == "join_code_used":
                return begun  # The answer to it was lost, and is given again.
            raise
        if begun is not None and (begun.hub, begun.epoch) == (asked.hub_id, asked.epoch):
            return begun
        if begun is not None:
            # The code ran out before it was used: what was made for it holds nothing yet.
            _discard(self.folder)
            aside = begun.aside
        else:
            aside = self._leave(asked)
        plan = Plan(
            url=self.url,
            hub=asked.hub_id,
            epoch=asked.epoch,
            store_name=asked.store_name,
            merchant_name=asked.merchant_name,
            aside=aside,
        )
        save_plan(self.folder, plan)
        return plan

    def _leave(self, asked: LookAnswer) -> str:
        """Bring what the box in the folder has; return the name under which it is kept."""
        if not (self.folder / DATABASE).is_file():
            return ""
        with alone(self.folder):
            pass
        box = self.open_box(None)
        try:
            link, me = load_link(self.folder), box.journal.identity
            with box.door.read() as db:
                written = box.journal.head(db).seq
            if link is None:
                if written:
                    raise Refused("has_own_history")
                return f"unused-{me.origin}"
            if me.origin != asked.hub_id:
                raise Refused("other_hub")
            if me.epoch >= asked.epoch:
                raise Refused("already_replaced")
            bring_tail(box, link, tell=self.tell)
            return f"epoch-{me.epoch}"
        finally:
            box.close()

    # -- becoming it -------------------------------------------------------------------------

    def _join(self, box: Box, plan: Plan) -> Plan:
        me = box.journal.identity
        request = certificate_request(self.folder, hub=me.origin)
        asked = EnrolRequest(
            code=self.code,
            csr=request,
            birth=me.birth,
            version=self.version,
            proof=box.secrets.log_key.sign(proven_bytes(request)),
            waits_for_right=True,
        )
        answer = enrol(self.url, asked, context=self._context)
        check_answer(answer, box=box, request=request)
        keep_secrets(box, answer)
        at = box.journal.clock.read().at
        link = link_of(answer, birth=me.birth, at=at, url=self.url)
        joined = msgspec.structs.replace(
            plan, link=msgspec.structs.replace(link, url_ca=self.ca)
        )
        save_plan(self.folder, joined)
        return joined

    def _take(self, box: Box, link: Link) -> int:
        context = tls_context(self.folder, link)
        box.door.write(lambda tx: take_up(tx, link))
        self.bring(link, context)
        kept = [
            one
            for one in kept_streams(link.gate, context=context).streams
            if one.origin == link.hub and one.epoch < box.journal.identity.epoch
        ]
        total = sum(one.last_seq for one in kept)
        done = 0
        for one in kept:
            done = self._take_epoch(box, link, one, context, counts=(done, total))
        self._take_feed(box, link, context)
        drain_all(box.door, box.parts)
        return done

    def _take_epoch(
        self,
        box: Box,
        link: Link,
        kept: StreamInfo,
        context: ssl.SSLContext,
        *,
        counts: tuple[int, int],
    ) -> int:
        """Take one earlier epoch whole; return how many events are here then."""
        stream = past_stream(link, kept)
        box.door.write(lambda tx: begin_past(tx, stream))
        before, total = counts
        while True:
            with box.door.read() as db:
                have = downlink_cursor(db, stream).have
                whole = is_past_whole(db, stream, kept)
            self.tell("past", before + have, total)
            if whole:
                return before + have
            if have >= kept.last_seq:
                raise Contradicts(f"epoch {kept.epoch} does not end as it was told")
            segments = kept_segments(
                link.gate, origin=kept.origin, epoch=kept.epoch, after=have, context=context
            )
            if not segments:
                raise Unreachable(f"epoch {kept.epoch} ends at {have} of {kept.last_seq}")
            box.door.write(
                partial(take_past, parts=box.parts, stream=stream, segments=segments)
            )

    def _take_feed(self, box: Box, link: Link, context: ssl.SSLContext) -> None:
        """Take what head office says today: without it a till has no prices."""
        more = True
        while more:
            with box.door.read() as db:
                position = held_pos(db) or 0
            batch = fetch_feed(link.gate, after=position, context=context)
            if not batch_fits(link.merchant, batch, link.vouched):
                raise Contradicts(f"nobody vouches for the feed after {position}")
            if batch.pos > position:
                taken = box.door.write(partial(take_feed, box=box, batch=batch))
                if not taken:
                    raise Contradicts(f"the feed leaves a gap after {position}")
            self.tell("feed", batch.pos, batch.pos)
            more = batch.more and batch.pos > position

    @property
    def _context(self) -> ssl.SSLContext:
        return public_context(self.ca)


def bring_tail(box: Box, link: Link, *, tell: Told) -> None:
    """Bring head office all that this box has and it lacks. Raises Unreachable, Declined."""
    me, gate = box.journal.identity, link.gate
    context = tls_context(box.folder, link)
    box.door.write(lambda tx: seal(tx, me, box.secrets.log_key.sign))
    disk = Disk.of(box, link)
    stood = standing_of(gate, epoch=me.epoch, context=context)
    with box.door.read() as db:
        held = head_at(db, me, stood.have)
    total = disk.standing().n
    tail = begin(stood, total=total, held=held)
    while not tail.is_done(total):
        tell("tail", tail.following - 1, total)
        (segment,) = disk.segments(SendSegments(first=tail.following, limit=1))
        answer = bring_late(gate, pack(segment), epoch=me.epoch, context=context)
        tail = answered(tail, first=segment.first, last=segment.last, answer=answer)
    if tail.stuck:
        raise Unreachable("head office does not take what this box still has")
    tell("tail", total, total)


# -- the folder --------------------------------------------------------------------------------


def load_plan(folder: Path) -> Plan | None:
    """Return what this machine was on its way to become."""
    try:
        raw = (folder / REPLACING_FILE).read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(raw, type=Plan)


def save_plan(folder: Path, plan: Plan) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    replace_private(folder / REPLACING_FILE, msgspec.json.encode(plan))


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep every other program off the database meanwhile. Refused: hub_runs.

    SQLite's own locks tell: whoever has the file open holds one.
    """
    path = folder / DATABASE
    if not path.is_file():
        yield
        return
    handle = os.open(path, os.O_RDWR)
    try:
        try:
            exclusive = fcntl.LOCK_EX | fcntl.LOCK_NB
            fcntl.lockf(handle, exclusive, _SHARED_BYTES, _SHARED_FIRST)
        except OSError as error:
            raise Refused("hub_runs") from error
        yield
    finally:
        os.close(handle)


def set_aside(folder: Path, plan: Plan) -> None:
    """Move the box that was here out of the way, whole and under a name; again does nothing.

    Its database key stays: it opens both.
    """
    if not plan.aside:
        return
    handed = os.environ.get(_HANDED)
    keys = Path(handed) if handed else folder / "secrets"
    names = ("log-key", "link-key") if handed else ("log.key", "link.key")
    moves = [(keys / name, keys / f"{name}.{plan.aside}") for name in names]
    moves.append((folder / LINK_FILE, folder / f"link-{plan.aside}.json"))
    # The log goes with its database, and the database last: where it is, all of it went.
    for ending in ("-wal", "-shm", ""):
        there = folder / f"{DATABASE}{ending}"
        moves.append((there, folder / f"hub-{plan.aside}.db{ending}"))
    if not moves[-1][1].exists():
        for old, new in moves:
            if old.exists() and not new.exists():
                old.replace(new)
    if handed:
        # What is handed to units is not made by them; a file that is there stays.
        for name in names:
            create_private(keys / name, os.urandom(SECRET_BYTES))
    flush_folder(keys)
    flush_folder(folder)


def _discard(folder: Path) -> None:
    """Take away a database in which nothing was begun but an epoch that is not to be."""
    for ending in ("-wal", "-shm", ""):
        (folder / f"{DATABASE}{ending}").unlink(missing_ok=True)
