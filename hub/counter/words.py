"""What the counter's pages call things that the journal names by code."""

from __future__ import annotations

from core.errors import N_

GENDER_NAMES = {"": N_("不填"), "female": N_("女"), "male": N_("男")}
STANDING_NAMES = {"member": N_("会员"), "prospect": N_("散客")}
KIND_NAMES = {
    "wallet.topped_up": N_("充值"),
    "wallet.opened": N_("旧系统转入"),
    "wallet.adjusted": N_("调整"),
    "wallet.points_ended": N_("积分到期"),
    "wallet.points_carried": N_("积分转入下一期"),
    "ticket.settled": N_("消费"),
    "ticket.reversed": N_("冲正退回"),
    "ticket.part_reversed": N_("部分冲正退回"),
    "wallet.accepted": N_("从别处调来"),
    "wallet.released": N_("调往别处"),
    "wallet.moved": N_("合并会员"),
    "wallet.advanced": N_("断网垫付"),
    "wallet.pass_given": N_("赠送"),
}
CHANGE_NAMES = {
    "member.registered": N_("登记"),
    "member.changed": N_("改类别或转为会员"),
    "card.issued": N_("发卡"),
    "card.returned": N_("退回卡"),
    "card.seen": N_("出示新一代卡"),
    "card.blocked": N_("挂失"),
    "card.unblocked": N_("解除挂失"),
    "member.merged": N_("合并"),
    "member.unmerged": N_("撤销合并"),
    "member.joined_family": N_("加入亲情账户"),
    "member.left_family": N_("退出亲情账户"),
    "name": N_("姓名"),
    "phone": N_("手机号"),
    "gender": N_("性别"),
    "birthday": N_("生日"),
    "note": N_("备注"),
}
ASSET_NAMES = {"principal": N_("本金"), "bonus": N_("赠金"), "points": N_("积分")}
