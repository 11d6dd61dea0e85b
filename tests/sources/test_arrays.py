"""JSON arrays of objects: the same rows as of an object a line, numbered by their places; damage is told."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.sources import arrays

Convert = Callable[..., Any]
PAIRS = "user_id,item_id\na,p0\nb,p1\nb,p2\n"
ITEMS: list[dict[str, Any]] = [
    {"id": f"p{k}", "name": f"Größe, Ding {k}", "price": k + 0.5, "a": {"titel": f"x\n[{{{k}"}} for k in range(5)
]
FILES = ("--interactions", "c.csv", "--items", "i.json")


@pytest.fixture(params=["msgspec", "json"], autouse=True)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "json":
        monkeypatch.setattr(arrays, "msgspec", None)


def zipped(text: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("deep/i.json", text)
    return held.getvalue()


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [50, 1 << 22])
def test_an_array_gives_the_rows_of_the_same_lines(
    convert: Convert, indent: int | None, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recbole_ktrec.sources.reading.blocks.__defaults__", (size, False))
    stated = ("--column", "items.titel=A.Titel:token_seq")
    lines = "".join(json.dumps(each) + "\n" for each in ITEMS)
    expected, _ = convert({"c.csv": PAIRS, "i.json": lines}, *FILES, *stated)
    for start in ("", "\ufeff\r\n "):
        text = start + json.dumps(ITEMS, indent=indent, ensure_ascii=False).replace("\n", "\r\n")
        rows, account = convert({"i.json": text}, *FILES, *stated, "--overwrite")
        assert rows["item"] == expected["item"] and account["tables"]["item"]["rows_in"] == 5
    assert {"p1", "Größe, Ding 1", "1.5", "x [{1"} < set(rows["item"][2])


@pytest.mark.parametrize(("name", "packed"), [("i.json.gz", gzip.compress), ("i.zip", zipped)])
def test_an_array_is_read_in_place(convert: Convert, name: str, packed: Callable[[bytes], bytes]) -> None:
    text = json.dumps(ITEMS, indent=1).encode()
    rows, _ = convert({"c.csv": PAIRS, name: packed(text)}, *FILES)
    assert [row[0] for row in rows["item"][1:]] == ["p0", "p1", "p2", "p3", "p4"]


def test_what_is_no_object_or_lacks_an_id_is_named_by_its_place(convert: Convert, tmp_path: Path) -> None:
    text = '[{"id": "p0", "name": "A b"},\n\n7,\n {"name": "No id"}, {"id": "p1", "price": NaN}]'
    rows, account = convert({"c.csv": PAIRS, "i.json": text}, *FILES)
    assert [row[0] for row in rows["item"][1:]] == ["p0", "p1"]
    assert account["tables"]["item"]["examples"] == {"not a JSON object": ["i.json:2"], "missing item_id": ["i.json:3"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"id": 1},\n {"id": 2},\n {"id":', "[i.json], object 3 of the array (line 3): Expecting value"),
        ('[{"id": 1},\n {"id": 2}', "[i.json], object 3 of the array (line 2): Expecting ',' or ']'"),
        ('[\n{"id": 1},\n]', "[i.json], object 2 of the array (line 3): Expecting value"),
        (
            '[{"id": 1}]\nx',
            "[i.json], object 2 of the array (line 2): Expecting nothing after ']'; the array is damaged",
        ),
        ('[{"id": 1}]\n[{"id": 2}]', "[i.json] holds another array from line 2 on, and one alone is read: jq -c '.[]'"),
        ('[{"id": "a\nb"}]', "[i.json], object 1 of the array (line 1): Invalid control character"),
        ('[{"id": ' + "[" * 100_000, "[i.json], object 1 of the array (line 1): Too many values within values"),
        ("[]", "[i.json] is empty, or holds neither an object a line"),
    ],
)
def test_a_damaged_array_is_told_with_its_place(
    convert: Convert, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert({"c.csv": PAIRS, "i.json": text}, *FILES) == 2
    assert message in capsys.readouterr().err


def test_a_long_array_is_guessed_by_its_start_and_damage_is_told(
    convert: Convert, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("recbole_ktrec.sources.jsonlines.HEAD", 200)
    text = json.dumps(ITEMS, indent=1)
    rows, _ = convert({"c.csv": PAIRS, "i.json": text}, *FILES)
    assert len(rows["item"]) == 6
    assert convert({"i.json": text[:-20]}, *FILES, "--overwrite") == 2
    assert "[i.json], object 5 of the array (line " in capsys.readouterr().err


def test_an_array_that_is_too_long_names_the_way_out(
    convert: Convert, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(arrays, "LONGEST", 100)
    assert convert({"c.csv": PAIRS, "i.json": json.dumps(ITEMS)}, *FILES) == 2
    told = "[i.json] is one JSON array of more than 0 MiB, and it would be read as a whole: jq -c '.[]' 'i.json' >"
    assert told in capsys.readouterr().err
