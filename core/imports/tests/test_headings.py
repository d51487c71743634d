import pytest

from core.errors import Refused
from core.imports import ITEMS, MEMBERS, find_mapping, read_table
from core.imports.limits import HEADING_ROWS


def mapping_of(tmp_path, headings, schema=MEMBERS, above=(), overrides=None):
    path = tmp_path / "list.csv"
    lines = [*above, ",".join(headings), ",".join("x" for _ in headings)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    with read_table(path) as table:
        return find_mapping(table, schema, overrides)


def fields_of(mapping):
    return {column.heading: column.field for column in mapping.columns}


MEMBER_HEADINGS = {
    "number": ["会员编号", "会员号", "编号"],
    "card": ["会员卡号", "卡号"],
    "name": ["姓名", "会员姓名", "客户姓名", "name", "Name", "姓 名", "*姓名"],
    "phone": [
        "手机",
        "手机号",
        "手机号码",
        "联系电话",
        "电话",
        "phone",
        "mobile",
        "客户手机号",
        "手机号（必填）",
    ],
    "gender": ["性别", "会员性别", "Gender", "性别(男/女)"],
    "birthday": ["生日", "出生日期", "birthday", "会员生日", "生日（格式：2024-01-02）"],
    "level": ["会员等级", "级别", "level"],
    "category": ["类别", "分类", "会员类型"],
    "principal": [
        "余额",
        "储值余额",
        "卡内余额",
        "本金",
        "本金余额",
        "余额(元)",
        "会员余额",
        "卡内余额（元）",
    ],
    "bonus": ["赠金", "赠送余额", "赠送金额", "余额(赠送)", "余额（赠金）"],
    "total": ["总余额", "余额合计"],
    "points": ["积分", "可用积分", "会员积分"],
    "punches": ["剩余次数", "剩余次数(次)"],
    "joined_on": ["开卡日期", "办卡日期", "入会日期", "注册时间"],
    "expires_on": ["有效期", "到期日期"],
    "note": ["备注", "remark"],
    "store": ["门店", "开卡门店"],
    "address": ["地址", "家庭住址"],
}
ITEM_HEADINGS = {
    "number": ["项目编号", "商品编码", "编码", "SKU"],
    "barcode": ["条码", "商品条码"],
    "name": ["名称", "项目名称", "商品名称", "Item"],
    "kind": ["类型", "商品类型"],
    "category": ["分类", "项目分类"],
    "brand": ["品牌"],
    "unit": ["单位"],
    "price": ["价格", "原价", "标准价", "零售价", "价格(元)", "商品单价"],
    "member_price": ["会员价", "会员价（元）"],
    "stock": ["库存", "商品库存"],
    "minutes": ["时长", "时长(分钟)", "服务时长"],
}


@pytest.mark.parametrize(
    ("heading", "field"),
    [(heading, field) for field, words in MEMBER_HEADINGS.items() for heading in words],
)
def test_member_headings_as_exports_have_them(tmp_path, heading, field):
    others = [word for name, word in (("name", "姓名"), ("phone", "手机")) if name != field]
    assert fields_of(mapping_of(tmp_path, [heading, *others]))[heading] == field


@pytest.mark.parametrize(
    ("heading", "field"),
    [(heading, field) for field, words in ITEM_HEADINGS.items() for heading in words],
)
def test_item_headings_as_exports_have_them(tmp_path, heading, field):
    others = [word for name, word in (("name", "名称"), ("price", "价格")) if name != field]
    assert fields_of(mapping_of(tmp_path, [heading, *others], ITEMS))[heading] == field


@pytest.mark.parametrize("schema", [MEMBERS, ITEMS])
def test_no_word_means_two_fields_and_every_label_means_its_own(schema):
    from core.imports.headings import _lookup, plain_heading

    lookup = _lookup(schema)
    for field in schema.fields:
        assert lookup[plain_heading(field.name)][0] is field
        for word in (field.english, *field.synonyms):
            assert lookup[plain_heading(word)][0] is field, word


def test_unknown_headings_are_listed(tmp_path):
    mapping = mapping_of(tmp_path, ["姓名", "手机", "血型", "余额(美元)", "最近消费"])
    assert [column.heading for column in mapping.unmapped] == ["血型", "余额(美元)", "最近消费"]


def test_the_stronger_word_takes_the_field_and_the_other_says_who_did(tmp_path):
    mapping = mapping_of(tmp_path, ["联系电话", "姓名", "手机号"])
    assert fields_of(mapping) == {"联系电话": "", "姓名": "name", "手机号": "phone"}
    assert mapping.unmapped[0].taken_by == "手机号"


def test_a_balance_is_principal_unless_principal_has_its_own_column(tmp_path):
    alone = mapping_of(tmp_path, ["姓名", "手机", "余额", "赠送余额"])
    assert fields_of(alone)["余额"] == "principal"
    beside = mapping_of(tmp_path, ["姓名", "手机", "余额", "本金", "赠送余额"])
    assert fields_of(beside)["余额"] == "balance"
    assert fields_of(beside)["本金"] == "principal"


def test_two_headings_of_the_same_words_are_told_apart(tmp_path):
    mapping = mapping_of(tmp_path, ["姓名", "手机", "备注", "备注"])
    assert fields_of(mapping) == {
        "姓名": "name",
        "手机": "phone",
        "备注": "note",
        "备注 (2)": "",
    }
    chosen = mapping_of(
        tmp_path, ["姓名", "手机", "备注", "备注"], overrides={"备注 (2)": "note"}
    )
    assert fields_of(chosen)["备注 (2)"] == "note"
    assert fields_of(chosen)["备注"] == ""


def test_the_operator_decides_what_a_heading_means(tmp_path):
    headings = ["称谓", "手机", "积分", "余额"]
    orders = {"称谓": "name", "积分": "", " 余额 ": "balance"}
    mapping = mapping_of(tmp_path, headings, overrides=orders)
    assert fields_of(mapping) == {
        "称谓": "name",
        "手机": "phone",
        "积分": "",
        "余额": "balance",
    }


def test_headings_are_found_below_titles_within_the_first_rows(tmp_path):
    above = ["丽人美容", "导出时间,2026-06-30"] + ["说明,x"] * (HEADING_ROWS - 3)
    assert mapping_of(tmp_path, ["姓名", "手机"], above=above).line == HEADING_ROWS
    with pytest.raises(Refused, match="import_headings_absent"):
        mapping_of(tmp_path, ["姓名", "手机"], above=[*above, "x,y"])


@pytest.mark.parametrize(
    ("headings", "schema", "missing"),
    [
        (["手机", "卡号"], MEMBERS, "姓名 (Name)"),
        (
            ["姓名", "性别"],
            MEMBERS,
            "手机号码 (Phone) / 会员卡号 (Card No.) / 会员编号 (Member No.)",
        ),
        (["名称", "库存"], ITEMS, "价格 (Price)"),
    ],
)
def test_a_list_without_what_it_needs_is_refused_with_what_it_has(
    tmp_path, headings, schema, missing
):
    with pytest.raises(Refused, match="import_headings_missing") as caught:
        mapping_of(tmp_path, headings, schema)
    assert caught.value.facts == {"missing": missing, "found": "、".join(headings)}


@pytest.mark.parametrize(
    ("orders", "code"),
    [
        ({"血型": "note"}, "import_heading_unknown"),
        ({"备注": "blood"}, "import_field_unknown"),
        ({"备注": "name", "手机": "name"}, "import_field_twice"),
    ],
)
def test_orders_that_make_no_sense_are_refused(tmp_path, orders, code):
    with pytest.raises(Refused) as caught:
        mapping_of(tmp_path, ["姓名", "手机", "备注"], overrides=orders)
    assert caught.value.code == code


def test_a_list_without_headings_is_refused(tmp_path):
    with pytest.raises(Refused, match="import_headings_absent"):
        mapping_of(tmp_path, ["张三", "13812342046"])
