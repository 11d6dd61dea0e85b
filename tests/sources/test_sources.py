"""Every source: a dump in its owner's format becomes the rows it must, and RecBole reads the same values back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from dump_shape import Dump
from source_dumps import DUMPS

from recbole_ktrec.errors import DataError
from recbole_ktrec.sources import SOURCES

CASES = pytest.mark.parametrize(("source", "dump"), DUMPS.values(), ids=DUMPS)


def test_every_source_has_a_dump() -> None:
    assert {source for source, _ in DUMPS.values()} == set(SOURCES)


@CASES
def test_a_sound_dump_becomes_the_rows_it_must(
    source: str, dump: Dump, raw: Callable[..., Path], run: Callable[..., Any]
) -> None:
    result = run(source, raw(dump.files), **dump.options)
    assert result.rows("inter") == dump.inter
    for kind, rows in (("item", dump.item), ("user", dump.user)):
        assert (result.folder / f"d.{kind}").exists() == (rows is not None)
        if rows is not None:
            assert result.rows(kind) == rows
    for table in result.document["tables"].values():
        assert table["rows_in"] == table["rows_out"] + sum(table["dropped"].values())
    properties = yaml.safe_load((result.folder / "d.yaml").read_text(encoding="utf-8"))
    described = [] if dump.item is None else list(result.table("item").columns)
    assert properties.get("text_fields", []) == [f for f in SOURCES[source].text_fields if f in described]
    assert set(properties["load_col"]["inter"]) <= set(result.table("inter").columns)


@CASES
def test_recbole_reads_the_same_values(
    source: str, dump: Dump, raw: Callable[..., Path], run: Callable[..., Any]
) -> None:
    pytest.importorskip("recbole")
    from recbole.config import Config
    from recbole.data.dataset import Dataset

    result = run(source, raw(dump.files), **dump.options)
    inter = result.table("inter")
    columns = {kind: list(result.table(kind).columns) for kind in ("inter", "item", "user") if has(result, kind)}
    config = Config(
        model="BPR",
        dataset="d",
        config_dict={"data_path": str(result.folder.parent), "load_col": columns, "seq_len": None, "state": "ERROR",
                     "normalize_all": False, "filter_inter_by_user_or_item": False},
    )  # fmt: skip
    config["data_path"] = str(result.folder)
    dataset = Dataset(config)
    assert len(dataset.inter_feat) == len(inter)
    types = inter.attrs["types"]
    for name in inter.columns:
        values = dataset.inter_feat[name]
        back = values.to_numpy() if hasattr(values, "to_numpy") else values.numpy()
        if types[name] == "token":
            assert list(dataset.id2token(name, back)) == inter[name].tolist()
        elif types[name] == "float" and (inter[name] != "").all():
            assert np.allclose(back.astype(float), inter[name].astype(float))
    for kind in (kind for kind in ("item", "user") if kind in columns):
        check_texts(dataset, kind, result)


def has(result: Any, kind: str) -> bool:
    return (result.folder / f"d.{kind}").exists()


def check_texts(dataset: Any, kind: str, result: Any) -> None:
    """Compare the token sequences of a feature file, row by row of its id."""
    feature, table = getattr(dataset, f"{kind}_feat"), result.table(kind)
    key = f"{kind}_id"
    tokens = {token: row for row, token in enumerate(dataset.id2token(key, np.asarray(feature[key])))}
    for name in (name for name, type_ in table.attrs["types"].items() if type_ == "token_seq"):
        for token, text in zip(table[key], table[name], strict=True):
            words = list(dataset.id2token(name, np.asarray(feature[name][tokens[token]])))
            assert [word for word in words if word != "[PAD]"] == text.split()


def test_two_versions_of_steam_in_one_folder_are_told_apart(raw: Callable[..., Path], run: Callable[..., Any]) -> None:
    folder = raw({**DUMPS["steam"][1].files, **DUMPS["steam-v1"][1].files})
    with pytest.raises(DataError, match=r"australian_user_reviews.json\] is of version 1.*steam_reviews.json\] of ver"):
        run("steam", folder)
    new = run("steam", folder, files={"reviews": folder / "steam_reviews.json"})
    assert new.rows("inter") == DUMPS["steam"][1].inter


def test_a_matrix_of_jester_that_lies_there_twice_is_refused(raw: Callable[..., Path], run: Callable[..., Any]) -> None:
    (name,) = [name for name in DUMPS["jester"][1].files if "data" in name]
    matrix = DUMPS["jester"][1].files[name]
    with pytest.raises(DataError, match=rf"\[{name}\] and \[packed.*{name}\] have one name"):
        run("jester", raw({name: matrix, f"packed/{name}": matrix}))


def test_two_releases_of_movielens_are_not_one(raw: Callable[..., Path], run: Callable[..., Any]) -> None:
    latest, old = DUMPS["movielens-latest"][1], DUMPS["movielens-1m"][1]
    folder = raw({f"{name}/{file}": text for name in ("a", "b") for file, text in latest.files.items()})
    with pytest.raises(DataError, match=r"\[a/ratings.csv\] and \[b/ratings.csv\] .* or say --file ratings=PATH"):
        run("movielens", folder)
    roles = {name: folder / "a" / f"{name}.csv" for name in ("ratings", "movies", "tags")}
    assert run("movielens", folder, files=roles).rows("inter") == latest.inter
    for file in ("ratings", "movies", "tags"):
        (folder / "b" / f"{file}.csv").unlink()
    result = run("movielens", raw({f"b/{name}": text for name, text in old.files.items()}), overwrite=True)
    assert result.rows("inter") == latest.inter and not has(result, "user")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Diplomatic Immunity (2009– )", ["Diplomatic Immunity", "2009"]),
        ("Fawlty Towers (1975-1979) ", ["Fawlty Towers", "1975"]),
        ("Big Bang Theory (2007-)", ["Big Bang Theory", "2007"]),
        ("Babylon 5", ["Babylon 5", ""]),
    ],
)
def test_years_of_series_are_parted_from_their_titles(
    raw: Callable[..., Path], run: Callable[..., Any], title: str, expected: list[str]
) -> None:
    ratings = "userId,movieId,rating,timestamp\n1,1,5,964982703\n"
    folder = raw({"ratings.csv": ratings, "movies.csv": f"movieId,title,genres\n1,{title},Drama\n"})
    assert run("movielens", folder).rows("item") == [["1", *expected, "Drama"]]


def test_categories_of_old_yelp_releases_are_a_list(raw: Callable[..., Path], run: Callable[..., Any]) -> None:
    review = '{"user_id": "u", "business_id": "b", "stars": 5, "date": "2016-03-09"}\n'
    business = '{"business_id": "b", "name": "N", "categories": ["Fast Food", "Bars"], "city": "C", "state": "S"}\n'
    assert run("yelp", raw({"review.json": review, "business.json": business})).rows("item")[0][2] == "Fast Food, Bars"
