"""The devices process: prints what lies in the spool, each printer in a thread of its own.

A printer that is off or slow holds up nobody but what waits for it. A job is claimed, and that
is on the disk, before its first byte leaves; so whatever kills this process, no receipt comes
out twice by itself.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core import sdnotify
from core.clock import DAY_MS, MINUTE_MS
from core.sqlite import Row
from hub.box import Box
from hub.devices.printer import (
    PAPER_58MM,
    PAPER_80MM,
    BadAddress,
    Kick,
    Profile,
    Reach,
    Verdict,
    encode,
    find_typeface,
    from_json,
    parse_address,
    resync,
    send,
)
from hub.devices.spool import (
    DONE,
    DROPPED,
    QUEUED,
    UNKNOWN,
    claim,
    find_printer,
    finish,
    forget,
    has_unknown,
    is_due,
    printers,
    put_back,
    recover,
)
from hub.doorbell import Doorbell, ring

TICK_S = 1.0
END_TIMEOUT_S = 15.0
RETRY_MS = (1_000, 2_000, 4_000, 5_000)
"""Before the second try, the third, …: somebody may stand there and wait for the paper."""
RETRY_LATE_TRIES = 120
RETRY_LATE_MS = 30_000
"""After ten minutes nobody stands there any more."""
KICK_LIFE_MS = 20_000
"""A drawer that opens later is open with nobody before it."""
PAPER_FOLDER = "paper"
PRINTED_KEPT_MS = 7 * DAY_MS
SCANS_KEPT_MS = 60 * MINUTE_MS
FORGET_EVERY_S = 3_600.0

log = logging.getLogger(__name__)


class AlreadyRuns(Exception):
    """Another process owns this hub's devices."""


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of an attempt: a state of the spool and why."""

    state: str
    reason: str = ""


def reach_of(folder: Path, *, simulated: bool) -> Reach:
    """Return where printers' addresses may lead on a hub with this folder."""
    return Reach(folder=folder / PAPER_FOLDER, simulated=simulated)


def run_devices(box: Box, *, simulated: bool, stopping: threading.Event) -> None:
    """Print until told to stop; raises AlreadyRuns. The box stays open.

    `simulated` admits printers made of software on this machine.
    """
    with _alone(box.bells):
        uncertain = box.door.write(recover)
        if uncertain:
            log.warning("%s jobs may be on paper: the process was stopped amid them", uncertain)
        reach = reach_of(box.folder, simulated=simulated)
        (box.folder / PAPER_FOLDER).mkdir(mode=0o700, exist_ok=True)
        ear = Doorbell(box.bells, "devices")
        threads: dict[str, _PrinterThread] = {}
        try:
            ring(box.bells, "web")
            sdnotify.ready()
            _attend(box, ear, _Crew(box, reach, threads), stopping)
        finally:
            sdnotify.stopping()
            _end(threads.values())
            ear.close()


def _attend(box: Box, ear: Doorbell, crew: _Crew, stopping: threading.Event) -> None:
    forgot_at: float | None = None
    while not stopping.is_set():
        crew.call()
        now = time.monotonic()
        if forgot_at is None or now - forgot_at >= FORGET_EVERY_S:
            _forget(box)
            forgot_at = now
        sdnotify.alive()
        ear.wait(TICK_S)


def _forget(box: Box) -> None:
    at = box.journal.clock.read().at
    box.door.write(
        lambda tx: forget(
            tx, printed_before=at - PRINTED_KEPT_MS, scanned_before=at - SCANS_KEPT_MS
        )
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the devices; the kernel lets go when the process ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "devices.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRuns from error
        yield
    finally:
        os.close(handle)


class _Crew:
    """One thread for each printer that is set up, also for one set up just now."""

    def __init__(self, box: Box, reach: Reach, threads: dict[str, _PrinterThread]) -> None:
        self._box = box
        self._reach = reach
        self._threads = threads

    def call(self) -> None:
        """Wake everybody: the tables may hold something new."""
        with self._box.door.read() as db:
            names = [row["name"] for row in printers(db)]
        for name in names:
            if name not in self._threads:
                thread = _PrinterThread(self._box, self._reach, name)
                self._threads[name] = thread
                thread.start()
            self._threads[name].bell.set()


class _PrinterThread(threading.Thread):
    """Serves one printer until it is told to end."""

    def __init__(self, box: Box, reach: Reach, name: str) -> None:
        super().__init__(name=f"printer {name}", daemon=True)
        self.bell = threading.Event()
        self.ending = threading.Event()
        self._box = box
        self._reach = reach
        self._printer = name
        self._half_said = self._may_wait_for_more()

    def run(self) -> None:
        while not self.ending.is_set():
            try:
                while not self.ending.is_set() and self._print_next():
                    pass
            except Exception:  # One printer's bug or a full disk must not end the thread.
                log.exception("%s: the spool could not be worked on", self.name)
            self.bell.wait(TICK_S)
            self.bell.clear()

    def _print_next(self) -> bool:
        """Work on one job; say whether there was one."""
        at = self._box.journal.clock.read().at
        with self._box.door.read() as db:
            printer = find_printer(db, self._printer)
            due = printer is not None and is_due(db, printer=self._printer, at=at)
        if printer is None or not due:
            return False
        job = self._box.door.write(lambda tx: claim(tx, printer=self._printer, at=at))
        if job is None:
            return False
        self._settle(job, self._attempt(printer, job, at))
        ring(self._box.bells, "web")
        return True

    def _settle(self, job: Row, fate: _Fate) -> None:
        if fate.state == QUEUED:
            now = self._box.journal.clock.read().at
            due_at = now + wait_after_ms(job["tries"] + 1)
            self._box.door.write(
                lambda tx: put_back(tx, job=job["id"], reason=fate.reason, due_at=due_at)
            )
            return
        state = fate.state
        if state == UNKNOWN and job["kind"] == "kick":
            state = DROPPED  # There is no paper to look for.
        self._box.door.write(
            lambda tx: finish(tx, job=job["id"], state=state, reason=fate.reason)
        )

    def _attempt(self, printer: Row, job: Row, at: int) -> _Fate:
        """Send one claimed job, outside any transaction."""
        if job["kind"] == "kick" and at - job["queued_at"] > KICK_LIFE_MS:
            return _Fate(DROPPED, "too_late")
        try:
            payload = _payload(printer, job)
        except Exception:
            # Waiting would not mend it, and to lose it in silence would be worse.
            log.exception("%s: job %s cannot be printed", self.name, job["id"])
            return _Fate(UNKNOWN, "unprintable")
        return self._send(printer, payload)

    def _send(self, printer: Row, payload: bytes) -> _Fate:
        try:
            transport = parse_address(printer["address"], reach=self._reach)
        except BadAddress as error:
            return _Fate(QUEUED, error.code)
        if self._half_said:
            payload = resync(_profile(printer)) + payload
        try:
            outcome = send(transport, payload)
        except Exception:
            log.exception("%s failed", self.name)
            self._half_said = True
            return _Fate(UNKNOWN, "broken")
        match outcome.verdict:
            case Verdict.DONE:
                self._half_said = False
                return _Fate(DONE)
            case Verdict.FAILED:
                return _Fate(QUEUED, outcome.reason)
            case Verdict.UNKNOWN:
                self._half_said = True
                return _Fate(UNKNOWN, outcome.reason)

    def _may_wait_for_more(self) -> bool:
        """Say whether a job broke off here before, in the middle of a picture perhaps."""
        with self._box.door.read() as db:
            return has_unknown(db, printer=self._printer)


def wait_after_ms(tries: int) -> int:
    """Return how long a printer is left alone after so many tries of one job."""
    if tries > RETRY_LATE_TRIES:
        return RETRY_LATE_MS
    return RETRY_MS[min(tries, len(RETRY_MS)) - 1]


def _payload(printer: Row, job: Row) -> bytes:
    document = from_json(job["job"])
    if isinstance(document, Kick):
        # The drawer hangs on this printer, whatever was known where the job was made.
        document = Kick(pin=printer["drawer_pin"])
    return encode(document, profile=_profile(printer), typeface=find_typeface())


def _profile(printer: Row) -> Profile:
    profile = PAPER_58MM if printer["columns"] == PAPER_58MM.columns else PAPER_80MM
    if printer["raster"]:
        return msgspec.structs.replace(profile, kanji="raster", native_qr=False)
    return profile


def _end(threads: Iterable[_PrinterThread]) -> None:
    """Let each finish the receipt that it is printing, all within END_TIMEOUT_S."""
    ends_at = time.monotonic() + END_TIMEOUT_S
    for thread in threads:
        thread.ending.set()
        thread.bell.set()
    for thread in threads:
        thread.join(max(0.0, ends_at - time.monotonic()))
