"""English is complete: every sentence of the sources is in the catalogue, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from tests.architecture.sources import PLACES, ROOT

MAPPING = ROOT / "core/web/babel.cfg"
ENGLISH = "core/web/translations/en/LC_MESSAGES/messages.po"
PLACEHOLDER = re.compile(r"%\(\w+\)")

Sentence = tuple[str, str | None]
"""A message id (the singular one) and its context."""


def key(message: Message) -> Sentence:
    return _forms(message.id)[0], message.context


def _forms(sentence: str | tuple[str, ...] | list[str]) -> list[str]:
    return [sentence] if isinstance(sentence, str) else list(sentence)


def sentences(root: Path) -> dict[Sentence, str]:
    """Extract what is marked for translation: (sentence, context) -> where it stands."""
    with MAPPING.open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)
    found = {}
    for place in PLACES:
        if (root / place).is_dir():
            for name, line, sentence, _, context in extract_from_dir(
                root / place, method_map=methods, options_map=options
            ):
                found[_forms(sentence)[0], context] = f"{place}/{name}:{line}"
    return found


def catalogue(root: Path) -> Catalog:
    path = root / ENGLISH
    if not path.is_file():
        return Catalog(locale="en")
    with path.open("rb") as stream:
        return read_po(stream, locale="en", abort_invalid=True)


def untranslated(root: Path) -> dict[Sentence, str]:
    translated = {
        key(message)
        for message in catalogue(root)
        if message.id and not message.fuzzy and all(_forms(message.string))
    }
    return {name: place for name, place in sentences(root).items() if name not in translated}


def left_over(root: Path) -> list[Sentence]:
    known, said = catalogue(root), sentences(root)
    written = [key(message) for message in known if message.id]
    obsolete = [key(message) for message in known.obsolete.values()]
    return [name for name in written if name not in said] + obsolete


def changed_placeholders(root: Path) -> list[str]:
    """Find translations that name other values than their sentence does."""
    return [
        form
        for message in catalogue(root)
        if message.id
        for form in filter(None, _forms(message.string))
        if _values(form) - _values(*_forms(message.id))
    ]


def _values(*texts: str) -> set[str]:
    return {name for text in texts for name in PLACEHOLDER.findall(text)}


def test_every_sentence_is_in_english():
    assert untranslated(ROOT) == {}


def test_the_catalogue_has_nothing_that_no_page_says():
    assert left_over(ROOT) == []


def test_a_translation_names_no_value_that_its_sentence_does_not():
    assert changed_placeholders(ROOT) == []


def test_what_is_missing_and_what_is_left_over_is_found(tmp_path):
    sources = {
        "hub/till/__init__.py": "N_('收款')\n_('开单')\npgettext('纸质', '单')\n_('%(n)s 笔')\n",
        "hub/till/tests/test_till.py": "_('只在测试里')\n",
        "hub/till/templates/till/page.html": "{{ _('取单') }}{% trans n=3 %}{{ n }} 张{% endtrans %}",
        ENGLISH: """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"
msgid "收款"
msgstr "Take payment"
msgid "开单"
msgstr ""
#, fuzzy
msgid "取单"
msgstr "Park"
msgid "%(n)s 笔"
msgstr "%(count)s bills"
msgid "挂单"
msgstr "Park"
#~ msgid "旧"
#~ msgstr "Old"
""",
    }
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    missing = {("开单", None), ("取单", None), ("单", "纸质"), ("%(n)s 张", None)}
    assert untranslated(tmp_path).keys() == missing
    assert left_over(tmp_path) == [("挂单", None), ("旧", None)]
    assert changed_placeholders(tmp_path) == ["%(count)s bills"]
