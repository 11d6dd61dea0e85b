from __future__ import annotations

from pathlib import Path

import pytest

from recbole_ktrec.errors import DataError
from recbole_ktrec.text import EntityFile, TextField, TextSettings


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_default_fields_are_the_text_like_columns(item_file: Path) -> None:
    assert EntityFile(item_file).fields(TextSettings()) == [TextField("title"), TextField("genre")]


def test_ids_numbers_and_codes_are_not_text_by_default(tmp_path: Path) -> None:
    path = write(tmp_path / "a.item", "item_id:token\tmovie_title:token\tyear:token\tasin:token\tprice:float\n")
    assert [field.name for field in EntityFile(path).fields(TextSettings())] == ["movie_title"]


def test_no_text_column_at_all_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.item", "item_id:token\tyear:token\n1\t1999\n")
    with pytest.raises(DataError, match=r"a\.item\] has no text column among item_id:token, year:token"):
        EntityFile(path).texts(["1"], TextSettings())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.item\] is missing.*ktrec convert"):
        EntityFile(tmp_path / "none.item").texts(["1"], TextSettings())


def test_a_field_that_is_no_column_is_refused_with_the_nearest(item_file: Path) -> None:
    with pytest.raises(DataError, match=r"text_fields.*no column \[titel\].*Did you mean \[title\]"):
        EntityFile(item_file).texts(["i1"], TextSettings(fields=(TextField("titel"),)))
    with pytest.raises(DataError, match=r"text_template.*no column \[genres\].*Did you mean \[genre\]"):
        EntityFile(item_file).texts(["i1"], TextSettings(template="{title} {genres}"))
    with pytest.raises(DataError, match=r"no column \[movie_id\]"):
        EntityFile(item_file, "movie_id").texts(["i1"], TextSettings())


def test_texts_line_up_with_tokens_in_any_order(item_file: Path) -> None:
    tokens = ["i2", "[PAD]", "i1", "unknown", "i3"]
    texts = EntityFile(item_file).texts(tokens, TextSettings())
    assert texts == ["Blue doll", None, "Red robot. Space", None, None]


def test_template_takes_the_options_of_fields(item_file: Path) -> None:
    settings = TextSettings(template="{genre}: {title}", fields=(TextField("title", max_words=1),))
    assert EntityFile(item_file).texts(["i1"], settings) == ["Space: Red"]


def test_fields_that_the_template_does_not_take_are_told_once(
    item_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fields = (TextField("title", label="Title"), TextField("genre", max_words=3))
    for _ in range(2):
        assert EntityFile(item_file).texts(["i1"], TextSettings(template="A {title}", fields=fields))
    told = [one.message.partition("]: ")[2] for one in caplog.records if one.levelname == "WARNING"]
    assert told == [
        "the column [genre] is not read, text_template does not name it.",
        "the label [Title] of [title] is not used: write it into text_template.",
    ]
    caplog.clear()
    EntityFile(item_file).texts(["i1"], TextSettings(template="{title} {genre}", fields=fields[1:]))
    assert "text_fields" not in caplog.text


def test_columns_of_a_user_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.user", "user_id:token\tage:token\toccupation:token\nu1\t24\twriter\n")
    settings = TextSettings(template="A {occupation} of {age}")
    assert EntityFile(path, "user_id").texts(["u1", "u2"], settings) == ["A writer of 24", None]


def test_quotes_blanks_and_words_for_missing_survive(tmp_path: Path) -> None:
    titles = ['"Quoted"', '"She said ""hi"""', 'stray " quote', '"open', "", "NA", "NA beer", "a  b"]
    rows = "".join(f"{number}\t{title}\n" for number, title in enumerate(titles, 1))
    path = write(tmp_path / "a.item", f"item_id:token\ttitle:token_seq\n{rows}")
    texts = EntityFile(path).texts([str(i) for i in range(1, 9)], TextSettings())
    assert texts == ["Quoted", 'She said "hi"', 'stray " quote', '"open', None, None, "NA beer", "a b"]


def test_a_tab_too_many_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.item", "item_id:token\ttitle:token_seq\n1\tone\n2\ttwo\tthree\n")
    with pytest.raises(DataError, match=r"a\.item\], line 3: 3 cells"):
        EntityFile(path).texts(["1"], TextSettings())


def test_a_byte_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.item", b"item_id:token\ttitle:token_seq\n1\tone\n2\tCaf\xe9\n")
    with pytest.raises(DataError, match=r"a\.item\], line 3: not utf-8"):
        EntityFile(path).texts(["1"], TextSettings())
    assert EntityFile(path, encoding="latin-1").texts(["2"], TextSettings()) == ["Café"]


def test_texts_of_items_that_are_not_known_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.item", "item_id:token\ttitle:token_seq\n9\tnine\n1\tone\n4\t\n9\tnine\n3\tthree\n")
    assert list(EntityFile(path).other_texts({"1"}, TextSettings()).items()) == [
        ("9", "nine"), ("4", None), ("3", "three"),
    ]  # fmt: skip


def test_a_duplicate_item_is_refused_unless_its_text_is_the_same(tmp_path: Path) -> None:
    head = "item_id:token\ttitle:token_seq\tprice:float\n"
    same = write(tmp_path / "same.item", head + "1\tone\t1\n1\tone\t2\n")
    assert EntityFile(same).texts(["1"], TextSettings()) == ["one"]
    other = write(tmp_path / "other.item", head + "1\tone\t1\n2\ttwo\t1\n1\tuno\t2\n")
    with pytest.raises(DataError, match=r"other\.item\], row 3: \[item_id\] = \[1\] occurs a second time"):
        EntityFile(other).texts(["1"], TextSettings())
    assert EntityFile(other).texts(["2"], TextSettings()) == ["two"], "unused items are not judged"


def test_a_misspelt_limit_beside_a_template_is_told(item_file: Path) -> None:
    limited = {"text_template": "{title} {genre}", "text_fields": {"titel": {"max_words": 1}}}
    with pytest.raises(DataError, match=r"^text_fields: .* has no column \[titel\].*Did you mean \[title\]"):
        EntityFile(item_file).texts(["i1"], TextSettings.from_mapping(limited))
    with pytest.raises(DataError, match=r"^text_template: .* has no column \[titel\]"):
        EntityFile(item_file).texts(["i1"], TextSettings(template="{titel}"))
