"""What the members' pages call things that the journal names by code."""

from __future__ import annotations

from core.errors import N_

GENDER_NAMES = {"": N_("不填"), "female": N_("女"), "male": N_("男")}
KIND_NAMES = {
    "wallet.topped_up": N_("充值"),
    "wallet.opened": N_("旧系统转入"),
    "wallet.adjusted": N_("调整"),
    "wallet.pass_given": N_("赠送"),
    "wallet.points_ended": N_("积分到期"),
    "wallet.points_carried": N_("积分转入下一期"),
    "wallet.granted": N_("划到门店"),
    "wallet.released": N_("划回总部"),
    "wallet.accepted": N_("划拨到账"),
    "wallet.moved": N_("合并会员"),
    "wallet.advanced": N_("断网垫付"),
    "wallet.collected": N_("扣回欠款"),
    "wallet.voided": N_("从停用的主机收回"),
    "wallet.funded": N_("给停用的主机补上"),
    "ticket.settled": N_("消费"),
    "ticket.reversed": N_("冲正退回"),
    "ticket.part_reversed": N_("部分冲正退回"),
}
OTHER_KIND = N_("其它")
