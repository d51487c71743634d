"""`dianshu hub sync`, the program that talks to head office, and `dianshu hub admin join`."""

from __future__ import annotations

import logging
import ssl
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NoReturn

import click
from msgspec.structs import replace

from core import sdnotify
from core.enrolment import Broker
from core.errors import Refused
from core.web import tell as tell_refusal
from hub.app import open_hub
from hub.board import is_moved
from hub.box import Box
from hub.command_line import data_option, until_told, use_credentials
from hub.doorbell import ring
from hub.reading import wait_until_writable
from hub.sync import (
    RETRY_MAX_S,
    Declined,
    Joined,
    Options,
    Retry,
    Sending,
    Unreachable,
    join,
    joined,
    load_link,
    save_link,
)

JOINED_LOOK_S = 1.0
log = logging.getLogger(__name__)
RESTART = "systemctl restart 'dianshu-*'"

REASONS = {
    "join_code_wrong": (
        "接入码不对，请核对后再输",
        "the code is wrong: check it and type it again",
    ),
    "join_code_used": (
        "这个接入码已经用过，请在总部另取一个",
        "the code was used: get another one",
    ),
    "join_code_expired": (
        "接入码已过期，请在总部另取一个",
        "the code is over: get another one",
    ),
    "join_code_locked": (
        "这个接入码试错次数太多，请在总部另取一个",
        "too many wrong tries for this code: get another one",
    ),
    "too_many_guesses": ("尝试太频繁，请过一会儿再试", "too many tries: wait a while"),
    "hub_known": (
        "这台主机已经接入过，不能再接入到这里",
        "this hub was joined before and cannot be joined here",
    ),
    "feed_there": (
        "这个商户已经有资料；请去掉 --bring，或换一个新商户",
        "this merchant has data already: leave --bring out, or take a new merchant",
    ),
    "feed_missing": (
        "这个商户还没有门店；请用 --bring 带着资料接入",
        "this merchant has no store yet: bring one along with --bring",
    ),
    "no_places": (
        "总部还没有设置消息服务和门店入口的地址",
        "head office has not been told its own addresses: cloud admin addresses",
    ),
    "already_joined": (
        "这台主机已经加入总部",
        "this hub is joined to a head office already",
    ),
    "has_own_feed": (
        "这家店已有自己的资料；请用 --bring 把资料带入总部，或换一台新主机加入",
        "this shop has data of its own: take it along with --bring, or join a new hub",
    ),
    "nothing_to_bring": (
        "这台主机还没有资料可带；请去掉 --bring",
        "this hub has nothing to bring: leave --bring out",
    ),
}
"""What head office and this hub refuse, to whoever stands before the machine."""
UNREACHABLE = (
    "连不上总部，请检查网址、网络和本机时间",
    "head office cannot be reached: check the address, the network and this machine's clock",
)


def run_sync(folder: Path, options: Options, stopping: threading.Event) -> None:
    """Talk to head office until told to stop; a shop on its own waits until it is joined."""
    if not joined(folder):
        sdnotify.ready("no head office")
        while not joined(folder):
            if stopping.wait(JOINED_LOOK_S):
                return
    if not wait_until_writable(folder, stopping):
        return
    box = open_hub(folder)
    try:
        if not _stands_here(box, stopping):
            return
        link = load_link(folder)
        if link is None:
            raise RuntimeError("the link was taken away")
        sending = Sending(box, link, options)
        sdnotify.ready(f"joined to {link.merchant}")
        sending.run(stopping)
    finally:
        sdnotify.stopping()
        box.close()


def _stands_here(box: Box, stopping: threading.Event) -> bool:
    """Wait while this is another board: the store's own may be on the line by this name."""
    with box.door.read() as db:
        if not is_moved(db, box.board):
            return True
    log.critical("this disk was in another machine; get a code for it at head office")
    sdnotify.ready("another board")
    stopping.wait()
    return False


@click.command()
@data_option
@click.option("--broker", default="", metavar="HOST:PORT", help="Another way to the broker.")
@click.option("--gate", default="", metavar="URL", help="Another way to the gate.")
@click.option(
    "--retry-max",
    type=click.FloatRange(min=0.1),
    default=RETRY_MAX_S,
    show_default=True,
    help="Longest wait between two tries to connect, in seconds.",
)
def sync(*, data: Path, broker: str, gate: str, retry_max: float) -> None:
    """Send to head office what happens here, and take what comes from there."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    options = Options(
        broker=_broker(broker) if broker else None,
        gate=gate,
        retry=Retry(longest_s=retry_max),
        version=program_version(),
    )
    run_sync(data, options, until_told())


@click.command("join")
@click.argument("url")
@click.argument("code")
@click.option("--bring", is_flag=True, help="Take this shop's own data to a new merchant.")
@click.option(
    "--ca",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Trust this authority (PEM) for the address, and no other.",
)
@data_option
def join_command(*, url: str, code: str, bring: bool, ca: Path | None, data: Path) -> None:
    """Join this hub to a head office: its address, and a code that it shows for 15 minutes."""
    use_credentials(data)
    data.mkdir(parents=True, exist_ok=True)
    try:
        box = open_hub(data)
    except (OSError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    try:
        done = join(
            box,
            url=url,
            code=code,
            bring=bring,
            version=program_version(),
            context=_public_context(ca),
        )
    except Refused as refused:
        _fail(refused, tell_refusal(refused, box.parts.refusals))
    except Declined as declined:
        _fail(declined, declined.message or declined.code)
    except Unreachable as error:
        raise click.ClickException(f"{both(UNREACHABLE)}\n({error})") from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    else:
        _keep_authority(data, done, ca)
        for name in ("sync", "web", "jobs"):
            ring(box.bells, name)
        _tell(done)
    finally:
        box.close()


def program_version() -> str:
    try:
        return version("dianshu")
    except PackageNotFoundError:
        return ""


def _keep_authority(data: Path, done: Joined, ca: Path | None) -> None:
    """Remember who vouches for head office's address: a certificate is renewed there."""
    if ca is not None:
        save_link(data, replace(done.link, url_ca=ca.read_text(encoding="utf-8")))


def _public_context(ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _fail(refusal: Refused | Declined, told: str) -> NoReturn:
    known = REASONS.get(refusal.code)
    raise click.ClickException(told if known is None else both(known)) from refusal


def _tell(done: Joined) -> None:
    link = done.link
    click.echo(f"已加入总部 joined: {link.merchant} · {link.store}")
    if done.new_secrets:
        # Programs that run still hold the old keys: cards would not be known, nor PINs.
        click.echo(f"请重新启动主机各程序 start the hub's programs again: {RESTART}")


def both(words: tuple[str, str]) -> str:
    """Return words in Chinese and English, one below the other."""
    return f"{words[0]}\n{words[1]}"


def _broker(text: str) -> Broker:
    host, _colon, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise click.UsageError(f"{text} is not HOST:PORT")
    return Broker(host=host.strip("[]"), port=int(port))
