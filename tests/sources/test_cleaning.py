"""Text rules and single values, with known answers."""

import math
import re
import time
from collections import Counter
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.sources.cleaning import LONGEST, RULES, Cleaner, _tags, _untagged
from recbole_ktrec.sources.values import date, flat, hashes, ids, moment, numbers, price, written


@pytest.mark.parametrize(
    ("text", "clean", "rules"),
    [
        ("plain text", "plain text", []),
        ("Tom &amp; Jerry &amp;quot;x&amp;quot;", 'Tom & Jerry "x"', ["entities"]),
        ("R&D B&notes &amp &unknown;", "R&D B&notes &amp &unknown;", []),
        ("<p>Fine</p><br/>day", "Fine day", ["tags", "space"]),
        ("&lt;b&gt;bold&lt;/b&gt;", "bold", ["entities", "tags", "space"]),
        ("a < b and 3<4", "a < b and 3<4", []),
        ("if a<b and c>d", "if a<b and c>d", []),
        ("x<y>z and <me@home.org>", "x<y>z and <me@home.org>", []),
        ("if a&lt;b and c&gt;d", "if a<b and c>d", ["entities"]),
        ("<FONT size=2>a</FONT><hr noshade><BR CLEAR='all'/>b<o:p></o:p>", "a b", ["tags", "space"]),
        (
            '<a href="x" target=_blank >a</a ><input disabled checked/><!-- c\n --><!DOCTYPE html>',
            "a",
            ["tags", "space"],
        ),
        ("x<script>var a = '<';</script>y<style>p{}</style>", "x y", ["tags", "space"]),
        ("a\x00b\x1b\u200bc\ufeff", "abc", ["control"]),
        ("red\x0bshoe\x0cblue\x1fhat", "red shoe blue hat", ["control"]),
        ("red \x0b shoe\x0b", "red shoe", ["control", "space"]),
        ("cafe\u0301", "café", ["unicode"]),
        ("  a\t\nb\u00a0 c ", "a b c", ["space"]),
        ("👩‍🚀 ok", "👩‍🚀 ok", []),
    ],
)
def test_rules_and_their_counts(text: str, clean: str, rules: list[str]) -> None:
    changed: Counter[str] = Counter()
    assert Cleaner(tuple(RULES), (), (), changed).column([text]) == [clean]
    assert changed == {f"text {rule}": 1 for rule in rules}


def test_rules_can_be_left_out_and_boilerplate_cut() -> None:
    changed: Counter[str] = Counter()
    assert Cleaner((), (), (), changed).column(["<b>  &amp;"]) == ["<b>  &amp;"] and not changed
    cleaner = Cleaner(("space",), (r"\[Misc\.\]", "Buy now!?"), (".getTime()",), changed)
    assert cleaner.column(["Soap [Misc.] Buy now!", "new Date().getTime() x", "Ok"]) == ["Soap", "", "Ok"]
    assert changed == {"text boilerplate": 2, "text that is page code": 1}
    assert [len(text) for text in cleaner.column(["x" * (LONGEST + 1), "y"])] == [LONGEST, 1]
    assert cleaner.column([]) == []
    with pytest.raises(ConfigError, match=r"\[boilerplate\]"):
        Cleaner((), ("(",), (), changed)


def test_ids() -> None:
    names, wrong = ids(["A1", "b-2"])
    assert list(names) == ["A1", "b-2"] and not wrong
    names, wrong = ids([" A  1\t", 5, 5.0, None, "", "NA", [1], True, math.nan, "ok", 1.5, "\ud800"])
    assert list(names)[:3] == ["A 1", "5", "5"] and names[9] == "ok" and names[11] == "?"
    assert {row: reason.format("id") for row, reason in wrong.items()} == {
        3: "missing id", 4: "missing id", 5: "id that reads as missing", 6: "id is neither text nor a number",
        7: "id is neither text nor a number", 8: "missing id", 10: "id is neither text nor a number",
    }  # fmt: skip
    assert hashes(["a", "b", "a"])[0] == hashes(["a"])[0] != hashes(["b"])[0]


def test_numbers_and_how_they_are_written() -> None:
    found, wrong = numbers(["1", "2.50", 3])
    assert written(found) == ["1", "2.5", "3"] and not wrong
    assert numbers(["1_000", "2"])[1] == {0: "1_000"}
    found, wrong = numbers(["1", "", None, "NA", "x", "inf", "1e400", [2]])
    assert written(found)[:4] == ["1", "", "", ""] and wrong == {4: "x", 5: "inf", 6: "1e400", 7: [2]}
    assert written(np.array([0.1, 1e300, 123456789.125])) == ["0.1", "1e+300", "123456789.125"]
    found, wrong = numbers(["$1,299.99", "—", "$5 - $9", 3.0, ".a{}"], price)
    assert found[0] == 1299.99 and math.isnan(found[1]) and found[3] == 3.0 and set(wrong) == {2, 4}


def test_flat_values() -> None:
    assert flat(["a", ["b", "a", ""], None, 3.0], ", ") == "a, b, 3"
    assert flat({"Color": "red", "Size": ["S", "M"], "Empty": ""}) == "Color: red; Size: S, M"
    assert flat(None) == flat(math.nan) == flat([]) == "" and flat(True) == "True" and flat(1.25) == "1.25"


def test_dates() -> None:
    assert date()("2018-07-07T22:09:11Z") == date()("2018-07-07 22:09:11") == 1531001351.0
    assert date()(datetime(2018, 7, 7, 22, 9, 11)) == 1531001351.0
    assert date("%d/%m/%Y", "%Y")("01/02/1970") == 31 * 86400.0
    with pytest.raises(ValueError, match=r"\[soon\] is not a date"):
        date()("soon")


def test_amounts_with_a_comma_that_parts_no_thousands() -> None:
    found, wrong = numbers(["$1,299.99", "12,345", "2,55", "1,2345", "12,50 "], price)
    assert found[:2].tolist() == [1299.99, 12345.0] and set(wrong) == {2, 3, 4}


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2020-01-31", 1_580_428_800, 1_580_515_200),
        ("20200131", 1_580_428_800, 1_580_515_200),
        ("2020", 1_577_836_800, 1_609_459_200),
        ("2020-01-31T12:00:00", 1_580_472_000, 1_580_472_000),
        ("1580472000", 1_580_472_000, 1_580_472_000),
    ],
)
def test_a_bare_date_has_an_end(text: str, start: int, end: int) -> None:
    assert moment(text) == start
    assert moment(text, end=True) == end if start == end else end - 1 < moment(text, end=True) < end


MARKS = "<!-- --> <script> <STYLE\xa0a> </script\xa0> </style <scripts> a <b <b:c /> <!DOCTYPE < > - =".split(" ")


@given(st.lists(st.sampled_from(MARKS)))
def test_tags_go_as_two_expressions_say(parts: list[str]) -> None:
    raw = "".join(parts)
    without_code = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>", " ", raw)
    whole = re.compile(r"(?s)</?([A-Za-z][\w:.-]*)([^<>]*)>|<!--.*?-->|<!DOCTYPE[^<>]*>")
    assert _tags(raw) == whole.sub(_untagged, without_code)


@pytest.mark.parametrize("raw", ["<!--" * 20_000, "<script>" * 20_000 + "</s", "<" + "a" * 80_000])
def test_what_is_left_open_takes_no_quadratic_time(raw: str) -> None:
    started = time.process_time()
    assert _tags(raw)
    assert time.process_time() - started < 1
