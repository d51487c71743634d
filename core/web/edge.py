"""The edge: where a request becomes a command with an actor, a time and one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import Protocol, TypeVar

from flask import current_app, g

from core.errors import Refused
from core.journal import Act, Journal, Parts, drain_all
from core.room import FULL, READ_ONLY
from core.sqlite import Door, Reader, Writer

T = TypeVar("T")


class House(Protocol):
    """What pages need of the program that serves them: a hub's box, a cloud's merchant."""

    @property
    def door(self) -> Door: ...

    @property
    def parts(self) -> Parts: ...

    @property
    def journal(self) -> Journal: ...

    def written(self) -> None:
        """Tell the program's other processes that something was committed."""
        ...

    def act(
        self, db: Reader, *, actor: str | None = None, device: str | None = None
    ) -> Act: ...


@dataclass(slots=True, kw_only=True)
class Caller:
    """Who is calling: set once per request by the slice that knows sessions."""

    device: str | None = None
    till: str | None = None
    staff: str | None = None
    staff_name: str | None = None
    role: str | None = None
    csrf_binding: str = ""
    token: bool = False
    """By an API token, so there is no cookie that another site could ride on."""


def house() -> House:
    served: House = current_app.extensions["house"]
    return served


def caller() -> Caller:
    """Return who calls; nobody in particular where no session was looked at."""
    if "caller" not in g:
        g.caller = Caller()
    known: Caller = g.caller
    return known


def write(verb: Callable[[Writer, Act], T]) -> T:
    """Run one verb in one transaction, as the caller; its answer is on the disk."""
    who = caller()
    served = house()
    # It runs in the writer's thread, but with this request around it: its language, its house.
    here = copy_context()

    def run(tx: Writer) -> T:
        return verb(tx, served.act(tx, actor=who.staff, device=who.device))

    answer = served.door.write(lambda tx: here.run(run, tx))
    served.written()
    current_app.extensions["bulletin"].announce()
    return answer


@contextmanager
def read() -> Iterator[Reader]:
    """Lend one consistent view."""
    with house().door.read() as db:
        yield db


@contextmanager
def fresh_read() -> Iterator[Reader]:
    """Lend a view whose history reaches the journal's head: for what somebody acts on.

    Where the disk takes nothing, nobody can act either, and the history that is there is shown.
    """
    served = house()
    try:
        drain_all(served.door, served.parts)
    except Refused as refused:
        if refused.code not in {FULL, READ_ONLY}:
            raise
    with served.door.read() as db:
        yield db


def reading_act(db: Reader) -> Act:
    """Return an act for rules that need store and date while only reading."""
    who = caller()
    return house().act(db, actor=who.staff, device=who.device)
