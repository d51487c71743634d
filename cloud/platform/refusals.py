"""What head office says no to before a merchant is reached."""

from __future__ import annotations

from core.errors import N_, Refusal

REFUSALS = {
    "no_merchant": Refusal(404, N_("没有这个商户")),
    "no_hub": Refusal(404, N_("没有这台门店主机")),
    "no_name": Refusal(422, N_("名称要有 1 到 %(characters)s 个字")),
}
