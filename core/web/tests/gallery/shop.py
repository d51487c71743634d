"""What the gallery's shop sells and remembers; one Shop per started server."""

from __future__ import annotations

import queue
from dataclasses import dataclass, field
from typing import Any

NONCE, HUB_ID = "n0nce-from-the-hub", "hub-7"
PAIRING_CODE = "K7M2QX"
PIN = "204613"

ITEMS = [
    # name, note, price, member price, category
    ("足疗 60 分钟", "含肩颈 10 分钟", 16800, 14800, 0),
    ("足疗 90 分钟", "含热敷", 23800, 20800, 0),
    ("中式推拿 60 分钟", "", 19800, 17400, 1),
    ("肩颈专项 45 分钟", "", 15800, 13900, 1),
    ("精油 SPA 90 分钟", "双人九折", 39800, 35000, 2),
    ("拔罐", "", 6800, 6000, 3),
    ("刮痧", "", 7800, 6900, 3),
    ("艾灸 30 分钟", "", 8800, 7700, 3),
    ("采耳", "", 9800, 8600, 4),
    ("修脚", "", 5800, 5100, 4),
    ("热石疗程", "需提前一天预约", 32800, 28900, 2),
    ("加钟 30 分钟", "随技师", 9800, 8600, 5),
    ("水光补水护理（含面膜、眼部护理）", "60 分钟", 49800, 43800, 6),
    ("茉莉花茶", "壶", 3800, 3300, 7),
    ("果盘", "份", 4800, 4200, 7),
    ("一次性用品", "套", 1000, 1000, 7),
]
SOLD_OUT = {10}
CATEGORIES = ["足疗", "推拿", "SPA", "理疗", "小项目", "加钟", "美容", "饮品小食"]
PLACES = [
    ("free", "check", "空闲"),
    ("busy", "user", "服务中"),
    ("soon", "hourglass", "即将结束"),
    ("over", "alert", "已超时"),
    ("clean", "broom", "待清洁"),
    ("held", "reserved", "已预订"),
    ("off", "tools", "停用"),
]
NAV = [
    ("/", "收银", "cart"),
    ("/board", "房态", "bed"),
    ("/tables", "会员", "users"),
    ("/components", "报表", "chart"),
    ("/forms", "项目", "tag"),
    ("/login", "交班", "receipt"),
    ("/settings", "设置", "settings"),
]

Stream = queue.Queue[tuple[str, str] | None]


@dataclass(slots=True)
class Shop:
    lines: dict[int, int] = field(default_factory=lambda: {0: 1, 2: 1, 13: 2})
    touched: int | None = None
    who: str = "member"
    scans: list[str] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    payments: dict[str, int] = field(default_factory=dict)
    payment_posts: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    device_key: bytes = b""
    streams: list[Stream] = field(default_factory=list)
    streams_max: int = 8
    board_version: int = 1
    is_silent: bool = False
    locks: int = 0

    def ticket(self) -> dict[str, Any]:
        lines = []
        full = due = 0
        for number, count in self.lines.items():
            name, note, price, member_price, category = ITEMS[number]
            each = price if self.who == "walkin" else member_price
            full, due = full + price * count, due + each * count
            lines.append(
                {
                    "id": number,
                    "name": name,
                    "count": count,
                    "note": "技师 08 · 302 房" if category < 4 else note,
                    "amount": each * count,
                    "touched": number == self.touched,
                }
            )
        return {"lines": lines, "full": full, "off": full - due, "due": due}

    def add(self, number: int, step: int) -> None:
        count = self.lines.get(number, 0) + step
        self.touched = number
        if count > 0:
            self.lines[number] = count
        else:
            self.lines.pop(number, None)

    def tell(self, event: str, message: str) -> None:
        for stream in list(self.streams):
            stream.put((event, message))

    def close_streams(self) -> None:
        for stream in list(self.streams):
            stream.put(None)
