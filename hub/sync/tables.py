"""What sending remembers of its own in the hub's database."""

from __future__ import annotations

from core.errors import N_, Refusal
from core.journal import Part
from core.sqlite import Migration

LOCAL = Part(
    name="sync",
    migrations=(
        Migration(
            "sync/1",
            (
                # How far head office said that it holds this box's journal. A hint for pages
                # while the line is down; head office's own word counts when it is up.
                """CREATE TABLE uplink (
                     epoch INTEGER PRIMARY KEY, acked INTEGER NOT NULL, safe INTEGER NOT NULL
                   ) STRICT""",
            ),
        ),
        Migration(
            "sync/2",
            (
                # Events of this box that its second medium had, and this disk not yet.
                """CREATE TABLE waiting_segment (
                     epoch INTEGER NOT NULL,
                     first_seq INTEGER NOT NULL,
                     last_seq INTEGER NOT NULL,
                     raw BLOB NOT NULL,
                     PRIMARY KEY (epoch, first_seq, last_seq)
                   ) STRICT""",
            ),
        ),
        Migration(
            "sync/3",
            (
                # Which run of head office told of the feed as far as it was taken.
                """CREATE TABLE feed_told (
                     one INTEGER PRIMARY KEY CHECK (one = 1), run TEXT NOT NULL
                   ) STRICT""",
            ),
        ),
    ),
    refusals={
        "already_joined": Refusal(409, N_("这台主机已经加入总部 %(merchant)s")),
        "has_own_feed": Refusal(
            409, N_("这家店已有自己的资料；请用 --bring 把资料带入总部，或换一台新主机加入")
        ),
        "answer_wrong": Refusal(502, N_("总部的答复不对（%(what)s），没有加入")),
        "hub_runs": Refusal(
            409, N_("门店主机的程序还开着，请先停止：systemctl stop 'dianshu-*'")
        ),
        "has_own_history": Refusal(
            409, N_("这台主机已有别家店的记录；请换一台新主机，或清空它的数据文件夹")
        ),
        "already_replaced": Refusal(409, N_("这台主机已经换好了，直接启动主机程序即可")),
        "other_hub": Refusal(409, N_("这台主机属于另一家门店，这个代码不是给它的")),
        "nothing_to_bring": Refusal(409, N_("这台主机还没有资料可带；请去掉 --bring")),
    },
)
