"""MOOCCubeX: which courses users enrolled in (``user.json``), and what the courses are about (``course.json``).

Format: https://github.com/THU-KEG/MOOCCubeX (docs/user-en.md, docs/course-en.md). A user's ``course_order`` lists
course numbers, ``enroll_time`` the times in the same order; the courses carry the number as ``C_<number>``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from recbole_ktrec.sources.files import Inputs
from recbole_ktrec.sources.jsonlines import batches
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch, Column, Source, Table, item_id, text, timestamp, unfolded, user_id
from recbole_ktrec.sources.values import date


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    users = inputs.find("users", "user.json", "user*.json")
    courses = inputs.find("courses", "course.json", "course*.json", required=False)

    def enrolments(ledger: Ledger) -> Iterator[Batch]:
        for member in users:
            for batch in batches(inputs, member, ["id", "course_order", "enroll_time"], ledger):
                yield _unfold(ledger, batch)

    def described(ledger: Ledger) -> Iterator[Batch]:
        for member in courses:
            yield from batches(inputs, member, ["id", "name", "field", "about", "prerequisites"], ledger)

    def people(ledger: Ledger) -> Iterator[Batch]:
        for member in users:
            yield from batches(inputs, member, ["id", "gender", "school", "year_of_birth"], ledger)

    about = [item_id(), text("name"), text("field", join=", "), text("about"), text("prerequisites")]
    who = [user_id(), Column("gender"), text("school"), Column("year_of_birth")]
    return [
        Table("inter", [user_id(), item_id(_course), timestamp(date())], enrolments),
        *([Table("item", about, described)] if courses else []),
        Table("user", who, people),
    ]


def _unfold(ledger: Ledger, batch: Batch) -> Batch:
    rows: list[tuple[object, object, object]] = []
    lines: list[int] = []
    for (user, courses, times), line in batch.rows():
        taken = courses if isinstance(courses, list) else [None]
        when = times if isinstance(times, list) else []
        rows += [(user, course, when[i] if i < len(when) else None) for i, course in enumerate(taken)]
        lines += [line] * len(taken)
    return unfolded(ledger, batch, list(zip(*rows, strict=True)) if rows else [(), (), ()], lines)


def _course(value: object) -> object:
    return f"C_{value}" if isinstance(value, int) else value


MOOC = Source(
    title="MOOCCubeX course enrolments",
    domain="education",
    files="entities/user.json entities/course.json",
    url="https://github.com/THU-KEG/MOOCCubeX",
    tables=_tables,
    text_fields=("name", "field", "about"),
    since=1_367_366_400.0,  # May 2013: XuetangX is being set up (it opened in October)
)
