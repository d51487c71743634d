"""What the made-up shop sells and who works there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from core.catalog import Category, Item, ItemKind, Offer
from core.clock import HOUR_MS, MINUTE_MS
from core.errors import N_
from core.organisation import Company, PointsRule, Settings, Store, Tender
from hub.demo.logo import logo_base64


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A branch of the made-up chain. `key` is its id in the feed of the first, its host too."""

    key: str
    code: str
    name: str


FIRST = Site(key="store1", code="A", name="清和养生·人民路店")
SECOND = Site(key="store2", code="B", name="清和养生·解放路店")
STORE_ID = FIRST.key
TILLS = ("前台1", "前台2")
CUTOFF_MINUTES = 4 * HOUR_MS // MINUTE_MS
IDLE_LOCK_S = 1_800
"""Longer than in a shop: who looks around must not type a PIN every two minutes."""
STAFF_CARD_FIRST = 9_100_000_001
BARCODE_FIRST = 693_400_120_001

PEOPLE: tuple[tuple[str, str], ...] = (
    ("owner", "陈清和"),
    ("manager", "林晓燕"),
    ("cashier", "王芳"),
    ("cashier", "李梦婷"),
    ("cashier", "赵敏"),
    ("technician", "张伟"),
    ("technician", "刘洋"),
    ("technician", "周丽华"),
    ("technician", "吴桂英"),
    ("technician", "徐静"),
    ("auditor", "何文斌"),
    ("device", "读卡设备"),
)

CATEGORIES: tuple[tuple[str, str, int], ...] = (
    ("foot", "足疗", 0),
    ("tuina", "推拿按摩", 1),
    ("spa", "精油 SPA", 2),
    ("face", "面部护理", 3),
    ("moxa", "艾灸拔罐", 4),
    ("ear", "采耳修脚", 5),
    ("tea", "茶饮小食", 6),
    ("goods", "养生用品", 7),
)

SERVICES: tuple[tuple[str, str, str, int, int | None, str], ...] = (
    # code, category, name, price and member price in yuan, note
    ("101", "foot", "草本足疗 60 分钟", 128, 99, "含肩颈 10 分钟"),
    ("102", "foot", "草本足疗 90 分钟", 178, 148, "含肩颈 20 分钟"),
    ("103", "foot", "藏式热盐足疗 70 分钟", 168, 138, ""),
    ("104", "foot", "足底反射按摩 45 分钟", 98, 79, ""),
    ("201", "tuina", "肩颈推拿 30 分钟", 88, 68, ""),
    ("202", "tuina", "中式全身推拿 60 分钟", 168, 138, ""),
    ("203", "tuina", "中式全身推拿 90 分钟", 238, 198, ""),
    ("204", "tuina", "泰式按摩 90 分钟", 268, 228, ""),
    ("205", "tuina", "小儿推拿 30 分钟", 108, 88, "限 12 岁以下"),
    ("206", "tuina", "运动拉伸 60 分钟", 198, 168, ""),
    ("301", "spa", "薰衣草精油 SPA 60 分钟", 258, 218, ""),
    ("302", "spa", "玫瑰精油 SPA 90 分钟", 368, 318, ""),
    ("303", "spa", "背部精油舒缓 45 分钟", 158, 128, ""),
    ("304", "spa", "热石 SPA 90 分钟", 398, 348, ""),
    ("401", "face", "补水清洁 60 分钟", 198, 158, ""),
    ("402", "face", "玻尿酸焕肤 75 分钟", 298, 248, ""),
    ("403", "face", "眼部护理 30 分钟", 128, 98, ""),
    ("501", "moxa", "艾灸调理 40 分钟", 118, 98, ""),
    ("502", "moxa", "拔罐", 58, 48, ""),
    ("503", "moxa", "刮痧", 68, 58, ""),
    ("504", "moxa", "悬灸暖宫 50 分钟", 158, 128, ""),
    ("601", "ear", "采耳 30 分钟", 88, 68, ""),
    ("602", "ear", "修脚 30 分钟", 78, 58, ""),
    ("603", "ear", "采耳修脚套餐 60 分钟", 148, 118, ""),
)

PRODUCTS: tuple[tuple[str, str, str, int, int | None, str, str, int], ...] = (
    # code, category, name, price, member price, unit, brand, pieces in stock
    ("701", "tea", "茉莉花茶", 38, None, "壶", "吴裕泰", 60),
    ("702", "tea", "陈年普洱", 58, 48, "壶", "大益", 45),
    ("703", "tea", "红枣枸杞茶", 28, None, "杯", "", 80),
    ("704", "tea", "柠檬蜂蜜水", 22, None, "杯", "", 80),
    ("705", "tea", "银耳羹", 26, 22, "碗", "", 30),
    ("706", "tea", "坚果拼盘", 36, None, "份", "三只松鼠", 40),
    ("707", "tea", "农夫山泉 550ml", 3, None, "瓶", "农夫山泉", 240),
    ("801", "goods", "艾草泡脚包 30 包", 68, 58, "盒", "南阳艾", 50),
    ("802", "goods", "艾条 10 支", 45, 38, "盒", "南阳艾", 64),
    ("803", "goods", "薰衣草精油 30ml", 128, 108, "瓶", "清和", 26),
    ("804", "goods", "姜母膏", 88, 75, "罐", "清和", 32),
    ("805", "goods", "蒸汽眼罩 10 片", 39, 33, "盒", "珍视明", 72),
    ("806", "goods", "颈椎热敷枕", 268, 228, "个", "清和", 12),
    ("807", "goods", "玻尿酸面膜 5 片", 89, 75, "盒", "可复美", 40),
    ("808", "goods", "黄铜刮痧板", 58, 48, "块", "", 25),
    ("809", "goods", "一次性浴巾", 12, None, "条", "", 150),
)

OFFERS: tuple[tuple[str, Offer], ...] = (
    (
        "topup500",
        Offer(name="充500送30", price=50_000, principal=50_000, bonus=3_000, sort=1),
    ),
    (
        "topup1000",
        Offer(name="充1000送100", price=100_000, principal=100_000, bonus=10_000, sort=2),
    ),
    (
        "topup2000",
        Offer(name="充2000送300", price=200_000, principal=200_000, bonus=30_000, sort=3),
    ),
    (
        "topup3000",
        Offer(name="充3000送600", price=300_000, principal=300_000, bonus=60_000, sort=4),
    ),
    (
        "gold",
        Offer(
            name="金卡",
            kind="card",
            price=198_000,
            principal=198_000,
            bonus=20_000,
            points=200,
            term_days=730,
            benefits="生日当天草本足疗一次；茶饮免费续杯",
            sort=5,
        ),
    ),
    (
        "trial",
        Offer(
            name="体验卡",
            kind="card",
            price=9_800,
            principal=9_800,
            bonus=3_000,
            term_days=30,
            stores=(STORE_ID,),
            benefits="限本店，30 天内用完",
            sort=6,
        ),
    ),
)

MEMBER_CATEGORIES = ("普通会员", "银卡会员", "金卡会员", "钻石会员")


def staff_key(position: int) -> str:
    return f"staff{position:02}"


def staff_number(position: int) -> str:
    return f"{position:02}"


def staff_card(position: int) -> str:
    """Return the number that a reader shows for an employee's card."""
    return f"{STAFF_CARD_FIRST + position - 1:010}"


def first_of_each_role() -> dict[str, str]:
    """Return the key of the first person of each role."""
    found: dict[str, str] = {}
    for position, (role, _name) in enumerate(PEOPLE, start=1):
        found.setdefault(role, staff_key(position))
    return found


def company() -> Company:
    return Company(
        name="清和养生",
        phone="020-5550 0128",
        address="广州市越秀区人民路 128 号",
        footer="谢谢光临，请保管好小票",
        qr="https://example.com/qinghe",
        logo_png=logo_base64(),
    )


def store() -> Store:
    return Store(
        name=FIRST.name,
        code=FIRST.code,
        zone="Asia/Shanghai",
        cutoff_minutes=CUTOFF_MINUTES,
        phone="020-5550 0128",
        address="广州市越秀区人民路 128 号二楼",
    )


def settings() -> Settings:
    standing = Settings()
    return Settings(
        tenders=(
            *standing.tenders,
            Tender(id="wechat", name=N_("微信")),
            Tender(id="alipay", name=N_("支付宝")),
        ),
        categories=MEMBER_CATEGORIES,
        points=PointsRule(double_weekdays=(2,)),
        idle_lock_s=IDLE_LOCK_S,
    )


def minutes_in(name: str) -> int:
    """Return how long a service takes, as its name says it; 0 where it does not."""
    found = re.search(r"(\d+) 分钟", name)
    return int(found[1]) if found else 0


def items() -> dict[str, Item]:
    """Return the forty things for sale by their keys."""
    services = {
        f"item{code}": Item(
            code=code,
            name=name,
            category=category,
            price=price * 100,
            member_price=None if member_price is None else member_price * 100,
            note=note,
            minutes=minutes_in(name),
            sort=int(code),
        )
        for code, category, name, price, member_price, note in SERVICES
    }
    products = {
        f"item{code}": Item(
            code=code,
            name=name,
            kind=ItemKind.PRODUCT,
            category=category,
            unit=unit,
            brand=brand,
            price=price * 100,
            member_price=None if member_price is None else member_price * 100,
            barcode=ean13(BARCODE_FIRST + 7 * position),
            sort=int(code),
        )
        for position, (code, category, name, price, member_price, unit, brand, _pieces) in (
            enumerate(PRODUCTS)
        )
    }
    return services | products


def stock() -> dict[str, int]:
    """Return how many pieces of each product lie on the shelf."""
    return {f"item{product[0]}": product[-1] for product in PRODUCTS}


def ean13(body: int) -> str:
    """Return a barcode of thirteen digits: twelve and their check digit."""
    digits = f"{body:012}"
    weighed = sum(int(d) * (3 if place % 2 else 1) for place, d in enumerate(digits))
    return f"{digits}{-weighed % 10}"


def documents() -> list[tuple[str, str, dict[str, Any]]]:
    """Return the feed of the shop but for its staff: topic, key, content."""
    categories = {
        key: Category(name=name, colour=colour, sort=colour) for key, name, colour in CATEGORIES
    }
    told: list[tuple[str, str, msgspec.Struct]] = [
        ("company", "-", company()),
        ("store", STORE_ID, store()),
        ("settings", "-", settings()),
        *(("category", key, category) for key, category in categories.items()),
        *(("item", key, item) for key, item in items().items()),
        *(("offer", key, offer) for key, offer in OFFERS),
    ]
    return [(topic, key, msgspec.to_builtins(content)) for topic, key, content in told]
