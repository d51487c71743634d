"""What head office says no to before a merchant is reached."""

from __future__ import annotations

from core.errors import N_, Refusal

REFUSALS = {
    "no_merchant": Refusal(404, N_("没有这个商户")),
    "no_hub": Refusal(404, N_("没有这台门店主机")),
    "no_name": Refusal(422, N_("名称要有 1 到 %(characters)s 个字")),
    "bad_name": Refusal(422, N_("%(name)s 不是主机名，也不是地址")),
    "no_places": Refusal(409, N_("总部还不知道消息服务和门店入口的地址，请先设置")),
    "store_missing": Refusal(422, N_("请说明是哪家门店")),
    "join_code_wrong": Refusal(403, N_("接入码不对")),
    "join_code_locked": Refusal(403, N_("接入码输错太多次，已作废；请在总部重新生成")),
    "join_code_expired": Refusal(403, N_("接入码已过期；请在总部重新生成")),
    "join_code_used": Refusal(403, N_("接入码已经用过；请在总部重新生成")),
    "bad_certificate_request": Refusal(422, N_("证书申请读不懂，或不是用 P-256 密钥签名")),
    "bad_birth": Refusal(422, N_("这台主机的出生证明读不懂")),
    "hub_known": Refusal(409, N_("这台主机已经接入过，不能再接入到这里")),
    "feed_there": Refusal(409, N_("这个商户已经有资料，不能再带入另一家店的资料")),
    "feed_missing": Refusal(409, N_("这个商户还没有门店；请让已营业的店带着资料接入")),
    "join_code_joins": Refusal(
        422, N_("这是新主机接入用的码；换主机请在总部生成“更换主机”的码")
    ),
    "join_code_replaces": Refusal(
        422, N_("这是换主机用的码：请在新主机上用 replace 命令，不要带入资料")
    ),
    "box_too_old": Refusal(409, N_("新主机上的程序比旧主机的还旧，请先更新再换")),
    "hub_open": Refusal(409, N_("这台主机还在用，请先说明为什么要换")),
    "hub_revoked": Refusal(403, N_("这台主机已被停用")),
    "certificate_unknown": Refusal(403, N_("这张证书不是本总部签发的，或过期太久")),
    "proof_wrong": Refusal(403, N_("签名不是这台主机的密钥所签")),
}
