"""The one table of permissions: what may be allowed, to which roles, and with which limits.

A limit is the largest amount (fen) that the permission covers; None sets no limit. Head office
may publish a `role` document that replaces a role's grants.
"""

from __future__ import annotations

from core.errors import N_

PERMISSIONS: dict[str, str] = {
    "sale.create": N_("开单收银"),
    "sale.void_open": N_("撤销未结的单"),
    "sale.void_paid": N_("冲正已结的单"),
    "sale.reprint": N_("补打小票"),
    "drawer.open_no_sale": N_("无交易开钱箱"),
    "shift.open": N_("开班"),
    "shift.close_blind": N_("交班点钞"),
    "shift.view_expected": N_("查看应有现金"),
    "cash.in_out": N_("现金存取"),
    "member.find": N_("查找会员"),
    "member.view_phone_full": N_("查看完整手机号"),
    "member.create": N_("登记会员"),
    "member.edit": N_("修改会员资料"),
    "member.export": N_("导出会员"),
    "member.bulk_import": N_("批量导入"),
    "card.topup": N_("会员充值"),
    "card.adjust": N_("调整余额"),
    "card.issue": N_("发卡"),
    "card.unblock": N_("解除挂失"),
    "member.merge": N_("合并重复会员"),
    "catalog.edit": N_("编辑项目与卡种"),
    "settings.edit": N_("修改设置"),
    "report.sales": N_("查看营业报表"),
    "report.finance": N_("查看财务账"),
    "audit.view": N_("查看日志"),
    "device.pair": N_("配对设备"),
    "device.swipe": N_("替设备送入读数"),
    "staff.edit": N_("管理员工"),
    "api.token": N_("发放接口令牌"),
    "account.edit": N_("管理总部账号"),
}

Grants = dict[str, int | None]

_ALL: Grants = dict.fromkeys(PERMISSIONS)
_TILL: Grants = {
    "sale.create": None,
    "sale.void_open": None,
    "sale.reprint": None,
    "shift.open": None,
    "shift.close_blind": None,
    "cash.in_out": 50_000,
    "member.find": None,
    "member.create": None,
    "member.edit": None,
    "card.topup": 500_000,
    "card.issue": None,
}

_OWNERS = {"account.edit", "api.token", "device.swipe", "report.finance"}
"""What a manager may not."""

ROLES: dict[str, Grants] = {
    "owner": _ALL,
    "manager": {k: v for k, v in _ALL.items() if k not in _OWNERS},
    "cashier": _TILL,
    "technician": {"member.find": None},
    "auditor": {
        "report.sales": None,
        "report.finance": None,
        "audit.view": None,
        "member.find": None,
    },
    "device": {"device.swipe": None},
}

ROLE_NAMES: dict[str, str] = {
    "owner": N_("店主"),
    "manager": N_("店长"),
    "cashier": N_("收银员"),
    "technician": N_("技师"),
    "auditor": N_("审计"),
    "device": N_("设备"),
}
