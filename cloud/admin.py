"""`dianshu cloud admin`: what an operator does at the server itself, before any page can.

What somebody needs afterwards (an id, a code, a link) is the only thing on standard output, so
that scripts can take it from there; what people should know beside it goes to standard error.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click
import msgspec

from cloud.access import ROLES, Invitation, add_account, make_ready
from cloud.command_line import data_option, opened
from cloud.fleet import add_store, make_replace_code, shut_out, usual_day
from cloud.fleet import make_code as code_for
from cloud.ingest import NotEmpty, differences, restore
from cloud.list_commands import export_group, import_group
from cloud.night_commands import NIGHT_COMMANDS
from cloud.platform import (
    BROKER,
    CODE_LIFE_MS,
    GATE,
    INGEST,
    Hub,
    Merchant,
    Platform,
    Reason,
    all_hubs,
    create_merchant,
    find_hub,
    hubs_of,
    parse_broker,
    parse_gate,
    program_pair,
    revoked_list,
    set_names,
    set_places,
    spelled,
)
from cloud.recovery_commands import RECOVERY_COMMANDS
from core.clock import MINUTE_MS, BusinessDay
from core.errors import Refused
from core.feed import publish
from core.organisation import Company, Store, company, stores
from core.sqlite import Reader, Writer

SHOWN_IN = BusinessDay("Asia/Shanghai")


@click.group()
def admin() -> None:
    """Set up and care for head office on this machine."""


admin.add_command(import_group)
admin.add_command(export_group)
for command in (*RECOVERY_COMMANDS, *NIGHT_COMMANDS):
    admin.add_command(command)


@admin.group()
def merchant() -> None:
    """Merchants: each has a database and keys of its own."""


@merchant.command("add")
@data_option
@click.argument("name")
def add_merchant(*, data: Path, name: str) -> None:
    """Take a merchant in, and print its id."""
    with opened(data) as platform:
        made = create_merchant(platform, name)
        click.echo(made.id)


@merchant.command("list")
@data_option
def list_merchants(*, data: Path) -> None:
    """Show the merchants and how many stores and hubs each has."""
    with opened(data) as platform:
        for merchant_id in platform.merchant_ids():
            with platform.door.read() as db:
                hubs = len(hubs_of(db, merchant_id))
                name = db.value("SELECT name FROM merchant WHERE id = :id", id=merchant_id)
            with platform.merchant(merchant_id).door.read() as db:
                branches = len(stores(db))
            click.echo(f"{merchant_id}  {name}  stores {branches}  hubs {hubs}")


@merchant.command("check")
@data_option
@click.argument("merchant_id")
def check_merchant(*, data: Path, merchant_id: str) -> None:
    """Replay a merchant's journals and compare: chains, seals and every table."""
    with opened(data) as platform:
        checked = platform.merchant(merchant_id)
        found = [str(finding) for finding in checked.findings()]
        found += differences(platform, checked)
    for line in found:
        click.echo(line)
    if found:
        raise click.ClickException(f"有 {len(found)} 处不符 {len(found)} do not hold")


@merchant.command("restore")
@data_option
@click.argument("merchant_id")
def restore_merchant(*, data: Path, merchant_id: str) -> None:
    """Put a merchant's lost database back from what hubs sent; ingest must not run."""
    with opened(data):  # Refuses in words what cannot be opened at all.
        pass
    try:
        events = restore(data, merchant_id)
    except NotEmpty as error:
        raise click.ClickException(
            "这个商户的数据库里已有记录，不会覆盖 this merchant's database is not empty"
        ) from error
    except Refused as refused:
        raise click.ClickException(str(refused)) from refused
    click.echo(events)


# -- people ------------------------------------------------------------------------------------


@admin.group()
def account() -> None:
    """People who log in to head office's pages."""


@account.command("add")
@data_option
@click.option(
    "--merchant", "merchant_id", required=True, help="Whose pages: the merchant's id."
)
@click.option("--email", required=True, help="What they log in with.")
@click.option("--name", required=True, help="How they are called.")
@click.option("--role", type=click.Choice(list(ROLES)), default="owner", show_default=True)
@click.option(
    "--password-file",
    type=click.File(encoding="utf-8"),
    help="Let them in at once with this password; - reads standard input.",
)
@click.option("--totp-secret", help="Of the authenticator, base32; with --password-file.")
def invite(
    *, data: Path, password_file: TextIO | None, totp_secret: str | None, **person: str
) -> None:
    """Let somebody in: print the address, below head office's own, of the first log-in."""
    if (password_file is None) is not (totp_secret is None):
        raise click.UsageError("--password-file 与 --totp-secret 要一起给 belong together")
    with opened(data) as platform:
        made = add_account(
            platform,
            merchant=person["merchant_id"],
            email=person["email"],
            name=person["name"],
            role=person["role"],
        )
        if password_file is None or totp_secret is None:
            click.echo(f"/welcome/{made.token}")
            return
        password = password_file.read().rstrip("\n")
        _let_in(platform, made, password=password, secret=totp_secret)


def _let_in(platform: Platform, made: Invitation, *, password: str, secret: str) -> None:
    make_ready(platform, account=made.account, password=password, secret=secret)
    click.echo(made.account)


# -- stores and hubs ---------------------------------------------------------------------------


@admin.group()
def store() -> None:
    """Open and list stores."""


@store.command("add")
@data_option
@click.option(
    "--merchant", "merchant_id", required=True, help="Whose store: the merchant's id."
)
@click.option("--code", required=True, help="Stands in every number: one to four of 0-9A-Z.")
@click.option("--zone", help="The time zone. Without it, that of the stores there are.")
@click.argument("name")
def open_store(*, data: Path, merchant_id: str, code: str, zone: str | None, name: str) -> None:
    """Open a store, whose day begins when the others' does, and print its id."""
    with opened(data) as platform:
        served = platform.merchant(merchant_id)
        with served.door.read() as db:
            day = usual_day(db)
        fields = {
            "name": name,
            "code": code.upper(),
            "zone": zone or day.zone,
            "cutoff_minutes": day.cutoff_minutes,
        }
        try:
            branch = msgspec.convert(fields, Store)
        except msgspec.ValidationError as error:
            raise click.UsageError(f"这样的门店不行 not a store: {error}") from error
        shop = _name_of(platform, served)
        click.echo(served.door.write(lambda tx: _open_store(tx, served, branch, shop)))
        served.written()


def _open_store(tx: Writer, served: Merchant, branch: Store, shop: str) -> str:
    act = served.act(tx)
    if not _has_company(tx):
        content = msgspec.to_builtins(Company(name=shop))
        publish(tx, act, topic="company", key="-", content=content)
    return add_store(tx, act, content=branch)


@store.command("list")
@data_option
@click.option("--merchant", "merchant_id", required=True, help="Whose stores.")
def list_stores(*, data: Path, merchant_id: str) -> None:
    """Show the stores of a merchant."""
    with opened(data) as platform, platform.merchant(merchant_id).door.read() as db:
        for store_id, branch in stores(db).items():
            click.echo(f"{store_id}  {branch.code}  {branch.name}")


@admin.command("code")
@data_option
@click.option(
    "--merchant", "merchant_id", required=True, help="Whose store: the merchant's id."
)
@click.option("--store", "store_id", default="", help="Its id; none where a shop is brought.")
def make_code(*, data: Path, merchant_id: str, store_id: str) -> None:
    """Print a code that joins one hub: dianshu hub admin join URL CODE."""
    with opened(data) as platform:
        served = platform.merchant(merchant_id)
        code = code_for(platform, served, store_id=store_id, actor=None)
        click.echo(spelled(code))
        minutes = CODE_LIFE_MS // MINUTE_MS
        click.echo(
            f"{minutes} 分钟内有效，只能用一次 good for {minutes} minutes, once", err=True
        )


@admin.group("hub")
def hub_group() -> None:
    """Hubs that were joined."""


@hub_group.command("list")
@data_option
@click.option("--merchant", "merchant_id", default="", help="Only this merchant's.")
def list_hubs(*, data: Path, merchant_id: str) -> None:
    """Show which hubs were joined, which are on the line, and when each was last heard."""
    with opened(data) as platform, platform.door.read() as db:
        for known in hubs_of(db, merchant_id) if merchant_id else all_hubs(db):
            click.echo(_line_of(known))


@hub_group.command("revoke")
@data_option
@click.option(
    "--reason",
    type=click.Choice([reason.value for reason in Reason if reason is not Reason.FORKED]),
    default=Reason.RETIRED.value,
    show_default=True,
    help="What became of it. What a stolen one held waits until somebody decides.",
)
@click.argument("hub_id")
def revoke(*, data: Path, hub_id: str, reason: str) -> None:
    """Let a hub write no more, and bring home what it held: lost, broken, stolen, sold."""
    with opened(data) as platform:
        with platform.door.read() as db:
            known = find_hub(db, hub_id)
        if known is None:
            raise Refused("no_hub")
        merchant = platform.merchant(known.merchant)
        shut_out(platform, merchant, hub_id=hub_id, reason=reason, actor=None)
        click.echo(
            "已停用，它的连接一分钟内切断 closed; its connection is cut within a minute",
            err=True,
        )


@hub_group.command("replace")
@data_option
@click.option(
    "--reason",
    type=click.Choice([reason.value for reason in Reason]),
    default=Reason.BROKEN.value,
    show_default=True,
    help="What became of the one before, if it is still in use.",
)
@click.argument("hub_id")
def replace_hub(*, data: Path, hub_id: str, reason: str) -> None:
    """Print a code for another box in a hub's place: dianshu hub admin replace URL CODE."""
    with opened(data) as platform:
        with platform.door.read() as db:
            known = find_hub(db, hub_id)
        if known is None:
            raise Refused("no_hub")
        merchant = platform.merchant(known.merchant)
        shut_out(platform, merchant, hub_id=hub_id, reason=reason, actor=None)
        code = make_replace_code(platform, merchant, hub_id=hub_id, actor=None)
        click.echo(spelled(code))
        minutes = CODE_LIFE_MS // MINUTE_MS
        click.echo(
            f"{minutes} 分钟内有效，只能用一次 good for {minutes} minutes, once", err=True
        )


def _line_of(known: Hub) -> str:
    seen = "never" if known.last_seen_at is None else _shown(known.last_seen_at)
    line = "online" if known.online else "offline"
    return (
        f"{known.name}  store {known.store}  {known.state}  {line}  last heard {seen}  "
        f"version {known.version or '?'}  certificate until {_shown(known.certificate_until)}"
    )


# -- addresses and certificates ----------------------------------------------------------------


@admin.command("addresses")
@data_option
@click.option("--broker", help="host:port as hubs reach it.")
@click.option("--gate", help="https://host:port as hubs reach it.")
def tell_addresses(*, data: Path, broker: str | None, gate: str | None) -> None:
    """Say where hubs find broker and gate; a hub is told when it is joined."""
    try:
        new_broker = parse_broker(broker) if broker else None
        new_gate = parse_gate(gate) if gate else None
    except ValueError as error:
        raise click.UsageError(f"地址读不懂 no such address: {error}") from error
    with opened(data) as platform:
        platform.door.write(lambda tx: set_places(tx, broker=new_broker, gate=new_gate))


@admin.command("certificates")
@data_option
@click.option("--name", "names", multiple=True, help="A name or address that hubs call.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to; default: head office's own folder, where its programs find them.",
)
def write_certificates(*, data: Path, names: tuple[str, ...], out: Path | None) -> None:
    """Write the certificates of broker, gate and ingest, and which hubs' are no longer good."""
    with opened(data) as platform:
        if names:
            set_names(platform, names)
        for program in (BROKER, GATE, INGEST):
            click.echo(program_pair(platform, program, folder=out).certificate)
        click.echo(revoked_list(platform, folder=out))


# -- small words -------------------------------------------------------------------------------


def _shown(at: int) -> str:
    return SHOWN_IN.local(at).strftime("%Y-%m-%d %H:%M")


def _name_of(platform: Platform, served: Merchant) -> str:
    with platform.door.read() as db:
        name: str = db.value("SELECT name FROM merchant WHERE id = :id", id=served.id)
        return name


def _has_company(db: Reader) -> bool:
    try:
        company(db)
    except Refused:
        return False
    return True
