"""The member list: who they are, and what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from core.errors import N_
from core.imports import amounts, dates, texts
from core.imports.fields import CellRefused, Field, Form, Schema, TypedRow
from core.imports.limits import (
    ADDRESS_CHARS_MAX,
    CARD_CHARS_MAX,
    EMAIL_CHARS_MAX,
    LABEL_CHARS_MAX,
    NAME_CHARS_MAX,
    NOTE_CHARS_MAX,
    NUMBER_CHARS_MAX,
    POINTS_MAX,
    PUNCHES_MAX,
)
from core.money import Cents

MALE = "male"
FEMALE = "female"

_GENDERS = {
    **dict.fromkeys(("男", "男士", "男性", "先生", "m", "male", "man", "mr", "mr."), MALE),
    **dict.fromkeys(("女", "女士", "女性", "小姐", "太太", "f", "female", "woman"), FEMALE),
    **dict.fromkeys(("ms", "ms.", "mrs", "mrs.", "miss"), FEMALE),
    **dict.fromkeys(("未知", "保密", "不详", "未填", "其他", "unknown", "other"), ""),
}


class MemberRow(TypedRow, frozen=True, kw_only=True):
    """A member with one or more of phone, card and number.

    `gender` is male, female or empty; `birthday` YYYY-MM-DD, MM-DD or empty. `principal` and
    `bonus` are fen, `points` and `punches` whole numbers. `expires_on` None is for ever.
    """

    name: str
    number: str = ""
    card: str = ""
    phone: str = ""
    gender: str = ""
    birthday: str = ""
    level: str = ""
    category: str = ""
    principal: Cents = Cents(0)
    bonus: Cents = Cents(0)
    points: int = 0
    punches: int = 0
    joined_on: date | None = None
    expires_on: date | None = None
    status: str = ""
    store: str = ""
    staff: str = ""
    referrer: str = ""
    wechat: str = ""
    email: str = ""
    address: str = ""
    note: str = ""


_label = texts.line(LABEL_CHARS_MAX)

_FIELDS = (
    Field(
        name="number",
        label=N_("会员编号"),
        english="Member No.",
        read=texts.identifier(NUMBER_CHARS_MAX),
        synonyms=("会员号", "会员号码", "会员ID", "编号", "档案号", "ID", "member number"),
    ),
    Field(
        name="card",
        label=N_("会员卡号"),
        english="Card No.",
        read=texts.identifier(CARD_CHARS_MAX),
        synonyms=("卡号", "会员卡", "实体卡号", "储值卡号", "卡编号", "card", "card number"),
    ),
    Field(
        name="name",
        label=N_("姓名"),
        english="Name",
        read=texts.line(NAME_CHARS_MAX),
        synonyms=("会员姓名", "客户姓名", "名字", "会员名", "会员名称", "客户名称", "称呼"),
    ),
    Field(
        name="phone",
        label=N_("手机号码"),
        english="Phone",
        read=texts.phone,
        synonyms=(
            *("手机", "手机号", "移动电话", "联系手机", "联系电话", "联系方式", "电话"),
            *("电话号码", "mobile", "mobile phone", "cell phone", "phone number", "tel"),
        ),
    ),
    Field(
        name="gender",
        label=N_("性别"),
        english="Gender",
        read=texts.choice(_GENDERS, "gender_unclear"),
        synonyms=("sex",),
        words=((MALE, N_("男"), "male"), (FEMALE, N_("女"), "female")),
    ),
    Field(
        name="birthday",
        label=N_("生日"),
        english="Birthday",
        read=dates.birthday,
        synonyms=("出生日期", "出生年月日", "出生年月", "生日日期", "birth date", "birthdate"),
    ),
    Field(
        name="level",
        label=N_("会员等级"),
        english="Level",
        read=_label,
        synonyms=("级别", "会员级别", "等级", "等级名称", "卡等级", "卡级别", "member level"),
    ),
    Field(
        name="category",
        label=N_("会员类别"),
        english="Category",
        read=_label,
        synonyms=("类别", "分类", "会员分类", "会员类型", "类型", "卡类型", "卡种", "卡名称"),
    ),
    Field(
        name="principal",
        label=N_("本金余额"),
        english="Principal",
        read=amounts.amount,
        synonyms=("本金", "储值本金", "卡内本金", "余额本金", "充值本金", "实充余额"),
        default=Cents(0),
        form=Form.AMOUNT,
    ),
    Field(
        name="bonus",
        label=N_("赠送余额"),
        english="Bonus",
        read=amounts.amount,
        synonyms=(
            *("赠金", "赠送金额", "赠金余额", "赠送", "赠送金", "储值赠金", "卡内赠金"),
            *("余额赠金", "余额赠送", "赠额", "赠送账户", "bonus balance"),
        ),
        default=Cents(0),
        form=Form.AMOUNT,
    ),
    Field(
        name="balance",
        label=N_("余额"),
        english="Balance",
        read=amounts.amount,
        synonyms=(
            *("储值余额", "卡内余额", "账户余额", "帐户余额", "卡余额", "可用余额", "当前余额"),
            *("剩余金额", "储值金额", "卡内金额", "储值"),
        ),
        default=None,
        form=Form.NEVER,
    ),
    Field(
        name="total",
        label=N_("总余额"),
        english="Total balance",
        read=amounts.amount,
        synonyms=("余额合计", "合计余额", "余额总计", "总储值余额", "余额总额"),
        default=None,
        form=Form.NEVER,
    ),
    Field(
        name="points",
        label=N_("积分"),
        english="Points",
        read=texts.count(POINTS_MAX),
        synonyms=("可用积分", "积分余额", "当前积分", "剩余积分", "会员积分"),
        default=0,
        form=Form.COUNT,
    ),
    Field(
        name="punches",
        label=N_("剩余次数"),
        english="Visits left",
        read=texts.count(PUNCHES_MAX),
        synonyms=("次数", "可用次数", "次卡余次", "余次", "剩余次", "次卡次数", "punches"),
        default=0,
        form=Form.COUNT,
    ),
    Field(
        name="joined_on",
        label=N_("入会日期"),
        english="Member since",
        read=dates.joined_on,
        synonyms=(
            *("开卡日期", "办卡日期", "注册时间", "注册日期", "入会时间", "开卡时间"),
            *("办卡时间", "登记日期", "登记时间", "建档日期", "建档时间", "创建时间"),
            *("加入日期", "加入时间", "created at", "join date", "joined on"),
        ),
        default=None,
        form=Form.DATE,
    ),
    Field(
        name="expires_on",
        label=N_("有效期至"),
        english="Valid until",
        read=dates.expires_on,
        synonyms=("有效期", "到期日期", "到期时间", "有效日期", "失效日期", "过期时间"),
        default=None,
        form=Form.DATE,
    ),
    Field(
        name="status",
        label=N_("会员状态"),
        english="Status",
        read=_label,
        synonyms=("状态", "卡状态", "会员卡状态"),
    ),
    Field(
        name="store",
        label=N_("门店"),
        english="Store",
        read=_label,
        synonyms=("开卡门店", "所属门店", "归属门店", "办卡门店", "注册门店", "店铺", "分店"),
    ),
    Field(
        name="staff",
        label=N_("服务人员"),
        english="Staff",
        read=_label,
        synonyms=(
            "专属顾问",
            "所属员工",
            "跟进人",
            "美容师",
            "顾问",
            "销售",
            "销售员",
            "负责人",
        ),
    ),
    Field(
        name="referrer",
        label=N_("推荐人"),
        english="Referrer",
        read=_label,
        synonyms=("介绍人", "推荐会员"),
    ),
    Field(
        name="wechat",
        label=N_("微信号"),
        english="WeChat",
        read=_label,
        synonyms=("微信",),
    ),
    Field(
        name="email",
        label=N_("邮箱"),
        english="Email",
        read=texts.line(EMAIL_CHARS_MAX),
        synonyms=("电子邮箱", "电子邮件", "e-mail"),
    ),
    Field(
        name="address",
        label=N_("地址"),
        english="Address",
        read=texts.line(ADDRESS_CHARS_MAX),
        synonyms=("联系地址", "家庭住址", "家庭地址", "住址", "通讯地址", "详细地址"),
    ),
    Field(
        name="note",
        label=N_("备注"),
        english="Note",
        read=texts.note(NOTE_CHARS_MAX),
        synonyms=("备注信息", "会员备注", "说明", "remark", "remarks", "notes", "comment"),
    ),
)


def _settle(values: dict[str, Any]) -> Iterator[tuple[str, CellRefused]]:
    """Put what a list says in total into principal and bonus.

    A column of totals beside a column of principals is checked; alone it is principal and
    bonus together.
    """
    balance, total = values.pop("balance", None), values.pop("total", None)
    stated = balance if total is None else total
    if stated is None:
        return
    bonus = values.get("bonus", Cents(0))
    principal = values.setdefault("principal", Cents(max(0, stated - bonus)))
    if principal + bonus != stated:
        yield (
            "principal",
            CellRefused(
                "amounts_disagree",
                total_cents=stated,
                principal_cents=principal,
                bonus_cents=bonus,
            ),
        )


MEMBERS = Schema(
    kind="member",
    label=N_("会员"),
    english="Members",
    row=MemberRow,
    fields=_FIELDS,
    required=("name",),
    one_of=("phone", "card", "number"),
    unique=("number", "card", "phone"),
    prefixes=("会员", "客户", "顾客", "持卡人"),
    stand_ins=(("principal", "balance"),),
    settle=_settle,
)
