"""The demo's head office: made once by its own commands, and the stores joined to it.

Hub and head office know nothing of each other's code, so what is done there is done as an
operator does it: by `dianshu cloud admin`.
"""

from __future__ import annotations

import secrets
import shutil
import ssl
import subprocess
import sys
from base64 import b32encode
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from core.crypto import read_private, replace_private
from core.sqlite import Writer
from core.wire import batch_fits
from hub.access import make_token
from hub.app import open_hub
from hub.box import Box
from hub.demo import shop
from hub.simulator import Cast, HeadOffice, read_cast, write_cast
from hub.sync import (
    Unreachable,
    fetch_feed,
    join,
    joined,
    load_link,
    take_feed,
    tls_context,
)

COMMAND_TIMEOUT_S = 60.0
MERCHANT = "清和养生"
EMAIL = "chen@qinghe.example"
NAME = "陈清和"
PASSWORD_WORDS = 4
SECRET_BYTES = 20
FEED_BATCHES_MAX = 1_000
WORDS = (
    *("bamboo", "lotus", "jasmine", "ginger", "willow", "amber", "cedar", "plum"),
    *("river", "lantern", "pebble", "harbour", "meadow", "silver", "maple", "kettle"),
    *("velvet", "orchid", "saffron", "canyon", "ribbon", "marble", "walnut", "breeze"),
    *("copper", "garden", "mirror", "pepper", "sesame", "thunder", "window", "yarrow"),
)


class OfficeFailed(Exception):
    """A command of head office, or a store's way to it, did not do what it must."""


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """The made-up merchant at head office, and who logs in there."""

    merchant: str
    email: str
    password: str
    totp_secret: str
    stores: dict[str, str] = {}
    """Ids of the stores that head office opened, by their codes."""

    def shown(self, address: str, *, stands_in: bool) -> HeadOffice:
        return HeadOffice(
            address=address,
            email=self.email,
            password=self.password,
            totp_secret=self.totp_secret,
            stands_in=stands_in,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Head office's folder, and where the account is kept."""

    data: Path
    account: Path

    @classmethod
    def below(cls, folder: Path) -> Place:
        return cls(data=folder / "cloud", account=folder / "office.json")

    def clear(self) -> None:
        """Throw away what was half made: without its account nobody could log in."""
        if not self.account.exists():
            shutil.rmtree(self.data, ignore_errors=True)

    def command(self, *words: str, said: str = "") -> str:
        """Run one of head office's commands; return what it printed. Raises OfficeFailed."""
        done = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-m", "cloud", "admin", *words, "--data", str(self.data)],
            input=said,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            raise OfficeFailed(f"cloud admin {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def keep(self, office: Office) -> None:
        replace_private(self.account, msgspec.json.encode(office))


def open_office(place: Place) -> Office:
    """Return the demo's account at head office; make merchant and account on the first run.

    Raises OfficeFailed.
    """
    if place.account.exists():
        return msgspec.json.decode(read_private(place.account), type=Office)
    merchant = place.command("merchant", "add", MERCHANT)
    password = "-".join(secrets.choice(WORDS) for _word in range(PASSWORD_WORDS))
    totp_secret = b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    place.command(
        *("account", "add", "--merchant", merchant, "--email", EMAIL, "--name", NAME),
        *("--password-file", "-", "--totp-secret", totp_secret),
        said=password,
    )
    office = Office(merchant=merchant, email=EMAIL, password=password, totp_secret=totp_secret)
    place.keep(office)
    return office


def bring_first(place: Place, office: Office, folder: Path, *, url: str) -> None:
    """Join the shop that already runs, with all that it has. Raises OfficeFailed."""
    if joined(folder):
        return
    code = place.command("code", "--merchant", office.merchant)
    _join(folder, url=url, code=code, bring=True)


def open_second(
    place: Place, office: Office, folder: Path, *, url: str, casts: tuple[Path, Path]
) -> None:
    """Open a branch at head office and join a brand-new hub to it, by a code.

    `casts` are where the first store's people are told and where this one's will be.
    Raises OfficeFailed.
    """
    if folder.is_dir():
        return
    site = shop.SECOND
    store = office.stores.get(site.code)
    if store is None:
        words = ("store", "add", "--merchant", office.merchant, "--code", site.code)
        store = place.command(*words, site.name)
        place.keep(msgspec.structs.replace(office, stores={site.code: store}))
    code = place.command("code", "--merchant", office.merchant, "--store", store)
    # Renamed at the end, so that a hub that was half joined is never taken for one.
    unfinished = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    _join(unfinished, url=url, code=code, bring=False)
    box = open_hub(unfinished)
    try:
        _fetch(box)
        first = read_cast(casts[0])
        write_cast(casts[1], _cast(box, first))
    finally:
        box.close()
    unfinished.rename(folder)


def _join(folder: Path, *, url: str, code: str, bring: bool) -> None:
    box = open_hub(folder)
    try:
        context = ssl.create_default_context()
        join(box, url=url, code=code, bring=bring, version="demo", context=context)
    except Unreachable as error:
        raise OfficeFailed(str(error)) from error
    finally:
        box.close()


def _fetch(box: Box) -> None:
    """Take head office's feed before the first till opens, as the sync program would."""
    link = load_link(box.folder)
    if link is None:
        raise OfficeFailed(f"{box.folder} was not joined")
    context = tls_context(box.folder, link)
    after = 0
    for _batch in range(FEED_BATCHES_MAX):
        try:
            batch = fetch_feed(link.gate, after=after, context=context)
        except Unreachable as error:
            raise OfficeFailed(str(error)) from error
        taken = partial(take_feed, box=box, batch=batch)
        if not batch_fits(link.merchant, batch, link.vouched) or not box.door.write(taken):
            raise OfficeFailed("the feed does not fit")
        after = batch.pos
        if not batch.more:
            return


def _cast(box: Box, first: Cast) -> Cast:
    """Return who works here: the same people, with tokens of this hub's own."""

    def make(tx: Writer) -> dict[str, str]:
        act = box.act(tx)
        return {
            role: make_token(tx, act, name=f"demo {role}", staff_id=key, till=first.tills[0])
            for role, key in shop.first_of_each_role().items()
        }

    spare = len(first.blank_cards)
    return Cast(
        logins=first.logins,
        tokens=box.door.write(make),
        tills=first.tills,
        member_cards=first.member_cards,
        # Cards of its own: two stores cannot give away the same one.
        blank_cards=tuple(f"{int(card) + spare:010}" for card in first.blank_cards),
    )
