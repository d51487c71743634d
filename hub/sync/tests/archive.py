"""What a small head office keeps of its hubs: how each stands, its past, what comes late."""

from __future__ import annotations

import json

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID

from core.enrolment import (
    LateAnswer,
    LateState,
    RenewLateRequest,
    StandingAnswer,
    joined_segments,
    proven_bytes,
)
from core.journal import signed_by_birth
from core.wire import Arrived, Verdict, judge, unpack


class Archive:
    """A part of the office; `closed` is set by whoever plays the operator."""

    def __init__(self) -> None:
        self.closed = ""
        self.times_asked = 0
        self.late_renewals = 0
        self.lates: list[LateState] = []
        self.given: list[int] = []
        self.journal_segments, self.journal_answers = 3, 1_000

    def standing(self, name: str, epoch: int) -> bytes:
        """Say how a hub stands; `closed` is set by whoever plays the operator."""
        self.times_asked += 1
        hub = name.partition(".")[2]
        cursor = self.hubs[hub].cursor
        return msgspec.json.encode(
            StandingAnswer(
                hub_id=hub,
                epoch=epoch,
                newest=epoch + (self.closed == "replaced"),
                closed=self.closed,
                closed_at=None,
                closed_seq=0,
                have=cursor.have,
                head=cursor.head,
            )
        )

    def journal(self, name: str, after: int) -> bytes:
        """Return kept segments behind an event, a few at a time."""
        self.given.append(after)
        if len(self.given) > self.journal_answers:
            return b""
        kept = self.hubs[name.partition(".")[2]].raws
        waiting = [raw for raw in kept if unpack(raw).last > after]
        return joined_segments(waiting[: self.journal_segments])

    def late(self, name: str, raw: bytes) -> bytes:
        """Take a late segment that goes on from what is kept."""
        known = self.hubs[name.partition(".")[2]]
        segment = unpack(raw)
        judged = judge(known.stream, known.cursor, Arrived(segment=segment, raw=raw))
        state = {Verdict.NEXT: LateState.KEPT, Verdict.KNOWN: LateState.KNOWN}.get(
            judged.verdict, LateState.GAP
        )
        if state is LateState.KEPT:
            skip = known.cursor.have + 1 - segment.first
            known.events += segment.events[skip:]
            known.raws.append(raw)
            known.cursor = judged.cursor
        self.lates.append(state)
        return msgspec.json.encode(LateAnswer(state=state, acked=known.cursor.have))

    def renewed_late(self, body: bytes) -> tuple[int, bytes]:
        """Renew a certificate that has ended, for the log key's proof."""
        asked = msgspec.json.decode(body, type=RenewLateRequest)
        old = x509.load_pem_x509_certificate(asked.certificate.encode())
        name = old.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        birth = self.hubs[name.partition(".")[2]].birth
        if not signed_by_birth(birth, asked.proof, proven_bytes(asked.csr)):
            return 403, json.dumps({"code": "proof_wrong", "message": "不行"}).encode()
        self.late_renewals += 1
        return self.renewed(name, asked.csr)
