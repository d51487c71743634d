"""A head office that ran before epochs ended where they ended is taken over as it stood."""

from __future__ import annotations

from cloud.app import open_cloud
from cloud.platform import epochs_of, find_hub
from cloud.platform.platform import SECRET_BYTES
from cloud.platform.schema import MIGRATIONS
from cloud.streams import SHARED_TABLES, line_of
from core.crypto import secret_file
from core.sqlite import Door


def older(folder):
    """Return the shared database as the version before wrote it."""
    folder.mkdir()
    key = secret_file(
        folder / "secrets" / "platform.key", SECRET_BYTES, credential="platform-key"
    )
    return Door(folder / "platform.db", key=key, migrations=(MIGRATIONS[0], SHARED_TABLES[0]))


def put(tx, hub, *, state="enrolled", closed_at=None, closed=""):
    tx.run(
        "INSERT INTO hub (id, merchant, store, shard, state, certificate_serial,"
        " certificate_until, enrolled_at) VALUES (:id, 'm', 's', '0', :state, '1', 0, 0)",
        id=hub,
        state=state,
    )
    tx.run(
        "INSERT INTO epoch (hub, epoch, birth, countersignature, downlink_birth,"
        " downlink_signature, closed_at) VALUES (:id, 1, x'01', x'02', x'03', x'04', :at)",
        id=hub,
        at=closed_at,
    )
    tx.run(
        "INSERT INTO certificate (serial, hub, issued_at, revoked_at) VALUES (:s, :hub, 1, :at)",
        s=f"a{hub}",
        hub=hub,
        at=77 if state == "revoked" else None,
    )
    tx.run(
        "INSERT INTO stream_cursor (origin, epoch, merchant, birth, seq, head)"
        " VALUES (:hub, 1, 'm', x'01', 5, x'0505')",
        hub=hub,
    )
    tx.run(
        "INSERT INTO line (hub, boot, closed, down_n) VALUES (:hub, 3, :closed, 9)",
        hub=hub,
        closed=closed,
    )


def test_what_was_shut_is_closed_behind_what_is_kept(tmp_path):
    door = older(tmp_path / "office")

    def fill(tx):
        tx.run("INSERT INTO merchant (id, name, made_at) VALUES ('m', 'n', 0)")
        put(tx, "open")
        put(tx, "forked", closed_at=42, closed="forked")
        put(tx, "revoked", state="revoked")

    door.write(fill)
    door.close()
    platform = open_cloud(tmp_path / "office")
    try:
        with platform.door.read() as db:
            known = {hub: epochs_of(db, hub)[0] for hub in ("open", "forked", "revoked")}
            assert known["open"].closed_reason == ""
            assert not find_hub(db, "open").revoked
            forked = known["forked"]
            assert (forked.closed_reason, forked.closed_seq, forked.closed_head) == (
                "forked",
                5,
                b"\x05\x05",
            )
            assert (forked.closed_at, forked.limbo) == (42, False)
            # Nobody said why: what it held is not moved before somebody does.
            revoked = known["revoked"]
            assert (revoked.closed_reason, revoked.closed_at) == ("retired", 77)
            assert (revoked.closed_seq, revoked.limbo) == (5, True)
            assert find_hub(db, "forked").revoked
            assert line_of(db, "open", 1).boot == 3
            assert line_of(db, "open", 1).down_n == 9
            assert line_of(db, "open", 2).boot == 0
    finally:
        platform.close()
