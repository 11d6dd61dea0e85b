"""An object that wraps the list of the rows is refused with what unwraps it, and no part is written without a row."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

Convert = Callable[..., Any]
PAIRS = "user_id,item_id\na,p0\nb,p1\n"
FILES = ("--interactions", "c.csv", "--items", "i.json")
ROWS = [{"sku": f"p{k}", "titel": f"Ding {k}", "bilder": [{"url": "x"}]} for k in range(9)]
MAPPING = (
    "interactions: {file: c.csv, columns: {user_id: user_id, item_id: item_id}}\n"
    "items: {file: i.json, columns: {item_id: sku, title: titel}}\n"
)


@pytest.mark.parametrize("how", ["guessed", "stated", "mapped"])
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    ("whole", "key", "query"),
    [
        ({"products": ROWS}, "products", ".products[]"),
        ({"total": 9, "page": {"n": [1]}, "data": {"all rows": ROWS}}, "data.all rows", '.data."all rows"[]'),
    ],
)
def test_a_wrapped_list_is_named(
    convert: Convert, tmp_path: Path, how: str, indent: int | None, whole: object, key: str, query: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "m.yaml").write_text(MAPPING)
    said = {"guessed": FILES, "stated": (*FILES, "--column", "items.item_id=sku"), "mapped": ("--mapping",)}[how]
    said = (*said, str(tmp_path / "m.yaml")) if how == "mapped" else said
    assert convert({"c.csv": PAIRS, "i.json": "\ufeff" + json.dumps(whole, indent=indent) + "\n"}, *said) == 2
    told = f"[i.json] is one object, whose key [{key}] holds the list, and an object a row is read: jq -c '{query}' "
    assert told in capsys.readouterr().err and not (tmp_path / "d").exists()


def test_a_wrapped_list_longer_than_the_head_is_named(
    convert: Convert, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("recbole_ktrec.sources.jsonlines.HEAD", 100)
    packed = gzip.compress(json.dumps({"n": 9, "products": ROWS}).encode())
    assert convert({"c.csv": PAIRS, "i.json.gz": packed}, *FILES) == 2
    assert "[i.json.gz] is one object, whose key [products] holds the list" in capsys.readouterr().err


@pytest.mark.parametrize("orient", ["columns", "index", "split"])
@pytest.mark.parametrize("head", [1 << 20, 40])
def test_a_table_of_pandas_is_refused_with_what_writes_its_rows(
    convert: Convert, tmp_path: Path, orient: Any, head: int, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("recbole_ktrec.sources.jsonlines.HEAD", head)
    frame = pd.DataFrame({"sku": [f"00{k}" for k in range(9)], "titel": [f"Ding {k}" for k in range(9)]})
    assert convert({"c.csv": PAIRS, "i.json": frame.to_json(orient=orient)}, *FILES) == 2
    error = capsys.readouterr().err
    assert "[i.json] is one object that holds a whole table, as to_json of pandas writes it" in error
    command = error.strip().split('python -c "')[1].removesuffix('"')
    monkeypatch.chdir(tmp_path / "raw")
    exec(command)
    found, _ = convert({"c.csv": PAIRS}, *FILES[:3], "lines.jsonl")
    assert found["item"][1] == ["000", "Ding 0"] and len(found["item"]) == 10
    assert ".reset_index() before .to_json keeps what the rows are called, as [index]" in error
    exec(command.replace(".to_json", ".reset_index().to_json"))
    assert json.loads((tmp_path / "raw" / "lines.jsonl").read_text().splitlines()[3])["index"] == 3


def test_a_row_that_begins_with_numbered_keys_is_a_row(convert: Convert) -> None:
    found, _ = convert({"c.csv": PAIRS, "i.json": json.dumps({"stars": {"1": 4, "2": 9}, "sku": "p0"}) + "\n"}, *FILES)
    assert found["item"][1][0] == "p0"


@pytest.mark.parametrize("rows", [ROWS[:1], ROWS[:2]], ids=["one", "two"])
def test_a_row_that_holds_a_list_of_objects_is_a_row(convert: Convert, rows: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(each) + "\n" for each in rows)
    found, _ = convert({"c.csv": PAIRS, "i.json": text}, *FILES)
    assert len(found["item"]) == len(rows) + 1


@pytest.mark.parametrize(
    ("text", "more", "reasons"),
    [
        ('{"products": [\n{"sku": "p0"},\n', (), "2 (2 x not a JSON object)"),
        ('{"sku": ""}\n{"sku": null}\n', (), "2 (2 x missing item_id)"),
        ("", (), "0 (the files hold none)"),
        ('{"sku": "q"}\n', ("--interacted-only",), "1 (1 x item without interactions)"),
    ],
)
def test_items_without_a_row_are_an_error(
    convert: Convert, tmp_path: Path, text: str, more: tuple[str, ...], reasons: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "m.yaml").write_text(MAPPING.replace("i.json", "i.json, format: json"))
    said = ("--mapping", str(tmp_path / "m.yaml"), *more)
    assert convert({"c.csv": PAIRS, "i.json": text}, *said) == 2
    assert f"No row of the items is left of {reasons}." in capsys.readouterr().err
    assert not (tmp_path / "d").exists()
