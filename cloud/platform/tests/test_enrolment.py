from __future__ import annotations

import threading

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from cloud.epochs import close_epoch
from cloud.feed import bring
from cloud.platform import (
    CODE_LIFE_MS,
    enrol,
    find_hub,
    new_code,
    parse_broker,
    renew,
    renew_late,
    set_places,
    spelled,
)
from cloud.platform.authority import common_name_of, open_authority
from cloud.platform.codes import CODE_CHARACTERS, TRIES_MAX
from cloud.platform.platform import create_merchant
from cloud.platform.tests.office import BROKER, GATE, STORE, Hub, edit, join, merchant_in
from core.clock import DAY_MS
from core.crypto import verify_log
from core.enrolment import (
    Brought,
    RenewLateRequest,
    RenewRequest,
    proven_bytes,
)
from core.errors import Refused
from core.feed import FeedDocument
from core.journal import Birth
from core.organisation import stores
from core.wire import shard


@pytest.fixture
def code(platform, merchant):
    return new_code(platform, merchant=merchant.id, store=STORE)


def refused(code, verb, *args, **kwargs):
    with pytest.raises(Refused) as told:
        verb(*args, **kwargs)
    assert told.value.code == code


def hubs_in(platform):
    with platform.door.read() as db:
        return [row["id"] for row in db.all("SELECT id FROM hub")]


# -- joining -----------------------------------------------------------------------------------


def test_a_hub_is_joined_to_the_store_of_its_code(platform, merchant, code):
    hub = Hub()
    answer = join(platform, hub, code, version="0.2.0", model="Pi 5")
    assert (answer.merchant, answer.hub_id, answer.store) == (merchant.id, hub.name, STORE)
    assert answer.shard == shard(hub.name)
    assert f"{answer.broker.host}:{answer.broker.port}" == BROKER
    assert answer.gate == GATE
    assert (answer.pin_pepper, answer.card_key) == (merchant.pin_pepper, merchant.card_key)
    with platform.door.read() as db:
        known = find_hub(db, hub.name)
    assert (known.merchant, known.store, known.state) == (merchant.id, STORE, "enrolled")
    assert (known.version, known.model) == ("0.2.0", "Pi 5")
    assert known.name == f"{merchant.id}.{hub.name}"


def test_the_merchant_vouches_for_the_hubs_birth_and_for_the_stream_down(
    platform, merchant, code
):
    hub = Hub()
    answer = join(platform, hub, code)
    assert answer.merchant_key == merchant.signing.public
    for message, signature in (
        (hub.birth, answer.countersignature),
        (answer.downlink_birth, answer.downlink_signature),
    ):
        assert verify_log(public=answer.merchant_key, message=message, signature=signature)
    down = msgspec.json.decode(answer.downlink_birth, type=Birth)
    assert (down.hub, down.epoch, down.key) == (f"{hub.name}.dn", 1, answer.merchant_key)


def test_the_certificate_names_the_hub_and_is_good_for_clients_only(platform, merchant, code):
    hub = Hub()
    answer = join(platform, hub, code)
    leaf = x509.load_pem_x509_certificate(answer.certificate.encode())
    root = x509.load_pem_x509_certificate(answer.ca.encode())
    leaf.verify_directly_issued_by(root)
    assert common_name_of(leaf) == f"{merchant.id}.{hub.name}"
    assert leaf.public_key() == hub.key.public_key()
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    days = (leaf.not_valid_after_utc.timestamp() * 1000 - platform.clock.at) / DAY_MS
    assert 179 < days <= 180


def test_a_code_is_read_as_people_type_it(platform, code):
    hub = Hub()
    assert len(code) == CODE_CHARACTERS
    assert len(spelled(code)) == CODE_CHARACTERS + 1
    join(platform, hub, f" {spelled(code).lower()} ")
    assert hubs_in(platform) == [hub.name]


def test_only_a_hash_of_a_code_is_kept(platform, code):
    with platform.door.read() as db:
        row = dict(db.one("SELECT * FROM enrolment_code"))
    kept = msgspec.json.encode({name: str(value) for name, value in row.items()}).decode()
    assert code not in kept
    assert code[4:] not in kept


# -- codes that are no good --------------------------------------------------------------------


def test_the_same_hub_gets_the_same_answer_again_when_the_first_was_lost(platform, code):
    hub = Hub()
    first = join(platform, hub, code)
    platform.clock.advance(CODE_LIFE_MS - 1)
    # A request for a certificate is signed anew each time, so it is never the same bytes.
    assert join(platform, hub, code, version="another") == first
    assert hubs_in(platform) == [hub.name]
    platform.clock.advance(1)
    refused("join_code_expired", join, platform, hub, code)


def test_another_hub_cannot_use_a_code_that_was_used(platform, code):
    join(platform, Hub(), code)
    stranger = Hub("fedcba9876543210", seed=8)
    refused("join_code_used", join, platform, stranger, code)
    with_another_key = Hub()
    refused("join_code_used", join, platform, with_another_key, code)
    assert hubs_in(platform) == ["0123456789abcdef"]


def test_of_two_hubs_with_one_code_at_once_one_is_joined(platform, code):
    hubs = [Hub("00000000000000aa", seed=3), Hub("00000000000000bb", seed=4)]
    told = []

    def ask(hub):
        try:
            told.append(join(platform, hub, code).hub_id)
        except Refused as no:
            told.append(no.code)

    threads = [threading.Thread(target=ask, args=(hub,)) for hub in hubs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (joined,) = hubs_in(platform)
    assert sorted(told) == sorted([joined, "join_code_used"])


def test_a_code_is_over_after_a_quarter_of_an_hour(platform, code):
    platform.clock.advance(CODE_LIFE_MS)
    refused("join_code_expired", join, platform, Hub(), code)
    assert hubs_in(platform) == []


def wrong(code):
    """The same code, but for its last character."""
    return code[:-1] + ("0" if code[-1] != "0" else "1")


def test_five_wrong_tries_lock_a_code_for_its_owner_too(platform, code):
    for _ in range(TRIES_MAX):
        refused("join_code_wrong", join, platform, Hub(), wrong(code))
    refused("join_code_locked", join, platform, Hub(), code)
    assert hubs_in(platform) == []


def test_four_wrong_tries_do_not(platform, code):
    for _ in range(TRIES_MAX - 1):
        refused("join_code_wrong", join, platform, Hub(), wrong(code))
    join(platform, Hub(), code)


def test_a_wrong_try_counts_against_its_own_code_only(platform, merchant, code):
    other = new_code(platform, merchant=merchant.id, store=STORE)
    for _ in range(TRIES_MAX):
        refused("join_code_wrong", join, platform, Hub(), wrong(other))
    join(platform, Hub(), code)


@pytest.mark.parametrize("typed", ["", "0", "ZZZZZ-ZZZZZ", "!!!!!!!!!!", "店枢", "0" * 64])
def test_what_is_no_code_is_a_wrong_one(platform, code, typed):
    refused("join_code_wrong", join, platform, Hub(), typed)


def test_a_code_is_for_a_store_that_there_is(platform, merchant):
    refused("no_store", new_code, platform, merchant=merchant.id, store="elsewhere")
    refused("store_missing", new_code, platform, merchant=merchant.id, store="")
    refused("no_merchant", new_code, platform, merchant="nowhere1", store="")


def test_a_store_that_was_withdrawn_meanwhile_takes_no_hub(platform, merchant, code):
    edit(merchant, topic="store", key=STORE, content=None)
    refused("no_store", join, platform, Hub(), code)
    assert hubs_in(platform) == []


def test_old_codes_are_forgotten(platform, merchant, code):
    platform.clock.advance(8 * DAY_MS)
    new_code(platform, merchant=merchant.id, store=STORE)
    with platform.door.read() as db:
        assert db.value("SELECT COUNT(*) FROM enrolment_code") == 1


# -- requests that are no good -----------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ec.generate_private_key(ec.SECP384R1()),
    ],
    ids=["rsa", "p384"],
)
def test_a_key_of_another_kind_is_refused(platform, code, key):
    hub = Hub()
    refused("bad_certificate_request", join, platform, hub, code, csr=hub.csr(key))


def test_a_request_that_its_key_did_not_sign_is_refused(platform, code):
    hub = Hub()
    pem = hub.csr()
    der = bytearray(x509.load_pem_x509_csr(pem.encode()).public_bytes(Encoding.DER))
    der[-1] ^= 1
    broken = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()
    refused("bad_certificate_request", join, platform, hub, code, csr=broken)
    refused("bad_certificate_request", join, platform, hub, code, csr="nothing")


@pytest.mark.parametrize(
    "changed",
    [
        {"hub": "0123"},
        {"hub": "0123456789abcdef.dn"},
        {"hub": "+/#"},
        {"key": "short"},
        {"epoch": 0},
        {"epoch": 2**31},
        {"made_at": -1},
    ],
    ids=str,
)
def test_a_birth_certificate_that_cannot_be_is_refused(platform, code, changed):
    hub = Hub()
    said = msgspec.json.decode(hub.birth) | changed
    refused("bad_birth", join, platform, hub, code, birth=msgspec.json.encode(said))
    refused("bad_birth", join, platform, hub, code, birth=b"{")
    assert hubs_in(platform) == []


def test_a_hub_is_not_joined_before_broker_and_gate_are_known(platform, code):
    platform.door.write(lambda tx: tx.run("DELETE FROM memory"))
    refused("no_places", join, platform, Hub(), code)


# -- a hub that is known -----------------------------------------------------------------------


def test_a_hub_that_lost_its_certificate_comes_back_with_a_new_code_and_its_log_key(
    platform, merchant, code
):
    first = join(platform, Hub(), code)
    again = Hub()
    second = join(platform, again, new_code(platform, merchant=merchant.id, store=STORE))
    assert second.certificate != first.certificate
    assert second.downlink_birth == first.downlink_birth
    assert hubs_in(platform) == [again.name]


def test_without_its_log_key_nobody_takes_a_known_hubs_place(platform, merchant, code):
    join(platform, Hub(), code)
    thief = Hub(seed=9)
    fresh = new_code(platform, merchant=merchant.id, store=STORE)
    refused("hub_known", join, platform, thief, fresh)
    copied = Hub()
    refused("hub_known", join, platform, copied, fresh, proof=b"")


def test_a_known_hub_is_not_joined_to_another_merchant_or_store(platform, merchant, code):
    join(platform, Hub(), code)
    other = merchant_in(platform, "乙", stores=(STORE, "store-2"))
    for where in (STORE, "store-2"):
        fresh = new_code(platform, merchant=other.id, store=where)
        refused("hub_known", join, platform, Hub(), fresh)
    with platform.door.read() as db:
        assert find_hub(db, Hub().name).merchant == merchant.id


def test_a_revoked_hub_is_not_joined_again(platform, merchant, code):
    hub = Hub()
    join(platform, hub, code)
    close_epoch(platform, hub.name, reason="retired")
    fresh = new_code(platform, merchant=merchant.id, store=STORE)
    refused("hub_known", join, platform, hub, fresh)
    refused("no_hub", close_epoch, platform, "nobody", reason="lost")


# -- a shop that already runs ------------------------------------------------------------------


def brought(**changes):
    feed = (
        FeedDocument(topic="company", key="-", pos=1, content={"name": "老店"}),
        FeedDocument(topic="store", key="s9", pos=2, content={"name": "老店", "code": "09"}),
    )
    known = {"pin_pepper": b"p" * 32, "card_key": b"c" * 32, "feed": feed}
    return Brought(**(known | changes))


def test_a_shop_brings_its_documents_and_keys_to_a_merchant_without_any(platform):
    empty = create_merchant(platform, "老店")
    code = new_code(platform, merchant=empty.id, store="")
    answer = join(platform, Hub(), code, bring=brought())
    assert answer.store == "s9"
    assert (answer.pin_pepper, answer.card_key) == (b"p" * 32, b"c" * 32)
    assert (empty.pin_pepper, empty.card_key) == (b"p" * 32, b"c" * 32)
    with empty.door.read() as db:
        assert [store.name for store in stores(db).values()] == ["老店"]
    assert empty.findings() == []


def test_of_several_stores_the_hub_says_in_which_it_stands(platform):
    empty = create_merchant(platform, "老店")
    code = new_code(platform, merchant=empty.id, store="")
    two = (
        *brought().feed,
        FeedDocument(topic="store", key="s2", pos=3, content={"name": "二", "code": "2"}),
    )
    refused("no_store", join, platform, Hub(), code, bring=brought(feed=two))
    with empty.door.read() as db:
        assert db.value("SELECT COUNT(*) FROM feed_document") == 0
    assert join(platform, Hub(), code, bring=brought(feed=two, store="s2")).store == "s2"


def test_what_a_shop_brings_does_not_overwrite_what_a_merchant_has(platform, merchant, code):
    before = merchant.pin_pepper
    refused("feed_there", join, platform, Hub(), code, bring=brought())
    assert merchant.pin_pepper == before
    assert hubs_in(platform) == []


def test_a_merchant_without_a_store_takes_no_hub_that_brings_nothing(platform):
    empty = create_merchant(platform, "新店")
    code = new_code(platform, merchant=empty.id, store="")
    refused("feed_missing", join, platform, Hub(), code)


def test_bringing_that_was_cut_off_half_way_goes_on(platform):
    empty = create_merchant(platform, "老店")
    code = new_code(platform, merchant=empty.id, store="")
    taken = []

    def bring_and_be_cut_off(tx, act, documents):
        taken.append(bring(tx, act, documents))
        # Right after the merchant's own transaction, before the shared one.
        tx.afterwards.append(
            lambda: platform.door.write(lambda shared: shared.run("DELETE FROM memory"))
        )
        return taken[-1]

    request = Hub().request(code, bring=brought())
    refused("no_places", enrol, platform, request, bring=bring_and_be_cut_off)
    assert taken == [2]
    platform.door.write(lambda tx: set_places(tx, broker=parse_broker(BROKER), gate=GATE))
    refused(
        "feed_there",
        enrol,
        platform,
        Hub().request(code, bring=brought(pin_pepper=b"x" * 32)),
        bring=bring,
    )
    assert enrol(platform, request, bring=bring_and_be_cut_off).store == "s9"
    assert taken == [2]


# -- renewal -----------------------------------------------------------------------------------


def hub_row(platform, hub):
    with platform.door.read() as db:
        return find_hub(db, hub.name)


def test_a_certificate_is_renewed_under_the_same_name(platform, code):
    hub = Hub()
    join(platform, hub, code)
    before = hub_row(platform, hub)
    platform.clock.advance(100 * DAY_MS)
    answer = renew(platform, before, RenewRequest(csr=hub.csr()))
    leaf = x509.load_pem_x509_certificate(answer.certificate.encode())
    after = hub_row(platform, hub)
    assert common_name_of(leaf) == before.name
    assert after.certificate_serial == f"{leaf.serial_number:x}" != before.certificate_serial
    assert after.certificate_until > before.certificate_until


def test_a_revoked_hub_gets_no_certificate(platform, code):
    hub = Hub()
    answer = join(platform, hub, code)
    close_epoch(platform, hub.name, reason="retired")
    row = hub_row(platform, hub)
    refused("hub_revoked", renew, platform, row, RenewRequest(csr=hub.csr()))
    refused("hub_revoked", renew_late, platform, late(hub, answer))


def late(hub, answer, **changes):
    csr = hub.csr()
    known = {
        "csr": csr,
        "certificate": answer.certificate,
        "proof": hub.log_key.sign(proven_bytes(csr)),
    }
    return RenewLateRequest(**(known | changes))


def test_a_hub_from_the_drawer_renews_for_a_year_after_its_certificate_ended(platform, code):
    hub = Hub()
    answer = join(platform, hub, code)
    platform.clock.advance((180 + 364) * DAY_MS)
    made = renew_late(platform, late(hub, answer))
    assert made.certificate != answer.certificate
    platform.clock.advance(2 * DAY_MS)
    refused("certificate_unknown", renew_late, platform, late(hub, answer))


def test_an_ended_certificate_alone_is_worth_nothing(platform, code, tmp_path):
    hub = Hub()
    answer = join(platform, hub, code)
    thief = Hub(seed=9)
    refused("proof_wrong", renew_late, platform, late(thief, answer))
    stolen = hub.log_key.sign(proven_bytes(hub.csr()))
    refused("proof_wrong", renew_late, platform, late(hub, answer, proof=stolen))
    refused("certificate_unknown", renew_late, platform, late(hub, answer, certificate="x"))
    foreign = open_authority(tmp_path / "foreign", at=platform.clock.at)
    alien = foreign.issue(
        hub.key.public_key(), common_name=hub_row(platform, hub).name, usages=(), at=0
    )
    pem = alien.public_bytes(Encoding.PEM).decode()
    refused("certificate_unknown", renew_late, platform, late(hub, answer, certificate=pem))


def test_a_new_hub_need_not_prove_its_log_key(platform, code):
    hub = Hub()
    assert join(platform, hub, code, proof=b"").hub_id == hub.name
