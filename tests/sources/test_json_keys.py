"""The keys of JSON objects: rare ones are told, texts taken however rare."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Convert = Callable[..., Any]
PAIRS = "user_id,item_id\na,p0\nb,p1\n"
FILES = ("--interactions", "c.csv", "--items", "i.json")


def test_rare_keys_are_told_and_texts_taken_however_rare(convert: Convert, capsys: pytest.CaptureFixture[str]) -> None:
    items: list[dict[str, object]] = [{"id": f"p{k}", "price": k} for k in range(50)]
    items[1] |= {"description": "Soft", "ean": 5, "size": {"cm": 3}, "plot_summary": "A b"}
    text = "".join(json.dumps(each) + "\n" for each in items)
    rows, _ = convert({"c.csv": PAIRS, "i.json": text}, *FILES)
    shown = capsys.readouterr().out
    assert "items: left out, since few objects have it: ean, size (--column items.NAME=KEY takes it in)" in shown
    assert rows["item"][0] == ["item_id:token", "price:float", "description:token_seq", "plot_summary:token_seq"]
    assert rows["item"][2] == ["p1", "1", "Soft", "A b"]
    stated = ("--column", "items.ean=ean", "--column", "items.cm=size.cm")
    rows, _ = convert({}, *FILES, *stated, "--overwrite")
    assert "left out" not in capsys.readouterr().out
    assert dict(zip(rows["item"][0], rows["item"][2], strict=True))["cm:float"] == "3"


@pytest.mark.parametrize("late", [0, 700])
def test_a_key_with_a_point_is_one(convert: Convert, late: int) -> None:
    clicks = "".join(json.dumps({"user.id": f"u{k}", "item": {"id": f"p{k}"}}) + "\n" for k in range(3))
    items = [json.dumps({"id": f"p{k}", "price": k}) for k in range(late)]
    items += [json.dumps({"id": "x", "info.name": "Red shoe"}), json.dumps({"id": "y", "info": {"name": "Blue hat"}})]
    files = {"c.json": clicks, "i.json": "\n".join(items) + "\n"}
    stated = (
        "--column",
        "item_id=item.id",
        "--column",
        "items.item_id=id",
        "--column",
        "items.title=info.name:token_seq",
    )
    rows, _ = convert(files, "--interactions", "c.json", "--items", "i.json", *stated)
    assert ["u1", "p1"] in [row[:2] for row in rows["inter"]]
    at = rows["item"][0].index("title:token_seq")
    assert [row[at] for row in rows["item"][-2:]] == ["Red shoe", "Blue hat"]


def test_a_path_that_no_object_has_is_told_with_the_nearest(convert: Convert, tmp_path: Path) -> None:
    items = [{"id": f"p{k}", "ean": None, "attributes": {"titel": f"Ding {k}", "farbe": "rot"}} for k in range(9)]
    columns = "{item_id: id, ean: ean, titel: attributes.title, farbe: attributes.farbe}"
    (tmp_path / "m.yaml").write_text(
        "interactions: {file: c.csv, columns: {user_id: user_id, item_id: item_id}}\n"
        f"items: {{file: i.json, columns: {columns}}}\n"
    )
    for text in (json.dumps(items), "".join(json.dumps(each) + "\n" for each in items)):
        said = ("--mapping", str(tmp_path / "m.yaml"), "--overwrite")
        _, account = convert({"c.csv": PAIRS, "i.json": text}, *said)
        assert account["warnings"] == [
            "no row of the items has a value for [ean], [titel]: see what they are read from (no object of [i.json] "
            "has [attributes.title], the nearest keys are [attributes.titel], [attributes], [attributes.farbe])"
        ]


def test_the_key_of_an_id_that_no_object_has_is_named(
    convert: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = "{user_id: user_id, item_id: item_id}"
    (tmp_path / "m.yaml").write_text(f"interactions: {{file: c.json, columns: {columns}}}\n")
    lines = '{"userId": 1, "item_id": 2}\n{"userId": 2, "item_id": null}\n'
    assert convert({"c.json": lines}, "--mapping", str(tmp_path / "m.yaml")) == 2
    error = capsys.readouterr().err
    assert "[c.json]: no object has the key [user_id], only userId, item_id. Did you mean [userId]?" in error
    assert "--column interactions.user_id=COLUMN takes another for [user_id]" in error
