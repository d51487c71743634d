"""People who do not exist, with names, phones and birthdays as a shop would have them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

SURNAMES = (
    "王李张刘陈杨黄赵吴周" * 6
    + "徐孙马朱胡郭何高林罗" * 3
    + "郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡" * 2
    + "余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦傅方白邹孟"
    + "熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严"
)
TWO_CHARACTER_SURNAMES = ("欧阳", "司徒", "上官", "诸葛")
TWO_CHARACTER_SHARE = 0.02

WOMEN = (
    "慧敏 晓燕 丽华 雅静 婷婷 思颖 欣怡 雨桐 佳琪 美玲 淑芬 桂英 秀兰 玉梅 春花 文静 梦洁 "
    "诗涵 子涵 若曦 紫薇 海燕 红梅 丽娟 艳芳 小玲 丹丹 露 倩 莉 颖 琳 雪梅 月娥 冬梅 佩珊 "
    "嘉欣 凯琳 晓彤 雯雯 楚楚 依诺 可馨 静怡 梓萱 瑶 蓓蕾 惠珍 彩霞 素贞 凤英 巧云 惠兰 "
    "翠萍 曼丽 碧君 韵 芷若 沁怡 语嫣 曦月 妍 晴 怀瑾 念慈"
)
MEN = (
    "伟 强 磊 军 勇 杰 涛 超 明 建国 建华 志强 志明 国栋 海涛 俊杰 文博 子轩 浩然 宇航 家豪 "
    "嘉伟 天佑 振华 永强 德明 庆丰 学文 晓东 立新 卫东 少华 伟健 锦辉 泽宇 博文 一鸣 鹏飞 "
    "思源 承志 云飞 启明 正阳 兆基 炳坤 国华 福生 长林 宏达 景行 昊 睿 煜 铭 骏 墨涵 逸凡 "
    "修远 明哲 弘毅 建业"
)
MOBILE_PREFIXES = (
    "130 131 132 133 135 136 137 138 139 150 151 152 155 156 157 158 159 166 173 175 176 177 "
    "178 180 181 182 183 185 186 187 188 189 191 198 199"
)
NOTES = (
    *("怕痒，足底轻一点", "喜欢力度重", "颈椎不好", "不喝茶，要温水", "常带母亲同来"),
    *("孕期，不做艾灸", "皮肤敏感，用无香精油", "固定找张伟师傅", "周末才来", "开车，停 B2"),
)
NOTED_SHARE = 0.12
WOMEN_SHARE = 0.62


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who comes to the shop."""

    name: str
    gender: str
    phone: str
    birthday: str
    note: str


def people(count: int, chance: Random) -> list[Person]:
    """Return so many people; no two share a name or a phone."""
    names: set[str] = set()
    phones: set[str] = set()
    made: list[Person] = []
    while len(made) < count:
        gender = "female" if chance.random() < WOMEN_SHARE else "male"
        name = _name(gender, chance)
        phone = f"{chance.choice(MOBILE_PREFIXES.split())}{chance.randrange(10**8):08}"
        if name in names or phone in phones:
            continue
        names.add(name)
        phones.add(phone)
        made.append(
            Person(
                name=name,
                gender=gender,
                phone=phone,
                birthday=_birthday(chance),
                note=chance.choice(NOTES) if chance.random() < NOTED_SHARE else "",
            )
        )
    return made


def _name(gender: str, chance: Random) -> str:
    surname = (
        chance.choice(TWO_CHARACTER_SURNAMES)
        if chance.random() < TWO_CHARACTER_SHARE
        else chance.choice(SURNAMES)
    )
    return surname + chance.choice((WOMEN if gender == "female" else MEN).split())


def _birthday(chance: Random) -> str:
    """Return a birthday; some tell no year, and some nothing."""
    day = f"{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    told = chance.random()
    if told < 0.1:
        return ""
    if told < 0.2:
        return day
    return f"{int(chance.triangular(1950, 2004, 1985))}-{day}"
