"""Every "no" of an import as a sentence: of a whole file, and of one row in it."""

from __future__ import annotations

from core.errors import N_, Refusal

REFUSALS = {
    "import_file_absent": Refusal(404, N_("找不到文件“%(file)s”")),
    "import_file_empty": Refusal(422, N_("文件是空的")),
    "import_file_too_large": Refusal(
        413, N_("文件有 %(megabytes)s MB，最多 %(limit)s MB；请分成几个文件导入")
    ),
    "import_is_old_excel": Refusal(
        415, N_("这是旧版 Excel 文件（.xls）；请在 Excel 或 WPS 里另存为 .xlsx 后再导入")
    ),
    "import_is_encrypted": Refusal(
        415, N_("文件设了打开密码；请在 Excel 或 WPS 里去掉密码，另存后再导入")
    ),
    "import_is_web_page": Refusal(
        415,
        N_("这个文件其实是网页，不是表格；请用 Excel 或 WPS 打开，另存为 .xlsx 后再导入"),
    ),
    "import_is_no_table": Refusal(415, N_("认不出这种文件；请导入 .xlsx 或 .csv 文件")),
    "import_encoding_unknown": Refusal(
        422, N_("文字编码认不出来；请用 Excel 或 WPS 另存为 .xlsx 后再导入")
    ),
    "import_unpacks_too_large": Refusal(
        413, N_("这个 Excel 文件解开后大得不正常，没有读取；请只保留要导入的工作表，另存后再试")
    ),
    "import_xlsx_broken": Refusal(
        422, N_("这个 Excel 文件已损坏或不合规范；请用 Excel 或 WPS 打开，另存后再导入")
    ),
    "import_xlsx_unsafe": Refusal(
        422, N_("这个 Excel 文件里有正常表格不会有的内容，为安全起见没有读取")
    ),
    "import_sheet_absent": Refusal(
        422, N_("没有名为“%(sheet)s”的工作表；文件里有：%(sheets)s")
    ),
    "import_no_rows": Refusal(422, N_("文件里没有数据")),
    "import_rows_too_many": Refusal(413, N_("最多导入 %(limit)s 行；请分成几个文件导入")),
    "import_columns_too_many": Refusal(
        413, N_("第 %(line)s 行超过 %(limit)s 列；请删去不用的列")
    ),
    "import_line_too_long": Refusal(
        413, N_("第 %(line)s 行太长，不像表格；请用 Excel 或 WPS 另存为 .xlsx 后再导入")
    ),
    "import_headings_absent": Refusal(
        422, N_("前 %(rows)s 行里没有找到列名；请在数据上方保留一行列名，例如：%(example)s")
    ),
    "import_headings_missing": Refusal(
        422, N_("缺少这些列：%(missing)s；文件里的列名有：%(found)s")
    ),
    "import_heading_unknown": Refusal(
        422, N_("文件里没有“%(heading)s”这一列；列名有：%(found)s")
    ),
    "import_field_unknown": Refusal(422, N_("没有“%(field)s”这个字段")),
    "import_field_twice": Refusal(
        422, N_("“%(first)s”和“%(second)s”两列都指定为“%(field)s”；请只选一列")
    ),
    "export_rows_too_many": Refusal(
        413, N_("最多导出 %(limit)s 行，否则导不回来；请缩小筛选范围")
    ),
}
"""Of a whole file: nothing of it is read."""

ROW_REFUSALS = {
    "row_not_posted": Refusal(409, N_("门店没有收下：%(reason)s")),
    "row_quotes_broken": Refusal(422, N_("这一行的双引号不成对，读不出来")),
    "row_is_total": Refusal(422, N_("这是合计行，不是数据")),
    "row_repeats_headings": Refusal(422, N_("这一行又是列名，不是数据")),
    "row_has_no_key": Refusal(422, N_("%(keys)s至少填一项，否则认不出是谁")),
    "cell_too_long": Refusal(422, N_("内容超过 %(limit)s 个字")),
    "cell_is_error": Refusal(422, N_("单元格是错误值 %(value)s")),
    "cell_formula_unsaved": Refusal(
        422, N_("单元格是公式，没有保存结果；请用 Excel 打开并保存一次")
    ),
    "text_broken": Refusal(422, N_("“%(value)s”里有乱码")),
    "text_missing": Refusal(422, N_("没有填")),
    "text_too_long": Refusal(422, N_("“%(value)s”太长，最多 %(limit)s 个字")),
    "digits_lost": Refusal(
        422, N_("“%(value)s”的末尾数字已被表格软件丢掉；请把这一列设为文本后重新填写")
    ),
    "phone_invalid": Refusal(422, N_("“%(value)s”不是正确的电话号码；座机请加区号")),
    "phone_masked": Refusal(422, N_("“%(value)s”被星号遮住了；请导出完整号码")),
    "phone_several": Refusal(422, N_("“%(value)s”里有几个号码；请只留一个")),
    "date_unreadable": Refusal(422, N_("“%(value)s”不是日期；请写成 2024-01-02")),
    "date_order_unclear": Refusal(422, N_("“%(value)s”分不清年月日的先后；请写成 2024-01-02")),
    "date_year_short": Refusal(
        422, N_("“%(value)s”的年份只有两位，看不出是哪一年；请写成四位")
    ),
    "date_year_missing": Refusal(422, N_("“%(value)s”没有年份")),
    "date_not_real": Refusal(422, N_("“%(value)s”这一天不存在")),
    "date_future": Refusal(422, N_("“%(value)s”还没有到")),
    "date_too_early": Refusal(422, N_("“%(value)s”太早，不合常理")),
    "amount_unreadable": Refusal(422, N_("“%(value)s”不是金额")),
    "amount_negative": Refusal(422, N_("金额 %(amount)s 元小于零；欠款请不要写成余额")),
    "amount_below_fen": Refusal(422, N_("金额“%(value)s”不到分的零头说不清")),
    "amount_too_large": Refusal(422, N_("金额“%(value)s”超过 %(limit)s 元")),
    "amounts_disagree": Refusal(
        422, N_("总余额 %(total)s 元不等于本金 %(principal)s 元加赠金 %(bonus)s 元")
    ),
    "count_unreadable": Refusal(422, N_("“%(value)s”不是数目")),
    "count_negative": Refusal(422, N_("“%(value)s”小于零")),
    "count_not_whole": Refusal(422, N_("“%(value)s”不是整数")),
    "count_too_large": Refusal(422, N_("“%(value)s”超过 %(limit)s")),
    "gender_unclear": Refusal(422, N_("“%(value)s”看不出是男是女；请写男、女或留空")),
    "kind_unclear": Refusal(422, N_("“%(value)s”看不出类型；请写服务、商品或其他")),
    "duplicate_in_file": Refusal(422, N_("“%(value)s”与第 %(earlier)s 行重复")),
}
"""Of one row, or one cell in it: the other rows go on. The status is for a row sent alone."""
