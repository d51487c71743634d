"""Keeping the hub's certificate from ending, and getting the next one where it has."""

from __future__ import annotations

import logging
import ssl
import time

from core.enrolment import RenewAnswer
from hub.box import Box
from hub.sync.gate import Gate
from hub.sync.link import Link, certificate_request, save_link, tls_context
from hub.sync.past import Past
from hub.sync.renewal import has_ended, is_due, late_request, renewed_link

LOOK_S = 3600.0
LATE_LOOK_S = 60.0
LATE_LOOK_MAX_S = 3600.0

log = logging.getLogger(__name__)


class Papers:
    """The hub's certificate, in whose name it connects."""

    def __init__(
        self, box: Box, link: Link, context: ssl.SSLContext, *, gate: Gate, past: Past
    ) -> None:
        self._box, self.link, self._context = box, link, context
        self._gate, self._past = gate, past
        self._due_s = 0.0
        self._late_s = LATE_LOOK_S
        self._ended = False

    def look(self, *, live: bool, ahead: int) -> None:
        """Ask for the next certificate where it is time; `ahead` is our clock's error in ms."""
        now = time.monotonic()
        if now < self._due_s:
            return
        at = self._box.journal.clock.read().at
        if live:
            self._due_s = now + LOOK_S
            # By head office's clock: ours may stand anywhere.
            if is_due(self.link, at - ahead):
                self._gate.renew(certificate_request(self._box.folder, hub=self.link.hub))
        elif self.link.url and (self._ended or has_ended(self.link, at)):
            self._due_s = now + self._late_s
            self._late_s = min(self._late_s * 2, LATE_LOOK_MAX_S)
            asked = late_request(self._box, self.link)
            self._past.renew_late(self.link.url, asked, ca=self.link.url_ca)

    def note_ended(self, *, ended: bool) -> None:
        """Learn whether the gate says that it has ended, whatever our clock says."""
        if ended and not self._ended:
            self._due_s = 0.0
        self._ended = ended

    def take(self, answer: RenewAnswer) -> None:
        """Keep the next certificate; connections from now on show it."""
        self.link = renewed_link(self.link, answer)
        save_link(self._box.folder, self.link)
        tls_context(self._box.folder, self.link, context=self._context)
        self._ended, self._late_s, self._due_s = False, LATE_LOOK_S, 0.0
        log.info("the certificate was renewed")
