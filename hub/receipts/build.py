"""Receipts as documents for the printer. Pure: facts in, parts out.

The twelve facts that a prepaid-card receipt must carry by law in some cities (shop, card or
member, item, paid, left, time, place, number, who, tender, phone of the shop, note) all stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from core.catalog import UNLIMITED
from core.members import mask_phone
from core.money import yuan
from core.organisation import Company, Settings, Store
from core.pages import PASS_TENDERS, tender_label, units_label
from core.sqlite import Row
from core.tickets import SoldLine, TicketPartReversed, TicketReversed, TicketSettled
from core.wallet import Payment, ToppedUp
from core.web import gettext as _
from hub.devices import (
    QR,
    Columns,
    Cut,
    Document,
    Feed,
    Image,
    Pair,
    Part,
    Rule,
    Text,
)

LINE_WIDTHS = (4, 1, 2)
TIME_SHOWN = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassLeft:
    """What is left of a pass: units here; `elsewhere` is None where it is not known.

    `opened` is how many units it began with.
    """

    asset: str
    lot: str
    name: str
    here: int
    opened: int
    elsewhere: int | None = 0
    expires: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a member has after this: in fen, here; `elsewhere` is None where it is not known.

    `points` are those here, `points_elsewhere` those in other places.
    """

    principal: int
    bonus: int
    points: int
    elsewhere: int | None = 0
    points_elsewhere: int = 0
    passes: tuple[PassLeft, ...] = ()
    """Of the passes that this is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What every receipt says beside its subject. `at` in ms; `head` is the journal's."""

    company: Company
    store: Store
    settings: Settings
    at: int
    staff: str
    head: str
    member: Row | None = None
    payer: Row | None = None
    """Out of whose account, where that is not the member's own."""
    left: Left | None = None
    copy_mark: str = ""
    code: str = ""
    """The fact itself, signed, for whoever keeps the paper."""


def sale_receipt(sale: TicketSettled, about: Printed) -> Document:
    """Return a settled bill on paper."""
    parts: list[Part] = [
        *_head(about),
        Pair(_("单号"), sale.number),
        *_who(about),
        Rule(),
        *_lines(sale.lines),
        Rule(),
    ]
    if sale.list_total != sale.total:
        parts.append(Pair(_("原价合计"), yuan(sale.list_total)))
        parts.append(Pair(_("会员优惠"), yuan(sale.total - sale.list_total)))
    parts.append(Pair(_("应收"), f"¥{yuan(sale.total)}", bold=True, size=2))
    parts += _payments(sale.payments, about.settings)
    parts += _left(about, sale.points)
    return _document(parts, about)


def reversal_receipt(reversal: TicketReversed, about: Printed) -> Document:
    """Return a reversal on paper."""
    parts: list[Part] = [
        *_head(about),
        Text(
            _("部分冲正单") if isinstance(reversal, TicketPartReversed) else _("冲正单"),
            align="center",
            bold=True,
            size=2,
        ),
        Pair(_("原单号"), reversal.number),
        Pair(_("原因"), reversal.reason),
        *_who(about),
        Rule(),
        *_lines(reversal.lines),
        Rule(),
        Pair(_("退回"), f"¥{yuan(reversal.total)}", bold=True, size=2),
        *_payments(returned(reversal.payments), about.settings),
        *_left(about, -reversal.points),
    ]
    return _document(parts, about)


def topup_receipt(topup: ToppedUp, about: Printed) -> Document:
    """Return a top-up or card sale on paper, principal and bonus apart."""
    parts: list[Part] = [
        *_head(about),
        Text(_("充值凭证"), align="center", bold=True),
        Pair(_("单号"), topup.number),
        *_who(about),
        Rule(),
    ]
    if topup.offer_name:
        parts.append(Pair(_("套餐"), topup.offer_name))
    parts += [
        Pair(one.name, units_label(one.asset, one.units, opened=one.units))
        for one in topup.passes
    ]
    if topup.principal or not topup.passes:
        parts.append(Pair(_("本金"), yuan(topup.principal)))
    if topup.bonus:
        parts.append(Pair(_("赠金"), yuan(topup.bonus)))
    if topup.expires:
        parts.append(Pair(_("有效期至"), topup.expires))
    parts += [Rule(), Pair(_("实收"), f"¥{yuan(topup.price)}", bold=True, size=2)]
    parts += _payments(topup.payments, about.settings)
    parts += _left(about, topup.points)
    if about.code:
        parts += [
            Rule(),
            QR(about.code),
            Text(_("请留好：主机坏了，凭此码补记这笔充值"), align="center"),
        ]
    return _document(parts, about)


def cash_up_slip(
    period: Row,
    totals: Iterable[Row],
    exceptions: Sequence[tuple[str, int]],
    *,
    expected: int,
    about: Printed,
) -> Document:
    """Return the Z report of a closed period."""
    parts: list[Part] = [
        Text(about.company.name, align="center", bold=True, size=2),
        Text(about.store.name, align="center"),
        Text(_("交班报表 Z%(number)s", number=period["z_number"]), align="center", bold=True),
        Rule("="),
        Pair(_("收银台"), period["till"]),
        Pair(_("收银员"), period["cashier_name"] or ""),
        Pair(_("营业日"), period["date"]),
        Pair(_("开班时间"), _time(about, period["opened_at"])),
        Pair(_("交班时间"), _time(about, period["closed_at"])),
        Rule(),
    ]
    for row in totals:
        label = f"{kind_label(row['kind'])} {tender_label(row['tender'], about.settings)}"
        parts.append(
            Columns(
                cells=(label, str(row["count"]), yuan(row["amount"])),
                widths=LINE_WIDTHS,
                aligns=("left", "right", "right"),
            )
        )
    difference = period["counted"] - expected
    parts += [
        Rule(),
        Pair(_("备用金"), yuan(period["float_cents"])),
        Pair(_("应有现金"), yuan(expected)),
        Pair(_("实点现金"), yuan(period["counted"])),
        Pair(_("长短款"), yuan(difference), bold=True),
    ]
    parts += [Pair(exception_label(name), str(count)) for name, count in exceptions]
    return _document(parts, about)


def test_page(about: Printed) -> Document:
    """Return a page that shows whether Chinese, widths, QR and cut come out."""
    parts: list[Part] = [
        *_head(about),
        Text(_("打印测试"), align="center", bold=True, size=2),
        Pair(_("足疗 60 分钟"), "¥128.00"),
        Pair("囍喆堃頔", "1,280.50"),
        Rule(),
        Text("0123456789" * 4),
    ]
    return _document(parts, about)


def returned(payments: Iterable[Payment]) -> list[Payment]:
    """Return payments as they go back: the amount, not what was once handed over for it."""
    return [msgspec.structs.replace(payment, tendered=0, change=0) for payment in payments]


def kind_label(kind: str) -> str:
    """Return what a row of a shift report is about."""
    return {
        "sale": _("销售"),
        "topup": _("充值"),
        "reversal": _("冲正"),
        "cash_in": _("存入"),
        "cash_out": _("取出"),
        "no_sale": _("无交易开箱"),
    }.get(kind, kind)


def exception_label(name: str) -> str:
    """Return what somebody should look at."""
    return {
        "open_tickets": _("未结的单"),
        "reversals": _("冲正的单"),
        "drawer_opened": _("无交易开箱"),
        "quarantined": _("未能入账的记录"),
    }.get(name, name)


def _head(about: Printed) -> list[Part]:
    parts: list[Part] = []
    if about.company.logo_png:
        parts.append(Image(about.company.logo_png))
    parts.append(Text(about.company.name, align="center", bold=True, size=2))
    parts.append(Text(about.store.name, align="center"))
    phone = about.store.phone or about.company.phone
    if phone:
        parts.append(Text(phone, align="center"))
    parts.append(Rule("="))
    return parts


def _who(about: Printed) -> list[Part]:
    parts: list[Part] = [
        Pair(_("时间"), _time(about, about.at)),
        Pair(_("经手"), about.staff),
    ]
    if about.member is not None:
        named = about.member["name"]
        if about.member["phone"]:
            named = f"{named} {mask_phone(about.member['phone'])}"
        parts.append(Pair(_("会员姓名"), named))
        if about.member["number"]:
            parts.append(Pair(_("会员编号"), about.member["number"]))
    if about.payer is not None:
        parts.append(Pair(_("付款账户"), about.payer["name"]))
    return parts


def _lines(lines: Iterable[SoldLine]) -> list[Part]:
    parts: list[Part] = [
        Columns(
            cells=(_("项目"), _("数量"), _("金额")),
            widths=LINE_WIDTHS,
            aligns=("left", "right", "right"),
            bold=True,
        )
    ]
    for line in lines:
        # Of a line that went back in part there may be fen without a piece.
        quantity = f"{line.quantity}{line.unit}" if line.quantity else "—"
        parts.append(
            Columns(
                cells=(line.name, quantity, yuan(line.amount)),
                widths=LINE_WIDTHS,
                aligns=("left", "right", "right"),
            )
        )
    return parts


def _payments(payments: Iterable[Payment], settings: Settings) -> list[Part]:
    parts: list[Part] = []
    for payment in payments:
        label = tender_label(payment.tender, settings)
        if payment.tender in PASS_TENDERS:
            units = sum(amount for _asset, _lot, amount in payment.legs)
            taken = units_label(payment.tender, units)
            label = f"{label} {payment.reference} {taken}"
        parts.append(Pair(label, yuan(payment.amount)))
        bonus = sum(amount for asset, _lot, amount in payment.legs if asset == "bonus")
        if bonus:
            parts.append(Pair(_("  其中赠金"), yuan(bonus)))
        if payment.change:
            parts.append(Pair(_("实收"), yuan(payment.tendered)))
            parts.append(Pair(_("找零"), yuan(payment.change), bold=True))
    return parts


def _left(about: Printed, points: int) -> list[Part]:
    if about.left is None:
        return []
    left = about.left
    held = left.principal + left.bonus
    alone = left.elsewhere == 0
    parts: list[Part] = [
        Rule(),
        *(part for one in left.passes for part in _pass_left(one)),
        Pair(_("储值余额") if alone else _("本店储值余额"), f"¥{yuan(held)}", bold=True),
        Pair(_("  本金"), yuan(left.principal)),
        Pair(_("  赠金"), yuan(left.bonus)),
    ]
    if left.elsewhere:
        parts.append(Pair(_("别处储值"), yuan(left.elsewhere)))
        parts.append(Pair(_("储值总额"), f"¥{yuan(held + left.elsewhere)}", bold=True))
    if points:
        parts.append(Pair(_("本次积分"), str(points)))
    parts.append(Pair(_("可用积分"), str(left.points + left.points_elsewhere)))
    return parts


def _pass_left(left: PassLeft) -> list[Part]:
    """Return what is left of a pass, as "剩 9 次" under its name."""
    whole = left.here + (left.elsewhere or 0)
    said = units_label(left.asset, whole, opened=left.opened)
    if left.opened < UNLIMITED:
        said = _("剩 %(units)s", units=said)
    parts: list[Part] = [Pair(left.name, said, bold=True)]
    if left.elsewhere:
        here = units_label(left.asset, left.here, opened=left.opened)
        parts.append(Pair(_("  其中本店"), here))
    if left.expires:
        parts.append(Pair(_("  有效期至"), left.expires))
    return parts


def _document(parts: list[Part], about: Printed) -> Document:
    parts.append(Rule())
    if about.store.address or about.company.address:
        parts.append(Text(about.store.address or about.company.address, align="center"))
    if about.company.footer:
        parts.append(Text(about.company.footer, align="center"))
    if about.company.qr:
        parts.append(QR(about.company.qr))
    # Rewriting the journal would contradict the paper in customers' hands.
    parts.append(Text(f"#{about.head}", align="center"))
    parts += [Feed(3), Cut()]
    return Document(parts=tuple(parts), copy_mark=about.copy_mark)


def _time(about: Printed, at: int) -> str:
    return about.store.day.local(at).strftime(TIME_SHOWN)
