"""`dianshu hub admin`: what an operator does at the hub itself, before any page can.

Secrets are shown once and never again: PINs, pairing codes, tokens.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
import segno
from rich.console import Console
from rich.table import Table

from core.crypto import card_hash, hash_pin, make_pin
from core.errors import Refused
from core.feed import load, publish, read_snapshot
from core.journal import Act
from core.money import yuan
from core.organisation import Company, Store, company, settings, store, stores
from core.sqlite import REFUSALS, Reader, Writer
from core.staff import ROLE_NAMES, ROLES, Staff, StaffDocument, active_staff
from hub.access import invite, make_token, revoke_tokens, set_pin, tokens
from hub.app import open_hub
from hub.board import bind, is_moved
from hub.box import Box, settle_in
from hub.certificates import host_names, local_addresses
from hub.command_line import data_option, simulated_option, use_credentials
from hub.devices import (
    BadAddress,
    find_printer,
    parse_address,
    printers,
    reach_of,
    send_to,
    set_printer,
    spool,
)
from hub.doorbell import ring
from hub.receipts import Printed, test_page
from hub.sync import joined

T = TypeVar("T")

ASK_HEAD_OFFICE = (
    "请在总部为本店取换机码，再运行 dianshu hub admin replace URL 换机码\n"
    "this shop is joined: get a code for its place at head office, then run replace"
)
OWNER_NUMBER = "01"
_STAFF_NUMBER = re.compile(r"[0-9A-Za-z]{1,12}")
_TIME = re.compile(r"([01][0-9]):([0-5][0-9])")


@click.group()
def admin() -> None:
    """Set up and care for the hub on this machine."""


@contextmanager
def opened(data: Path, *, fresh: bool = False) -> Iterator[Box]:
    """Lend the hub in a folder, and tell its programs afterwards that something changed.

    A folder without a hub is refused unless `fresh`: a slip of the finger makes no second one.
    """
    if not fresh and not (data / "hub.db").is_file():
        raise click.ClickException(f"{data} is no hub yet; make one: dianshu hub admin init")
    use_credentials(data)
    try:
        box = open_hub(data)
    except (OSError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    try:
        yield box
        box.written()
        ring(box.bells, "web")
    except Refused as refused:
        raise click.ClickException(told(box, refused)) from refused
    finally:
        box.close()


def told(box: Box, refused: Refused) -> str:
    """Return a refusal as the sentence that a page would show."""
    refusal = {**REFUSALS, **box.parts.refusals}.get(refused.code)
    if refusal is None:
        return str(refused)
    facts: dict[str, Any] = refused.facts
    shown = {
        name.removesuffix("_cents"): yuan(fact) if name.endswith("_cents") else fact
        for name, fact in facts.items()
    }
    return refusal.sentence % shown


def do(box: Box, verb: Callable[[Writer, Act], T]) -> T:
    """Run one verb in one transaction; at the machine itself nobody is logged in."""
    return box.door.write(lambda tx: verb(tx, box.act(tx)))


# -- the first day -----------------------------------------------------------------------------


@admin.command()
@data_option
@click.option("--company", "company_name", required=True, help="Who the shop is: 清和养生.")
@click.option("--store", "store_name", required=True, help="The branch: 人民路店.")
@click.option("--code", required=True, help="Stands in every number: one to four of 0-9A-Z.")
@click.option("--owner", default="店主", show_default=True, help="The first to log in.")
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="The time zone.")
@click.option("--day-begins", default="00:00", show_default=True, help="HH:MM of a new day.")
def init(*, data: Path, **words: str) -> None:
    """Make a new shop in an empty folder, with its owner."""
    branch = _valid(
        Store,
        name=words["store_name"],
        code=words["code"].upper(),
        zone=words["zone"],
        cutoff_minutes=_minutes(words["day_begins"]),
    )
    merchant = _valid(Company, name=words["company_name"])
    pin = make_pin()
    with opened(data, fresh=True) as box:
        owner = StaffDocument(
            number=OWNER_NUMBER,
            name=words["owner"],
            role="owner",
            pin_hash=hash_pin(pin, pepper=box.secrets.pin_pepper),
        )

        def begin(tx: Writer) -> None:
            if box.store_id(tx):
                raise click.ClickException(f"{data} is a shop already")
            first = box.first_act()
            store_id = first.new_id()
            publish(tx, first, topic="company", key="-", content=_plain(merchant))
            publish(tx, first, topic="store", key=store_id, content=_plain(branch))
            settle_in(tx, store_id)
            act = box.act(tx)
            publish(tx, act, topic="staff", key=act.new_id(), content=_plain(owner))

        box.door.write(begin)
    click.echo(f"{merchant.name} · {branch.name}")
    _show_pin(OWNER_NUMBER, owner.name, pin)


@admin.group()
def feed() -> None:
    """Bring in what head office says: prices, staff, settings."""


@feed.command("load")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--store", "store_id", default="", help="Which branch this box stands in.")
@data_option
def load_feed(*, file: Path, store_id: str, data: Path) -> None:
    """Take a snapshot: one JSON document a line, as `{topic, key, pos, content}`."""
    with opened(data, fresh=True) as box:

        def take(tx: Writer) -> int:
            taken = load(tx, box.parts, read_snapshot(file.read_text(encoding="utf-8")))
            _stand(tx, box, store_id)
            return taken

        taken = box.door.write(take)
    click.echo(f"{taken} new documents")


def _stand(tx: Writer, box: Box, wanted: str) -> None:
    """Tell a box that does not know it which branch it stands in."""
    known = stores(tx)
    if wanted and wanted not in known:
        raise click.ClickException(f"the feed has no store {wanted}, but {', '.join(known)}")
    if box.store_id(tx):
        if wanted and wanted != box.store_id(tx):
            raise click.ClickException(f"this box stands in {box.store_id(tx)}")
        return
    if not wanted and len(known) != 1:
        raise click.ClickException(f"choose with --store: {', '.join(known) or 'none known'}")
    settle_in(tx, wanted or next(iter(known)))


@admin.command()
@data_option
@click.option("--yes", is_flag=True, help="Do not ask whether the old machine is off.")
def moved(*, data: Path, yes: bool) -> None:
    """Say that this shop stands on this machine from now on, and on the old one no more.

    Two machines that write into one shop's book spoil it. A joined shop asks head office.
    """
    with opened(data) as box:
        with box.door.read() as db:
            if not is_moved(db, box.board):
                raise click.ClickException("这就是原来的主机，不用确认 it is the same machine")
        if joined(data):
            raise click.ClickException(ASK_HEAD_OFFICE)
        if not yes:
            click.confirm("旧主机已停用？ Is the old machine off for good?", abort=True)
        box.door.write(lambda tx: bind(tx, box.board))
    click.echo("已确认，可以记账了 confirmed: this machine books from now on")


# -- people, devices, programs -----------------------------------------------------------------


@admin.group()
def staff() -> None:
    """Who works here."""


@staff.command("add")
@data_option
@click.option("--number", required=True, help="What they log in with: 02.")
@click.option("--name", required=True)
@click.option("--role", required=True, type=click.Choice(list(ROLES)))
@click.option("--card", default="", help="The number that a reader shows for their card.")
def add_staff(*, data: Path, number: str, name: str, role: str, card: str) -> None:
    """Let somebody log in; the PIN is shown once."""
    if not _STAFF_NUMBER.fullmatch(number) or not name.strip():
        raise click.UsageError("a number has one to twelve letters or digits, and a name some")
    pin = make_pin()
    with opened(data) as box:
        employee = StaffDocument(
            number=number,
            name=name.strip(),
            role=role,
            pin_hash=hash_pin(pin, pepper=box.secrets.pin_pepper),
            card_hashes=(_card(box, card),) if card else (),
        )

        def add(tx: Writer, act: Act) -> None:
            if any(known.number == number for known in active_staff(tx)):
                raise click.ClickException(f"{number} is somebody already")
            publish(tx, act, topic="staff", key=act.new_id(), content=_plain(employee))

        do(box, add)
    _show_pin(number, employee.name, pin)


@staff.command("list")
@data_option
def list_staff(data: Path) -> None:
    """Show who may log in."""
    table = Table("工号 no.", "姓名 name", "角色 role", box=None)
    with opened(data) as box, box.door.read() as db:
        for known in active_staff(db):
            role = f"{ROLE_NAMES.get(known.role, '')} {known.role}"
            table.add_row(known.number, known.name, role)
    Console().print(table)


@staff.command("pin")
@click.argument("number")
@data_option
def new_pin(*, number: str, data: Path) -> None:
    """Give somebody a new PIN, shown once; whoever works under the old one is logged out."""
    pin = make_pin()
    with opened(data) as box:

        def change(tx: Writer, act: Act) -> str:
            who = _staff(tx, number)
            set_pin(tx, act, staff_id=who.id, pin=pin, pepper=box.secrets.pin_pepper)
            return who.name

        name = do(box, change)
    _show_pin(number, name, pin)


@admin.command()
@data_option
@click.option("--till", required=True, help="Where the device is used: 前台.")
@click.option("--address", default="", help="Where it finds the hub. Default: this machine.")
def pair(*, data: Path, till: str, address: str) -> None:
    """Let one device in: a code for 15 minutes, to scan or to type."""
    with opened(data) as box:
        code = do(box, lambda tx, act: invite(tx, act, till=till))
    link = f"{(address or _address()).rstrip('/')}/pair?code={code}"
    segno.make(link, micro=False).terminal(out=sys.stdout, compact=True)
    click.echo(f"{link}\n配对码 code: {code}")


@admin.command()
@data_option
@click.option("--staff", "number", required=True, help="As whom the program acts.")
@click.option("--till", required=True, help="At which till.")
@click.option("--name", required=True, help="What the program is called.")
def token(*, data: Path, number: str, till: str, name: str) -> None:
    """Let a program in: a token for the API, shown once."""
    with opened(data) as box:

        def make(tx: Writer, act: Act) -> str:
            return make_token(tx, act, name=name, staff_id=_staff(tx, number).id, till=till)

        made = do(box, make)
    click.echo(made)


@admin.command("tokens")
@data_option
def list_tokens(*, data: Path) -> None:
    """Show which programs may act, and as whom."""
    with opened(data) as box, box.door.read() as db:
        for row in tokens(db):
            click.echo(f"{row['name']}  {row['number']} {row['staff_name']}  {row['till']}")


@admin.command()
@data_option
@click.argument("name")
def revoke(*, data: Path, name: str) -> None:
    """Take back every token of a program."""
    with opened(data) as box:
        count = do(box, lambda tx, act: revoke_tokens(tx, act, name=name))
    click.echo(f"已收回 {count}")


# -- printers ----------------------------------------------------------------------------------


@admin.group()
def printer() -> None:
    """Receipt printers."""


@printer.command("set")
@click.argument("name")
@click.argument("address")
@data_option
@click.option("--columns", type=click.Choice(["48", "32"]), default="48", help="80 or 58 mm.")
@click.option("--raster", is_flag=True, help="Draw Chinese: the printer has no such letters.")
@click.option("--drawer-pin", type=click.Choice(["2", "5"]), default="2", help="Its drawer.")
@simulated_option
def change_printer(*, name: str, address: str, data: Path, **how: Any) -> None:
    """Set up a printer, or change it; the first one is the default.

    ADDRESS is tcp://192.168.1.50:9100, usb:/dev/usb/lp0, serial:/dev/ttyUSB0?baud=9600 or
    file:FOLDER/NAME in the hub's own folder for papers.
    """
    with opened(data) as box:
        try:
            parse_address(address, reach=reach_of(box.folder, simulated=how["simulated"]))
        except BadAddress as error:
            raise click.ClickException(str(error)) from error
        box.door.write(
            lambda tx: set_printer(
                tx,
                name=name,
                address=address,
                columns=int(how["columns"]),
                raster=how["raster"],
                drawer_pin=int(how["drawer_pin"]),
            )
        )
    click.echo(f"{name}: {address}")


@printer.command("list")
@data_option
def list_printers(data: Path) -> None:
    """Show the printers, the default one first."""
    with opened(data) as box, box.door.read() as db:
        for known in printers(db):
            width = f"{known['columns']} columns"
            click.echo(f"{known['name']}: {known['address']} ({width})")


@printer.command("test")
@click.argument("name", required=False)
@data_option
def print_test_page(*, name: str | None, data: Path) -> None:
    """Print a page that shows whether Chinese, widths and cut come out."""
    with opened(data) as box:

        def queue(tx: Writer, act: Act) -> str:
            known = printers(tx)
            if not known or (name and find_printer(tx, name) is None):
                raise click.ClickException(f"no printer {name or 'is set up'}")
            page = test_page(_about(tx, act))
            job = spool(tx, act, page, kind="test", subject="test")
            chosen: str = name or known[0]["name"]
            send_to(tx, job=job, printer=chosen)
            return chosen

        chosen = do(box, queue)
    click.echo(f"{chosen}: a test page waits for it")


# -- small words -------------------------------------------------------------------------------


def _about(tx: Writer, act: Act) -> Printed:
    return Printed(
        company=company(tx),
        store=store(tx, act.store),
        settings=settings(tx),
        at=act.at,
        staff="",
        head=act.journal.head(tx).short,
    )


def _address() -> str:
    """Return where tablets in the store find this machine."""
    local = [name for name in host_names() if name.endswith(".local")]
    numbers = [str(number) for number in local_addresses() if not number.is_loopback]
    return f"https://{(local or numbers or ['hub.local'])[0]}"


def _staff(db: Reader, number: str) -> Staff:
    for known in active_staff(db):
        if known.number == number:
            return known
    raise Refused("no_staff")


def _card(box: Box, number: str) -> str:
    try:
        return card_hash(number, key=box.secrets.card_key)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _valid(kind: type[T], **content: Any) -> T:
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise click.UsageError(str(error)) from error


def _plain(document: msgspec.Struct) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.to_builtins(document)
    return content


def _minutes(typed: str) -> int:
    match = _TIME.fullmatch(typed)
    if not match:
        raise click.UsageError("a day begins between 00:00 and 12:00, such as 04:00")
    return int(match[1]) * 60 + int(match[2])


def _show_pin(number: str, name: str, pin: str) -> None:
    click.echo(f"工号 number: {number}  {name}\nPIN: {pin}  （只显示这一次 shown once）")
