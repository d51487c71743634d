"""Moving value between the pool and the hubs: verbs on a merchant's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.journal import Act, Event
from core.sqlite import Reader, Writer
from core.wallet import Leg, Recalled, send_grant, written_legs


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAsk:
    """A hub's wish that may still be fulfilled; `want` in fen, 0 for all; `at` in ms."""

    id: str
    hub: str
    member: str
    want: int
    at: int


def grant(
    tx: Writer,
    act: Act,
    *,
    ask: OpenAsk,
    epoch: int,
    legs: Sequence[Leg],
) -> Event:
    """Send value from the pool to the hub that asked; `act` writes the hub's downlink.

    Asserts that the pool holds it. A grant names the hub's epoch: it means nothing in another.
    """
    act.journal.begin(tx)
    return send_grant(
        tx,
        act,
        transfer=act.new_id(),
        member=ask.member,
        hub=ask.hub,
        hub_epoch=epoch,
        legs=list(legs),
        request=ask.id,
    )


def recall(
    tx: Writer, act: Act, *, ask: OpenAsk, hub: str, epoch: int, legs: Sequence[Leg] = ()
) -> Event:
    """Ask a hub to release what it holds of a member; `act` writes that hub's downlink.

    No more than `legs` where there are any; then a box that serves the member keeps them.
    """
    act.journal.begin(tx)
    tx.run(
        "INSERT INTO recall (request, hub, epoch, member, at, open)"
        " VALUES (:request, :hub, :epoch, :member, :at, 1)",
        request=ask.id,
        hub=hub,
        epoch=epoch,
        member=ask.member,
        at=act.at,
    )
    body = Recalled(
        request=ask.id,
        member=ask.member,
        hub=hub,
        hub_epoch=epoch,
        legs=written_legs(legs),
    )
    return act.append(tx, body)


def answered(tx: Writer, *, request: str, hub: str) -> None:
    """Note that a hub released, also where it had nothing to release."""
    tx.run(
        "UPDATE recall SET open = 0 WHERE request = :request AND hub = :hub",
        request=request,
        hub=hub,
    )


def called_hubs(db: Reader, member: str) -> dict[str, int]:
    """Return the hubs that were called for this member and have not answered, by epoch."""
    rows = db.all(
        "SELECT hub, epoch FROM recall WHERE member = :member AND open = 1", member=member
    )
    return {row["hub"]: row["epoch"] for row in rows}


def places_of(db: Reader, member: str) -> dict[str, int]:
    """Return how much of anything a member holds at each place, or has on the way to it.

    A recall comes down behind the grant that it follows, so what is on its way comes back too.
    """
    rows = db.all(
        """SELECT place, SUM(amount) AS amount FROM (
             SELECT place, amount FROM holding WHERE member = :member
             UNION ALL
             SELECT CASE g.epoch WHEN 1 THEN g.hub ELSE g.hub || '.' || g.epoch END AS place,
                    t.amount
               FROM transit t JOIN granted g ON g.transfer = t.transfer
              WHERE t.member = :member
           ) GROUP BY place""",
        member=member,
    )
    return {row["place"]: row["amount"] for row in rows}


def remember_ask(tx: Writer, ask: OpenAsk, *, why: str, state: str, pending: bool) -> None:
    """Write down a new ask and what came of it; older ones for the member end with it.

    Two stores that know the same guest within minutes are one guest who walked on.
    """
    tx.run("UPDATE ask SET open = 0 WHERE member = :member AND open = 1", member=ask.member)
    tx.run(
        "INSERT INTO ask (id, hub, member, want, why, at, state, open)"
        " VALUES (:id, :hub, :member, :want, :why, :at, :state, :open)",
        id=ask.id,
        hub=ask.hub,
        member=ask.member,
        want=ask.want,
        why=why,
        at=ask.at,
        state=state,
        open=int(pending),
    )


def state_of_ask(db: Reader, ask_id: str) -> str | None:
    """Return what came of an ask; None for one that was never heard."""
    state: str | None = db.value("SELECT state FROM ask WHERE id = :id", id=ask_id)
    return state


def open_asks(db: Reader, member: str) -> list[OpenAsk]:
    """Return the asks for a member that wait for something."""
    rows = db.all(
        "SELECT id, hub, member, want, at FROM ask WHERE member = :member AND open = 1",
        member=member,
    )
    return [OpenAsk(**dict(row)) for row in rows]


def close_ask(tx: Writer, ask_id: str, *, state: str) -> None:
    """Note that nothing more comes of an ask."""
    tx.run("UPDATE ask SET state = :state, open = 0 WHERE id = :id", state=state, id=ask_id)
