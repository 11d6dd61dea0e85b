"""``ktrec convert table`` on times: dates that are damaged or not ISO, and numbers of several units."""

import json
import re
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.commands.shop_tables import FIRST, clicks, iso, table
from tests.support import read_atomic


def damaged(shop: Path) -> list[str]:
    return (shop / "out" / "d" / "damaged.tsv").read_text().splitlines()[1:]


@pytest.mark.parametrize("sound", [iso(28), [str(FIRST + 86_400 * k) for k in range(28)]], ids=["iso", "unix"])
def test_a_bad_date_costs_its_own_row(shop: Path, sound: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "clicks.csv").write_text(clicks([*sound[:9], "not a date", *sound[9:]], "date"))
    assert table(shop) == 0
    assert read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].tolist()[:2] == [str(FIRST), str(FIRST + 86_400)]
    kind = "date" if "T" in sound[0] else "number"
    assert damaged(shop) == [f"inter\tclicks.csv\t11\ttimestamp is not a {kind}"]
    assert "clicks.csv:11" in capsys.readouterr().out


def test_dates_that_are_not_iso_are_stated_as_the_message_says(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "clicks.csv").write_text(clicks([f"{k + 1:02d}/02/2023 09:28" for k in range(20)], "date"))
    assert table(shop) == 2
    error = capsys.readouterr().err
    assert "[clicks.csv], column [date]: [01/02/2023 09:28] is neither a number nor an ISO date" in error
    assert 'timestamp: {from: date, date: "%d/%m/%Y %H:%M"}' in error
    stated = re.search(r"--column '([^']*)'", error)
    assert stated is not None and stated[1] == "timestamp=date:%d/%m/%Y %H:%M"
    assert table(shop, stated[1]) == 0
    assert read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].tolist()[:2] == [str(FIRST), str(FIRST + 86_400)]


def test_dates_that_two_forms_fit_are_not_taken_for_either(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "clicks.csv").write_text(clicks([f"{k + 1:02d}/02/2023" for k in range(12)], "date"))
    assert table(shop) == 2
    assert "These fit: %d/%m/%Y, %m/%d/%Y." in capsys.readouterr().err


def test_a_date_of_an_item_becomes_a_number(shop: Path) -> None:
    (shop / "goods.csv").write_text("id,title,out\np0,A b,01/02/2023\np1,C d,\n")
    assert table(shop, "items.released=out:%d/%m/%Y") == 0
    assert read_atomic(shop / "out" / "d" / "d.item")["released"].tolist() == ["1675209600", ""]


def test_a_time_within_an_object_is_read_as_stated(shop: Path) -> None:
    rows = [{"visitorid": f"u{k}", "itemid": "p1", "meta": {"date": day}} for k, day in enumerate(iso(20))]
    (shop / "clicks.csv").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert table(shop, "timestamp=meta.date:iso") == 0
    inter = read_atomic(shop / "out" / "d" / "d.inter")
    assert inter["timestamp"].tolist() == [str(FIRST + 86_400 * k) for k in range(20)]


@pytest.mark.parametrize(
    ("day", "form"),
    [
        ("{:02d}/Feb/2023:09:28:00 +0000", "%d/%b/%Y:%H:%M:%S %z"),
        ("[{:02d}/Feb/2023:09:28:00 +0000]", "[%d/%b/%Y:%H:%M:%S %z]"),
        ('"Wed, {:02d} Feb 2023 09:28:00 +0000"', "%a, %d %b %Y %H:%M:%S %z"),
        ('"Wed, {:02d} Feb 2023 09:28:00 GMT"', "%a, %d %b %Y %H:%M:%S %Z"),
        ("Wed Feb {:2d} 09:28:00 2023", "%a %b %d %H:%M:%S %Y"),
        ("2023-2-{} 09:28", "%Y-%m-%d %H:%M"),
        ("2023-02-{:02d} 09:28:00 GMT", "%Y-%m-%d %H:%M:%S %Z"),
        ("2023-02-{:02d} 09:28 AM", "%Y-%m-%d %I:%M %p"),
        ("{:02d}.02.23 09:28", "%d.%m.%y %H:%M"),
    ],
)
def test_forms_of_servers_mails_and_spreadsheets_are_offered(
    shop: Path, day: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "clicks.csv").write_text(clicks([day.format(k + 1) for k in range(20)], "date"))
    assert table(shop) == 2
    assert f"--column 'timestamp=date:{form}'" in capsys.readouterr().err
    assert table(shop, f"timestamp=date:{form}") == 0
    assert read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].tolist()[:2] == [str(FIRST), str(FIRST + 86_400)]


@pytest.mark.parametrize(("zone", "form"), [("+0100", "%z"), ("UTC", "%Z")])
def test_a_date_format_may_hold_a_zone(shop: Path, zone: str, form: str) -> None:
    (shop / "clicks.csv").write_text(clicks([f"{k + 1:02d}/02/2023 09:28 {zone}" for k in range(20)]))
    assert table(shop, f"timestamp=when_bought:%d/%m/%Y %H:%M {form}") == 0
    first = read_atomic(shop / "out" / "d" / "d.inter")["timestamp"][0]
    assert first == str(FIRST - (3600 if form == "%z" else 0))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("%Y%m%d", {}),
        ("%Y%m%d.0", {}),
        ("%Y%m%d%H", {"hour": 7}),
        ("%Y%m%d%H%M", {"hour": 7}),
        ("%Y%m%d%H%M%S", {"hour": 7, "second": 9}),
        ("%Y%m%d%H%M%S000", {"hour": 7, "second": 9}),
    ],
)
def test_dates_without_separators_are_no_unix_times(shop: Path, form: str, expected: dict[str, int]) -> None:
    days = [datetime(2021, 1 + k % 12, 3, 7, 0, 9, tzinfo=timezone.utc) for k in range(20)]
    (shop / "clicks.csv").write_text(clicks([day.strftime(form) for day in days], "time"))
    assert table(shop) == 0
    clock = {"hour": 0, "minute": 0, "second": 0, **expected}
    times = read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].astype(float)
    assert sorted(times) == sorted(day.replace(**clock).timestamp() for day in days)


def test_unix_times_stay_what_they_are(shop: Path) -> None:
    seconds = [20_210_115 + k * 100_000 for k in range(20)]  # of August 1970: as dates, most have no such month
    (shop / "clicks.csv").write_text(clicks([str(one) for one in seconds], "time"))
    assert table(shop) == 0
    assert sorted(read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].astype(int)) == seconds


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["1675243680", "1675330080"], 1_675_243_680),
        (["1675243680000", "1675330080000"], 1_675_243_680),
        (["1675243680000000", "1675330080000000"], 1_675_243_680),
        (["1675243680000000000", "1675330080000000000"], 1_675_243_680),
        (["2015", "2016"], 1_420_070_400),
        (["15", "2016"], 15),
    ],
)
def test_the_unit_of_times_is_found_out(shop: Path, cells: list[str], first: int) -> None:
    (shop / "clicks.csv").write_text(clicks(cells, "timestamp"))
    assert table(shop) == 0
    assert float(read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].iloc[0]) == first


@pytest.mark.parametrize(
    ("form", "fitting"),
    [("%y%m%d", ["%y%m%d", "%d%m%y"]), ("%Y%m", ["%Y%m"]), ("%d%m%Y", ["%d%m%Y", "%y%m%d%H"]),
     ("%y%m%d%H", ["%y%m%d%H"])],
)  # fmt: skip
def test_digits_that_are_dates_or_seconds_are_asked_for(
    shop: Path, form: str, fitting: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    days = [datetime(2021, 1 + k % 12, 13 + k % 10, 17, tzinfo=timezone.utc) for k in range(20)]
    (shop / "clicks.csv").write_text(clicks([day.strftime(form) for day in days], "date"))
    assert table(shop) == 2
    told = " or ".join(f"--column 'timestamp=date:{how}'" for how in (*fitting, "s"))
    assert f"may be a date, or seconds since 1970, which would be of that year. Say which: {told}." in (
        capsys.readouterr().err
    )
    assert table(shop, f"timestamp=date:{form}") == 0
    first = datetime.strptime(days[0].strftime(form), form).replace(tzinfo=timezone.utc)
    assert float(read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].min()) == first.timestamp()
    assert table(shop, "timestamp=date:s") == 0


@pytest.mark.parametrize("start", [100_001, 350_000, 86_400 * 150])
def test_seconds_of_six_or_eight_digits_are_no_dates(shop: Path, start: int) -> None:
    (shop / "clicks.csv").write_text(clicks([str(start + 7 * k) for k in range(200)], "time"))
    assert table(shop) == 0
    assert float(read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].iloc[0]) == start


def test_ticks_of_windows_are_no_nanoseconds(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "clicks.csv").write_text(clicks([f"13259327477{k}000000" for k in range(9)], "time"))
    assert table(shop) == 2
    assert "9 x date in the future" in capsys.readouterr().err
