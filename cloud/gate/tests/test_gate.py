"""The gate as hubs meet it: started as a program, over mutual TLS on loopback."""

from __future__ import annotations

import ssl

import msgspec
import pytest

from cloud.epochs import close_epoch
from cloud.gate.tests.started import (
    another_hub,
    call,
    command,
    looked_into,
    papers_of,
    started,
)
from cloud.platform import new_code, places, program_pair, set_places
from cloud.platform.authority import AS_CLIENT, open_authority, pem_of
from cloud.platform.places import parse_broker
from cloud.platform.tests.office import STORE, edit, join, merchant_in
from core.clock import HOUR_MS, SystemClock
from core.crypto import verify_log
from core.enrolment import RenewAnswer, RenewRequest
from core.feed import FeedDocument
from core.wire import batch_fits, unpack_batch

HIDDEN = "只有乙知道"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("office")


@pytest.fixture(scope="module")
def gate(folder):
    with started(folder, "gate") as running:
        yield running


@pytest.fixture(scope="module")
def world(folder, gate):
    """Two merchants, a hub of each, and the platform to look into."""
    with looked_into(folder) as platform:
        platform.door.write(lambda tx: set_places(tx, broker=parse_broker("127.0.0.1:1")))
        yield World(platform, folder, gate)


class World:
    def __init__(self, platform, folder, gate):
        self.platform, self.folder = platform, folder
        self.url = f"https://{gate.address}"
        self.first, self.second = merchant_in(platform, "甲"), merchant_in(platform, "乙")
        edit(self.second, topic="category", key="secret", content={"name": HIDDEN})
        self.hubs = 0

    def joined(self, merchant):
        """Return a fresh hub of a merchant, its answer and its TLS."""
        self.hubs += 1
        hub = another_hub(self.hubs)
        code = new_code(self.platform, merchant=merchant.id, store=STORE)
        answer = join(self.platform, hub, code)
        papers = papers_of(self.folder / hub.name, hub, answer.certificate, answer.ca)
        return hub, answer, papers

    def call(self, path, papers, **how):
        return call(f"{self.url}{path}", context=papers, **how)


def taken(reply, answer):
    """Read a batch as a hub would: the merchant's key must vouch for it."""
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/zstd")
    signed = unpack_batch(reply.body)

    def check(message, signature):
        return verify_log(public=answer.merchant_key, message=message, signature=signature)

    assert batch_fits(answer.merchant, signed, check)
    documents = [msgspec.json.decode(raw, type=FeedDocument) for raw in signed.documents]
    return signed, documents


def test_the_gate_told_head_office_where_it_is(world):
    with world.platform.door.read() as db:
        assert places(db).gate == world.url


def test_a_joined_hub_is_let_in(world):
    _hub, _answer, papers = world.joined(world.first)
    reply = world.call("/health", papers)
    assert (reply.status, reply.body) == (200, b'{"state":"up"}')
    assert reply.headers["Cache-Control"] == "no-store"


def test_a_hub_fetches_its_merchants_feed_stretch_by_stretch(world):
    for number in range(5):
        edit(world.first, topic="category", key=f"i{number}", content={"name": f"项目{number}"})
    _hub, answer, papers = world.joined(world.first)
    after, found = 0, {}
    while True:
        signed, documents = taken(world.call(f"/feed?after={after}&limit=2", papers), answer)
        assert signed.after == after
        assert 0 < len(documents) <= 2
        found |= {(d.topic, d.key): d.content for d in documents}
        after = signed.pos
        if not signed.more:
            break
    assert found["category", "i4"] == {"name": "项目4"}
    assert ("store", STORE) in found
    again, documents = taken(world.call(f"/feed?after={after}", papers), answer)
    assert (again.pos, again.more, documents) == (after, False, [])


@pytest.mark.feature("PLT-01")
def test_nothing_of_one_merchant_is_read_by_anothers_hub(world):
    _hub, answer, papers = world.joined(world.first)
    _other, others_answer, others_papers = world.joined(world.second)
    mine = world.call("/feed?after=0", papers)
    _signed, documents = taken(mine, answer)
    assert "secret" not in {d.key for d in documents}
    assert HIDDEN not in str(documents)
    # The same question with the other's certificate shows it, so it was there to be read.
    theirs = world.call("/feed?after=0", others_papers)
    _signed, documents = taken(theirs, others_answer)
    assert HIDDEN in str(documents)
    # And neither could pass the other's batch off as its own merchant's.
    with pytest.raises(AssertionError):
        taken(theirs, answer)


@pytest.mark.parametrize("words", ["after=-1", "after=x", "limit=1.5", "after=" + "9" * 30])
def test_a_position_that_is_none_is_refused(world, words):
    _hub, _answer, papers = world.joined(world.first)
    reply = world.call(f"/feed?{words}", papers)
    assert (reply.status, reply.code) == (422, "bad_position")


def test_a_limit_is_kept_in_bounds(world):
    _hub, answer, papers = world.joined(world.first)
    signed, documents = taken(world.call("/feed?after=0&limit=0", papers), answer)
    assert (len(documents), signed.more) == (1, True)
    taken(world.call("/feed?after=0&limit=1000000", papers), answer)


# -- who is not let in -------------------------------------------------------------------------


def refused_by_tls(world, context):
    """Say whether the handshake, or the first word after it, was refused."""
    try:
        reply = world.call("/health", context)
    except (ssl.SSLError, ConnectionError):
        return True
    return reply.status


def test_nobody_comes_in_without_a_certificate(world):
    _hub, answer, _papers = world.joined(world.first)
    assert refused_by_tls(world, ssl.create_default_context(cadata=answer.ca)) is True


def test_a_certificate_of_another_authority_is_refused(world, tmp_path):
    hub, answer, _papers = world.joined(world.first)
    at = SystemClock().read().at
    foreign = open_authority(tmp_path / "pki", at=at)
    name = f"{world.first.id}.{hub.name}"
    leaf = foreign.issue(hub.key.public_key(), common_name=name, usages=AS_CLIENT, at=at)
    papers = papers_of(tmp_path / "papers", hub, pem_of(leaf), answer.ca)
    assert refused_by_tls(world, papers) is True


def issued_to(world, tmp_path, name):
    """Return TLS with a certificate of our own authority that names what it should not."""
    hub, answer, _papers = world.joined(world.first)
    platform = world.platform
    authority = open_authority(platform.pki, at=platform.clock.read().at)
    leaf = authority.issue(
        hub.key.public_key(), common_name=name, usages=AS_CLIENT, at=platform.clock.read().at
    )
    return papers_of(tmp_path / "papers", hub, pem_of(leaf), answer.ca)


def test_a_name_that_no_hub_of_that_merchant_has_is_refused(world, tmp_path):
    hub, _answer, _papers = world.joined(world.second)
    for number, name in enumerate(
        (f"{world.first.id}.{hub.name}", hub.name, "cloud-ingest", "gate", "broker")
    ):
        reply = world.call("/feed?after=0", issued_to(world, tmp_path / str(number), name))
        assert (reply.status, reply.code) == (403, "certificate_foreign"), name


def test_the_gates_own_certificate_is_no_way_in(world):
    pair = program_pair(world.platform, "gate")
    context = ssl.create_default_context(cafile=pair.ca)
    context.load_cert_chain(pair.certificate, pair.key)
    assert refused_by_tls(world, context) is True


def test_a_certificate_that_ended_is_refused(world, tmp_path):
    hub, answer, _papers = world.joined(world.first)
    platform = world.platform
    authority = open_authority(platform.pki, at=platform.clock.read().at)
    ended_at = platform.clock.read().at - HOUR_MS
    leaf = authority.issue(
        hub.key.public_key(),
        common_name=f"{world.first.id}.{hub.name}",
        usages=AS_CLIENT,
        at=ended_at,
        days=0,
    )
    papers = papers_of(tmp_path / "papers", hub, pem_of(leaf), answer.ca)
    assert refused_by_tls(world, papers) is True


def test_a_revoked_hub_is_refused_at_once_with_a_certificate_that_is_still_good(world):
    hub, _answer, papers = world.joined(world.first)
    assert world.call("/health", papers).status == 200
    close_epoch(world.platform, hub.name, reason="retired")
    for path, how in (
        ("/health", {}),
        ("/feed?after=0", {}),
        ("/renew", {"method": "POST", "body": b"{}"}),
    ):
        reply = world.call(path, papers, **how)
        assert (reply.status, reply.code) == (403, "hub_revoked")
    assert "停用" in reply.body.decode()


def test_a_command_revokes_a_hub_at_the_running_gate(world):
    hub, _answer, papers = world.joined(world.first)
    assert world.call("/health", papers).status == 200
    code, _out, _err = command(world.folder, "admin", "hub", "revoke", hub.name)
    assert code == 0
    assert world.call("/health", papers).code == "hub_revoked"


# -- renewal -----------------------------------------------------------------------------------


def test_a_hub_renews_its_certificate_and_comes_in_with_the_new_one(world, tmp_path):
    hub, answer, papers = world.joined(world.first)
    body = msgspec.json.encode(RenewRequest(csr=hub.csr()))
    reply = world.call("/renew", papers, method="POST", body=body)
    made = msgspec.json.decode(reply.body, type=RenewAnswer)
    assert made.ca == answer.ca
    assert made.certificate != answer.certificate
    renewed = papers_of(tmp_path / "papers", hub, made.certificate, made.ca)
    assert world.call("/health", renewed).status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_renewal"),
        (b"\xff", "bad_renewal"),
        (b'{"csr":"x"}', "bad_certificate_request"),
    ],
)
def test_a_renewal_that_cannot_be_read_is_refused(world, body, code):
    _hub, _answer, papers = world.joined(world.first)
    reply = world.call("/renew", papers, method="POST", body=body)
    assert (reply.status, reply.code) == (422, code)


def test_an_address_that_there_is_not_is_no_way_around(world):
    _hub, _answer, papers = world.joined(world.first)
    assert world.call("/elsewhere", papers).status == 404
    assert world.call("/renew", papers).status == 405
