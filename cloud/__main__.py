"""Head office's command line: `dianshu cloud web|gate|ingest|broker|admin`."""

from __future__ import annotations

from pathlib import Path

import click

from cloud.admin import admin
from cloud.broker import (
    STAND_IN_WARNING,
    BadSetting,
    Listener,
    NoBroker,
    Papers,
    become_broker,
    broker_words,
    keeper_words,
    stands_in,
)
from cloud.command_line import address_file_option, data_option, is_loopback, opened
from cloud.gate import serve_gate
from cloud.ingest import run_ingest
from cloud.listening import Listening, Tls, write_address
from cloud.platform import (
    BROKER,
    Platform,
    keep_places,
    parse_broker,
    parse_gate,
    places,
    program_pair,
    revoked_list,
    set_places,
)
from cloud.serve import THREADS, serve


@click.group()
def cloud() -> None:
    """Run head office for one merchant or many."""


@cloud.command()
@data_option
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port.")
@click.option("--host", "hosts", multiple=True, help="A further name that it answers to.")
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Serve HTTPS with this certificate (PEM), one that browsers trust.",
)
@click.option(
    "--key", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Its key (PEM)."
)
@address_file_option
def web(
    *,
    data: Path,
    bind: str,
    hosts: tuple[str, ...],
    certificate: Path | None,
    key: Path | None,
    address_file: Path | None,
) -> None:
    """Serve head office's pages, and the door at which new hubs ask."""
    if (certificate is None) is not (key is None):
        raise click.UsageError("--certificate 与 --key 要一起给 belong together")
    tls = None if certificate is None or key is None else Tls(certificate=certificate, key=key)
    if tls is None and not is_loopback(bind):
        raise click.UsageError(
            "明文 HTTP 只能在本机上用，请给 --certificate 和 --key "
            "plain HTTP is for loopback only: give --certificate and --key"
        )
    listening = Listening(
        bind=bind, threads=THREADS, tls=tls, ready=write_address(address_file)
    )
    serve(data, listening, hosts=hosts)


@cloud.command()
@data_option
@click.option("--bind", default="127.0.0.1:8443", show_default=True, help="Address and port.")
@click.option("--url", help="https://host:port as hubs reach it; kept.")
@address_file_option
def gate(*, data: Path, bind: str, url: str | None, address_file: Path | None) -> None:
    """Serve joined hubs what is too long for the broker; by their certificates only."""
    try:
        known = parse_gate(url) if url else None
    except ValueError as error:
        raise click.UsageError(f"地址读不懂 no such address: {error}") from error
    write = write_address(address_file)

    def ready(address: str) -> None:
        if known is None and is_loopback(bind):
            with opened(data) as platform:
                platform.door.write(lambda tx: keep_places(tx, gate=f"https://{address}"))
        write(address)

    serve_gate(data, bind=bind, ready=ready, url=known)


@cloud.command()
@data_option
@click.option("--broker", "place", help="host:port. Default: where hubs are told to find it.")
def ingest(*, data: Path, place: str | None) -> None:
    """Take in what hubs send, and send down what they are owed."""
    try:
        known = parse_broker(place) if place else None
    except ValueError as error:
        raise click.UsageError(f"地址读不懂 no such address: {error}") from error
    if known is None:
        with opened(data) as platform, platform.door.read() as db:
            places(db)  # Refuses in words, before the program begins.
    run_ingest(data, broker=known)


@cloud.command()
@data_option
@click.option("--bind", default="127.0.0.1:8883", show_default=True, help="Address and port.")
@click.option("--url", "place", help="host:port as hubs reach it; kept.")
def broker(*, data: Path, bind: str, place: str | None) -> None:
    """Run the broker between hubs and head office, told who may say and hear what."""
    try:
        listener = Listener.read(bind)
        with opened(data) as platform:
            _keep_broker(platform, bind, place)
            papers = program_pair(platform, BROKER)
            revoked = revoked_list(platform)
        words = broker_words(
            data / "broker",
            listener,
            Papers(
                authority=papers.ca,
                certificate=papers.certificate,
                key=papers.key,
                revoked=revoked,
            ),
        )
    except ValueError as error:
        raise click.UsageError(f"地址读不懂 no such address: {error}") from error
    except (NoBroker, BadSetting) as error:
        raise click.ClickException(str(error)) from error
    if stands_in():
        click.echo(STAND_IN_WARNING, err=True)
    else:
        words = keeper_words(
            words, revoked=revoked, certificate=papers.certificate, bells=data / "run"
        )
    become_broker(words)


def _keep_broker(platform: Platform, bind: str, place: str | None) -> None:
    if place:
        told = parse_broker(place)
        platform.door.write(lambda tx: set_places(tx, broker=told))
    elif is_loopback(bind):
        own = parse_broker(bind)
        platform.door.write(lambda tx: keep_places(tx, broker=own))


cloud.add_command(admin)

if __name__ == "__main__":
    cloud()
