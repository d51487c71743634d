import hashlib
import stat
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from hub.certificates import ensure, renewal

DAY_MS = 86_400_000
AT = int(datetime(2026, 9, 1, 9, 30, tzinfo=UTC).timestamp() * 1000)
LAN = ip_address("192.168.1.20")
OTHER = ip_address("192.168.1.31")


def made(folder, *, names=("hub-ab12", "hub-ab12.local"), addresses=(LAN,), at=AT):
    return ensure(folder, names=names, addresses=addresses, at=at)


def read(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def names_of(path):
    value = read(path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        value.get_values_for_type(x509.DNSName),
        [str(address) for address in value.get_values_for_type(x509.IPAddress)],
    )


def test_first_boot_makes_a_root_and_a_leaf_that_only_the_owner_may_read(tmp_path):
    folder = tmp_path / "deep" / "certificates"
    told = made(folder)
    assert (told.renewed, told.root_made, told.left_out) == (True, True, ())
    assert sorted(path.name for path in folder.iterdir()) == [
        "ca-key.pem",
        "ca.pem",
        "hub-key.pem",
        "hub.pem",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_leaf_names_the_hub_every_hub_and_the_private_addresses(tmp_path):
    public = ip_address("203.0.113.9")
    told = made(
        tmp_path,
        names=("Hub-AB12", "hub-ab12.local", "hub-ab12"),
        addresses=(LAN, public, ip_address("fd00::5"), ip_address("2001:db8::7"), LAN),
    )
    assert names_of(told.cert_path) == (
        ["hub-ab12", "hub-ab12.local", "hub.local", "localhost"],
        ["127.0.0.1", "192.168.1.20", "fd00::5"],
    )


def test_a_link_local_address_is_named_without_its_interface(tmp_path):
    told = made(tmp_path, addresses=(ip_address("fe80::1%eth0"),))
    assert names_of(told.cert_path)[1] == ["127.0.0.1", "fe80::1"]


def test_the_root_lives_ten_years_and_the_leaf_397_days(tmp_path):
    told = made(tmp_path)
    root, leaf = read(told.ca_path), read(told.cert_path)
    now = datetime.fromtimestamp(AT / 1000, UTC)
    assert root.not_valid_after_utc - root.not_valid_before_utc == timedelta(days=3652)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=397)
    assert now - leaf.not_valid_before_utc == timedelta(days=1)


def test_the_root_says_how_little_it_may_do(tmp_path):
    extensions = read(made(tmp_path).ca_path).extensions
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    constraints = extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert [str(name.value) for name in constraints.value.permitted_subtrees] == [
        "local",
        "localhost",
        "hub-ab12",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
    ]
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.key_cert_sign, usage.value.digital_signature) == (
        True,
        True,
        False,
    )
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_the_fingerprint_is_the_roots_as_a_tablet_shows_it(tmp_path):
    told = made(tmp_path)
    shown = bytes.fromhex(told.fingerprint_sha256.replace(":", ""))
    encoded = read(told.ca_path).public_bytes(serialization.Encoding.DER)
    assert shown == hashlib.sha256(encoded).digest()
    assert told.fingerprint_sha256[2::3] == ":" * 31


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_good_certificate_is_left_alone(tmp_path):
    first = made(tmp_path)
    before = files(tmp_path)
    again = made(tmp_path, at=AT + 200 * DAY_MS)
    assert (again.renewed, again.root_made) == (False, False)
    assert again.fingerprint_sha256 == first.fingerprint_sha256
    assert files(tmp_path) == before


def changed(folder, before):
    return {name for name, content in files(folder).items() if before.get(name) != content}


@pytest.mark.parametrize(
    ("day", "renewed"), [(335, False), (336, True), (337, True), (900, True)]
)
def test_the_leaf_is_renewed_sixty_days_before_its_end(tmp_path, day, renewed):
    # Its 397 days began the day before it was made.
    made(tmp_path)
    before = files(tmp_path)
    told = made(tmp_path, at=AT + day * DAY_MS + 1000 * (day == 336))
    assert (told.renewed, told.root_made) == (renewed, False)
    assert changed(tmp_path, before) == ({"hub.pem"} if renewed else set())


def test_another_address_makes_another_leaf_under_the_same_root(tmp_path):
    made(tmp_path)
    before = files(tmp_path)
    told = made(tmp_path, addresses=(LAN, OTHER))
    assert (told.renewed, told.root_made) == (True, False)
    assert changed(tmp_path, before) == {"hub.pem"}
    assert "192.168.1.31" in names_of(told.cert_path)[1]
    assert made(tmp_path, addresses=(OTHER, LAN)).renewed is False
    assert made(tmp_path, addresses=(LAN,)).renewed is True


def test_a_public_address_that_comes_and_goes_changes_nothing(tmp_path):
    made(tmp_path)
    assert made(tmp_path, addresses=(LAN, ip_address("2001:db8::9"))).renewed is False


def test_a_renamed_machine_gets_the_names_that_its_root_may_carry(tmp_path):
    made(tmp_path)
    told = made(tmp_path, names=("till", "till.local", "shop.example"))
    assert (told.renewed, told.root_made) == (True, False)
    assert told.left_out == ("till", "shop.example")
    assert names_of(told.cert_path)[0] == ["till.local", "hub.local", "localhost"]
    again = made(tmp_path, names=("till", "till.local", "shop.example"))
    assert (again.renewed, again.left_out) == (False, ("till", "shop.example"))


def test_a_name_from_the_first_boot_is_vouched_for(tmp_path):
    told = made(tmp_path, names=("till.shop.example",))
    assert told.left_out == ()
    assert names_of(told.cert_path)[0] == ["till.shop.example", "hub.local", "localhost"]


def test_a_clock_behind_the_root_changes_no_root(tmp_path):
    before = made(tmp_path)
    behind = made(tmp_path, at=AT - 400 * DAY_MS)
    assert behind.fingerprint_sha256 == before.fingerprint_sha256
    assert behind.renewed is False
    moved = made(tmp_path, at=AT - 400 * DAY_MS, addresses=(OTHER,))
    assert (moved.renewed, moved.root_made) == (True, False)
    leaf, root = read(moved.cert_path), read(moved.ca_path)
    assert leaf.not_valid_before_utc == root.not_valid_before_utc
    assert made(tmp_path, addresses=(OTHER,)).renewed is False


def test_a_leaf_that_a_clock_ahead_made_is_made_again_when_the_clock_is_right(tmp_path):
    made(tmp_path)
    ahead = made(tmp_path, at=AT + 500 * DAY_MS)
    assert ahead.renewed
    right = made(tmp_path, at=AT + DAY_MS)
    assert (right.renewed, right.root_made) == (True, False)
    assert read(right.cert_path).not_valid_before_utc == datetime.fromtimestamp(AT / 1000, UTC)


def test_a_leaf_never_outlives_its_root(tmp_path):
    made(tmp_path)
    late = made(tmp_path, at=AT + 3400 * DAY_MS)
    assert late.root_made is False
    assert read(late.cert_path).not_valid_after_utc == read(late.ca_path).not_valid_after_utc


def test_after_ten_years_there_is_a_new_root_with_a_new_key(tmp_path):
    first = made(tmp_path)
    before = files(tmp_path)
    last = made(tmp_path, at=AT + 3600 * DAY_MS)
    assert (last.renewed, last.root_made) == (True, True)
    assert last.fingerprint_sha256 != first.fingerprint_sha256
    assert changed(tmp_path, before) == {"ca.pem", "ca-key.pem", "hub.pem"}
    assert made(tmp_path, at=AT + 3601 * DAY_MS).renewed is False


def root_subject(told):
    return read(told.ca_path).subject, read(told.ca_path).public_key()


@pytest.mark.parametrize("damage", [None, b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_lost_root_is_made_again_with_the_key_and_name_that_tablets_trust(tmp_path, damage):
    first = made(tmp_path)
    known = root_subject(first)
    first.ca_path.unlink() if damage is None else first.ca_path.write_bytes(damage)
    again = made(tmp_path)
    assert (again.renewed, again.root_made) == (True, True)
    assert root_subject(again) == known


def test_a_lost_root_key_is_missed_only_when_a_leaf_is_due(tmp_path):
    first = made(tmp_path)
    (tmp_path / "ca-key.pem").unlink()
    assert made(tmp_path).renewed is False
    due = made(tmp_path, at=AT + 360 * DAY_MS)
    assert (due.renewed, due.root_made) == (True, True)
    assert due.fingerprint_sha256 != first.fingerprint_sha256


def test_a_damaged_root_key_is_not_thrown_away(tmp_path):
    made(tmp_path)
    (tmp_path / "ca-key.pem").write_bytes(b"noise")
    assert made(tmp_path).renewed is False
    with pytest.raises(RuntimeError, match=r"ca-key\.pem is damaged"):
        made(tmp_path, addresses=(OTHER,))
    assert (tmp_path / "ca-key.pem").read_bytes() == b"noise"


@pytest.mark.parametrize("name", ["hub.pem", "hub-key.pem"])
@pytest.mark.parametrize("damage", [None, b"noise"])
def test_a_lost_leaf_or_its_key_is_made_again(tmp_path, name, damage):
    made(tmp_path)
    path = tmp_path / name
    path.unlink() if damage is None else path.write_bytes(damage)
    told = made(tmp_path)
    assert (told.renewed, told.root_made) == (True, False)
    assert made(tmp_path).renewed is False


def test_another_hubs_leaf_in_the_folder_is_not_served(tmp_path):
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    made(mine)
    made(theirs)
    for name in ("hub.pem", "hub-key.pem"):
        (mine / name).write_bytes((theirs / name).read_bytes())
    assert made(mine).renewed is True
    assert made(mine).renewed is False


def test_a_root_that_is_not_limited_is_not_taken_for_ours(tmp_path):
    made(tmp_path)
    (tmp_path / "ca.pem").write_bytes((tmp_path / "hub.pem").read_bytes())
    told = made(tmp_path)
    assert told.root_made
    assert read(told.ca_path).extensions.get_extension_for_class(x509.NameConstraints).critical


def test_a_key_that_others_may_read_is_refused(tmp_path):
    made(tmp_path)
    (tmp_path / "hub-key.pem").chmod(0o644)
    with pytest.raises(RuntimeError, match="0644"):
        made(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["", "hub.", ".local", "a b", "hub_1", "店.local", "192.168.1.1", "x" * 64, "*.local"],
)
def test_what_is_no_host_name_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="host name"):
        made(tmp_path, names=(name,))


def test_names_and_addresses_have_a_limit(tmp_path):
    with pytest.raises(ValueError, match="40 names"):
        made(tmp_path, names=[f"till-{number}.local" for number in range(39)])
    with pytest.raises(ValueError, match="40 addresses"):
        made(tmp_path, addresses=[ip_address(f"10.0.0.{number}") for number in range(40)])


def test_a_power_cut_between_any_two_files_heals_at_the_next_start(tmp_path, monkeypatch):
    """Stop after each write in turn, as a cut would, and start again."""
    made_after = []
    for writes in range(4):
        folder = tmp_path / f"cut-{writes}"
        left = [writes]

        def cut(path, content, *, left=left, write=renewal.replace_private):
            if left[0] == 0:
                raise ConnectionAbortedError
            left[0] -= 1
            write(path, content)

        with monkeypatch.context() as patched:
            patched.setattr(renewal, "replace_private", cut)
            with pytest.raises(ConnectionAbortedError):
                made(folder)
        made_after.append(made(folder).root_made)
        assert made(folder).renewed is False
    assert made_after == [True, True, False, False]


def test_two_processes_at_first_boot_end_with_one_root(tmp_path):
    for attempt in range(5):
        folder = tmp_path / f"boot-{attempt}"
        start, told = threading.Barrier(4), []

        def boot(folder=folder, start=start, told=told):
            start.wait()
            told.append(made(folder))

        starters = [threading.Thread(target=boot) for _ in range(4)]
        for starter in starters:
            starter.start()
        for starter in starters:
            starter.join()
        assert len({one.fingerprint_sha256 for one in told}) == 1
        assert sorted(one.root_made for one in told) == [False, False, False, True]
