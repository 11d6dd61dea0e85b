from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_ktrec.markup import without_hidden
from recbole_ktrec.text import TextField, TextSettings, clean_text, history_documents, row_text
from recbole_ktrec.text.template import _CLOSING, _OPENING, fill_template, limit_words, template_fields

TITLE, BRAND, GENRE = TextField("title"), TextField("brand"), TextField("genre", label="Genre")


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Toys &amp; Games", "Toys & Games"),
        ("Tom &amp;amp; Jerry", "Tom & Jerry"),
        ("&lt;b&gt;New&lt;/b&gt;: &quot;X&quot;", 'New: "X"'),
        ("one<br/>two<BR>three", "one two three"),
        ('<p class="a">Hello</p><p>there</p>', "Hello there"),
        ("H<sub>2</sub>O", "H2O"),
        ("<script>var a = 1 < 2;</script>kept<!-- gone -->", "kept"),
        ("I <3 you, a < b > c", "I <3 you, a < b > c"),
        ("<Untitled>", "<Untitled>"),
        ("  a\u00a0 b\u3000c\x00d\ufeff ", "a b c d"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("AT&T; R&D", "AT&T; R&D"),
        ("", ""),
    ],
)
def test_clean_text(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@given(st.text(alphabet="ab <>&;/pbr\n\t\u00a0&amp;"))
def test_clean_text_has_no_superfluous_white_space(raw: str) -> None:
    clean = clean_text(raw)
    assert clean == " ".join(clean.split())


@given(st.lists(st.sampled_from("<!-- --> <script> <STYLE\xa0a> </script\xa0> </style> a < > -".split(" "))))
def test_hidden_parts_go_as_one_expression_says(parts: list[str]) -> None:
    raw = "".join(parts)
    expected = re.sub(r"(?is)<!--.*?-->|<(script|style)\b[^<>]*>.*?</\1\s*>", " ", raw)
    assert without_hidden(raw, _OPENING, _CLOSING) == expected


@pytest.mark.parametrize("opening", ["<!--", "<script>", "<style>", "<script>a<!--"])
def test_parts_that_are_left_open_take_no_quadratic_time(opening: str) -> None:
    started = time.perf_counter()
    clean_text(opening * 20_000)
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("one two three", 2, "one two"),
        ("one two", 2, "one two"),
        ("one two", None, "one two"),
        ("西班牙 公主", 2, "西班"),
        ("西班牙 公主", 4, "西班牙 公"),
        ("用iPhone拍照", 3, "用iPhone拍"),
        ("한국 영화 제목", 2, "한국 영화"),
    ],
)
def test_limit_words(text: str, limit: int | None, kept: str) -> None:
    assert limit_words(text, limit) == kept


def test_fields_are_joined_in_order_and_missing_ones_skipped() -> None:
    fields, settings = [TITLE, BRAND, GENRE], TextSettings()
    assert row_text(["Robot", "Acme", "Toy"], fields, settings) == "Robot. Acme. Genre: Toy"
    assert row_text(["Robot", "", "Toy"], fields, settings) == "Robot. Genre: Toy"
    assert row_text(["", None, "Toy"], fields, settings) == "Genre: Toy"
    assert row_text(["Who are you?", "Acme", ""], fields, settings) == "Who are you? Acme"


@pytest.mark.parametrize("cells", [["", "  "], [None, None], ["NA", "nan"], ["<br>", "&nbsp;"], [" None ", ""]])
def test_a_row_without_text_is_none(cells: list[str | None]) -> None:
    assert row_text(cells, [TITLE, BRAND], TextSettings()) is None


def test_words_for_missing_are_whole_cells_and_can_be_switched_off() -> None:
    settings = TextSettings()
    assert row_text(["NA"], [TITLE], settings) is None
    assert row_text(["NA Lager"], [TITLE], settings) == "NA Lager"
    assert row_text(["na"], [TITLE], settings) == "na"
    assert row_text(["NA"], [TITLE], TextSettings(missing=())) == "NA"
    assert row_text([""], [TITLE], TextSettings(missing=())) is None


def test_each_field_has_its_own_length() -> None:
    fields = [TextField("title", 2), TextField("description", 1)]
    assert row_text(["one two three", "four five"], fields, TextSettings()) == "one two. four"


def test_template_with_parts_that_are_left_out() -> None:
    settings = TextSettings(template="{title}[ by {brand}][ ({genre})]")
    fields = [TITLE, BRAND, GENRE]
    assert row_text(["Robot", "Acme", "Toy"], fields, settings) == "Robot by Acme (Toy)"
    assert row_text(["Robot", "NA", "Toy"], fields, settings) == "Robot (Toy)"
    assert row_text(["", "", ""], fields, settings) is None


def test_a_template_is_no_format_string() -> None:
    assert fill_template("{title.__class__} {title}", {"title": "{brand}", "brand": "x"}) == "{brand}"
    assert template_fields("{a}[ {b} {a}]") == ["a", "b"]


def test_history_documents_keep_the_most_recent() -> None:
    histories = [["one", None, "two?", "three"], [None], []]
    assert history_documents(histories, max_items=2) == ["three. two?", None, None]


def test_a_template_of_which_nothing_is_left_is_no_text() -> None:
    settings = TextSettings(template="[{title} by {brand}]")
    assert row_text(["Lamp", ""], [TITLE, BRAND], settings) is None
    assert row_text(["Lamp", "Acme"], [TITLE, BRAND], settings) == "Lamp by Acme"
