"""``ktrec convert table`` on what public dumps hold: their names of users and items, and what pandas writes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.sources.names import NAMES
from tests.commands.click_tables import CLICKS, GOODS


@pytest.mark.parametrize(
    ("head", "user", "item", "rest"),
    [
        ("CONTENT_OWN_ID,CONTENT_ID,POINTS,USER_UUID", "USER_UUID", "CONTENT_ID", ["CONTENT_OWN_ID", "POINTS"]),
        ("email,article_id,uuid,n", "email", "article_id", ["uuid", "n"]),
        ("customer_id,customer_unique_id,product_id,n", "customer_unique_id", "product_id", ["customer_id", "n"]),
        ("id,gmap_id,User Email,n", "User Email", "gmap_id", ["id", "n"]),
        (
            "user,album_id,track,n",
            "user",
            "track",
            ["album_id", "n"],
        ),  # what was taken before a name was known still is
    ],
)
def test_names_of_public_dumps_are_known(
    convert: Callable[..., int], made: Callable[[str], Any], head: str, user: str, item: str, rest: list[str]
) -> None:
    assert convert({"interactions.csv": f"{head}\na1,b1,c1,d1\na2,b2,c2,d2\n"}) == 0
    columns = made("json")["mapping"]["interactions"]["columns"]
    assert columns["user_id"]["from"] == user and columns["item_id"]["from"] == item
    assert [spec["from"] for name, spec in columns.items() if name not in ("user_id", "item_id")] == rest


def test_the_id_of_a_table_of_users_goes_before_their_address(
    convert: Callable[..., int], made: Callable[[str], Any]
) -> None:
    users = "email,guid,id,age\n" + "".join(f"m{k}@x.org,g{k},u{k},{20 + k}\n" for k in range(4))
    assert convert({"interactions.csv": CLICKS, "users.csv": users}) == 0
    assert list(made("user")["user_id"]) == ["u0", "u1", "u2", "u3"]


@pytest.mark.parametrize("beside", ["album_id", "location_id", "product_code", "isbn13", "track"])
def test_the_id_of_a_table_of_items_goes_before_what_they_have_beside_it(
    convert: Callable[..., int], made: Callable[[str], Any], beside: str
) -> None:
    goods = f"id,title,{beside}\n" + "".join(f"{k},A thing of number {k},b{k % 2}\n" for k in range(5))
    assert convert({"interactions.csv": CLICKS, "items.csv": goods}) == 0
    assert list(made("item")["item_id"]) == list("01234") and made("json")["tables"]["item"]["rows_out"] == 5


@pytest.mark.parametrize("head", ["customer_unique_id,customer_id", "username,id", "user_code,id", "profile_name,uuid"])
def test_the_id_of_a_table_of_users_goes_before_what_they_have_beside_it(
    convert: Callable[..., int], made: Callable[[str], Any], head: str
) -> None:
    users = f"{head}\n" + "".join(f"a{k},u{k}\n" for k in range(4))
    assert convert({"interactions.csv": CLICKS, "users.csv": users}) == 0
    assert list(made("user")["user_id"]) == ["u0", "u1", "u2", "u3"]


@pytest.mark.parametrize(
    "head", ["session_id,item_id,timestamp,price", "session,aid,ts,type", "n,clicks,SessionId,ItemId"]
)
def test_visits_are_users_where_there_are_no_others_and_that_is_told(
    convert: Callable[..., int], made: Callable[[str], Any], head: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clicks = f"{head}\n" + "".join(f"{k % 4},{k},{1_600_000_000 + k},{k % 3}\n" for k in range(20))
    assert convert({"interactions.csv": clicks}) == 0
    session = next(name for name in head.split(",") if name.lower().startswith("session"))
    assert made("json")["mapping"]["interactions"]["columns"]["user_id"]["from"] == session
    told = f"interactions: no column looks like a user: each [{session}] counts as one (--column user_id=NAME maps one)"
    assert told in capsys.readouterr().out
    assert convert({"interactions.csv": clicks}, "--column", f"user_id={session}", "--overwrite") == 0
    assert "counts as one" not in capsys.readouterr().out


def test_visits_are_told_where_most_rows_have_no_user(
    convert: Callable[..., int], made: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    clicks = "sessionId;userId;itemId\n" + "".join(f"s{k % 4};{'NA' if k % 5 else 7};{k}\n" for k in range(20))
    assert convert({"interactions.csv": clicks}) == 0
    assert len(made("inter")) == 4
    told = "most rows have no [userId] and are left out (--column user_id=sessionId takes each [sessionId] for a user)"
    assert told in capsys.readouterr().out
    assert convert({"interactions.csv": clicks}, "--column", "user_id=sessionId", "--overwrite") == 0
    assert len(made("inter")) == 20 and "most rows" not in capsys.readouterr().out
    few = clicks.replace("NA", "8")
    assert convert({"interactions.csv": few}, "--overwrite") == 0 and "most rows" not in capsys.readouterr().out


def test_no_name_means_two_things() -> None:
    names = [name for target in NAMES.values() for name in target]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (",article,who", "looks like [user_id]: map it (--column interactions.user_id=NAME)."),
        ("NA,article,who", "looks like [user_id]: map it (--column interactions.user_id=NAME)."),
        ("1,article,7", "some are numbers. If the first line is a row, name the columns in a mapping file"),
    ],
)
def test_a_column_without_a_name_is_no_number(
    convert: Callable[..., int], head: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert({"interactions.csv": f"{head}\n0,a,b\n1,c,d\n"}) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "called"), [("", "the first column, which has no name"), ("Unnamed: 0", "[Unnamed: 0]")]
)
def test_an_id_that_seems_to_number_the_rows_is_told_how_it_is_taken(
    convert: Callable[..., int], made: Callable[[str], Any], tmp_path: Path, name: str, called: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    goods = GOODS.replace("item_id", name)
    assert convert({"interactions.csv": CLICKS, "items.csv": goods}) == 2
    spec = f"items: {{columns: {{item_id: '{name}', ...}}}}"
    told = f"Left out, since it numbers the rows: {called}. If it is the id, a mapping file says so, {spec}."
    assert told in capsys.readouterr().err
    (tmp_path / "m.yaml").write_text(spec.replace("...", "title: title"))
    assert convert({"items.csv": goods, "interactions.csv": CLICKS}, "--mapping", str(tmp_path / "m.yaml")) == 0
    assert list(made("item")["item_id"]) == list("01234")


@pytest.mark.parametrize(
    ("name", "numbers", "left"),
    [
        ("", range(20), True),
        ("", range(3, 100, 5)[:20], True),  # of rows that were left out
        ("", range(19, -1, -1), True),  # of rows that were sorted
        ("", [3, 4] * 10, False),
        ("", [k / 2 for k in range(20)], False),
        ("", [f"r{k}" for k in range(20)], False),
        ("Unnamed: 0", range(20), True),
        ("Unnamed: 3", range(20), False),
        ("number", range(20), False),
    ],
)
def test_the_index_of_pandas_is_left_out(
    convert: Callable[..., int],
    made: Callable[[str], Any],
    name: str,
    numbers: list[object],
    left: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [f"{number},{row}" for number, row in zip([name, *numbers], CLICKS.splitlines(), strict=True)]
    assert convert({"interactions.csv": "\n".join(rows) + "\n", "items.csv": GOODS}) == 0
    told = "interactions: left out, since it numbers the rows (pandas writes its index so): "
    called = f"[{name}]" if name else "the first column, which has no name"
    assert ((told + called) in capsys.readouterr().out.splitlines()) is left
    assert made("inter").shape == (20, 2 if left else 3)


DECIMALS = CLICKS.replace("\n", ".0\n").replace("item_id.0", "item_id")
WHOLE = "item_id written as 7.0 and read as 7"


def test_whole_numbers_that_pandas_wrote_as_decimals_match(
    convert: Callable[..., int], made: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert({"interactions.csv": DECIMALS, "items.csv": GOODS}) == 0
    shown = capsys.readouterr().out
    assert "from item_id (whole numbers: 7.0 is 7)" in shown and "warning" not in shown
    assert list(made("inter")["item_id"][:6]) == ["0", "1", "2", "3", "4", "0"]
    assert made("json")["tables"]["inter"]["changed"] == {WHOLE: 20} and made("json")["tables"]["item"]["changed"] == {}
    assert convert({}, "--interactions", "interactions.csv", "--column", "item_id=item_id:token", "--overwrite") == 0
    assert list(made("inter")["item_id"][:2]) == ["0.0", "1.0"]


def test_versions_stay_unless_asked_for(convert: Callable[..., int], made: Callable[[str], Any]) -> None:
    versions = "user_id,item_id\n" + "".join(f"u{k},1.{k}\n" for k in (0, 1, 10, 2)) + "u5,2.00\nu6,-3.0\nu7,x.0\n"
    assert convert({"interactions.csv": versions}) == 0
    assert list(made("inter")["item_id"]) == ["1.0", "1.1", "1.10", "1.2", "2.00", "-3.0", "x.0"]
    assert convert({"interactions.csv": versions}, "--column", "item_id=item_id:whole", "--overwrite") == 0
    assert list(made("inter")["item_id"]) == ["1", "1.1", "1.10", "1.2", "2", "-3", "x.0"]
    assert made("json")["tables"]["inter"]["changed"] == {WHOLE: 3}


@pytest.mark.parametrize("part", ["interactions", "items"])
def test_a_mapping_is_told_how_ids_would_match(
    convert: Callable[..., int], made: Callable[[str], Any], tmp_path: Path, part: str
) -> None:
    mapping = "interactions: {columns: {user_id: user_id, item_id: item_id}}\nitems: {columns: {item_id: item_id}}\n"
    (tmp_path / "m.yaml").write_text(mapping)
    goods = GOODS.replace(",", ".0,").replace("item_id.0", "item_id")
    files = {"interactions.csv": CLICKS, "items.csv": goods}
    if part == "interactions":
        files = {"interactions.csv": DECIMALS, "items.csv": GOODS}
    assert convert(files, "--mapping", str(tmp_path / "m.yaml")) == 0
    (warning,) = made("json")["warnings"]
    assert warning.startswith("none of the 5 items with interactions is in the item file")
    assert warning.endswith(f"zeros included: --column {part}.item_id=NAME:whole reads 0.0 as 0")
    stated = ["--column", f"{part}.item_id=item_id:whole"]
    assert convert({}, "--interactions", "interactions.csv", "--items", "items.csv", *stated, "--overwrite") == 0
    assert made("json")["warnings"] == []
    (tmp_path / "m.yaml").write_text(mapping.replace("item_id: item_id", "item_id: {from: item_id, whole: true}"))
    assert convert(files, "--mapping", str(tmp_path / "m.yaml"), "--overwrite") == 0
    assert made("json")["warnings"] == []


def test_ids_of_which_some_match_are_told_how_the_others_would(
    convert: Callable[..., int], made: Callable[[str], Any]
) -> None:
    assert convert({"interactions.csv": DECIMALS.replace("4.0", "4"), "items.csv": GOODS}) == 0
    (warning,) = made("json")["warnings"]
    assert warning.startswith("4 of the 5 items with interactions are not in the item file: [0.0], [1.0], [2.0]")
    assert warning.endswith("[2.0]: --column interactions.item_id=NAME:whole reads 0.0 as 0")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("{from: item_id, type: float, whole: true}", "[interactions.columns.n.whole] is for ids and codes written as"),
        ("{from: item_id, date: iso, whole: true}", "[interactions.columns.n.whole] is for ids and codes written as"),
        ("{from: item_id, whole: 1}", "[interactions.columns.n.whole] = [1] is not true or false"),
    ],
)
def test_whole_is_for_ids_and_codes(
    convert: Callable[..., int], tmp_path: Path, how: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = f"{{user_id: user_id, item_id: item_id, n: {how}}}"
    (tmp_path / "m.yaml").write_text(f"interactions: {{columns: {columns}}}\n")
    assert convert({"interactions.csv": DECIMALS}, "--mapping", str(tmp_path / "m.yaml")) == 2
    assert message in capsys.readouterr().err


def test_an_id_that_is_an_object_is_told_by_which_key_it_is_taken(
    convert: Callable[..., int], made: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f'{{"customer": {{"id": "u{k}", "zip": 1}}, "product": {{"id": "i{k % 3}"}}}}' for k in range(6)]
    files = {"orders.jsonl": "\n".join(rows)}
    assert convert(files, "--interactions", "orders.jsonl") == 2
    told = (
        "[orders.jsonl]: [customer] is called as [interactions.user_id] is, but holds objects, with the keys id, zip."
    )
    assert f"{told} Say which one it is, such as --column interactions.user_id=customer.id." in capsys.readouterr().err
    stated = ["--column", "interactions.user_id=customer.id", "--column", "item_id=product.id"]
    assert convert(files, "--interactions", "orders.jsonl", *stated) == 0
    assert list(made("inter")["user_id"]) == [f"u{k}" for k in range(6)]


def test_ratings_that_are_objects_can_be_left_out(
    convert: Callable[..., int], made: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"orders.jsonl": "\n".join(f'{{"user": "u{k}", "item": "i1", "rating": {{"stars": 3}}}}' for k in range(6))}
    assert convert(files, "--interactions", "orders.jsonl") == 2
    assert "(6 x rating is not a number)" in capsys.readouterr().err
    assert convert(files, "--interactions", "orders.jsonl", "--implicit") == 0
    assert list(made("inter")["user_id"]) == [f"u{k}" for k in range(6)]
