"""What lies in an input of which nobody said what it is: which files hold users and items, as far as names tell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from recbole_ktrec.errors import KTRecError
from recbole_ktrec.sources import frames
from recbole_ktrec.sources.completion import header_of
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.guessing import means_text
from recbole_ktrec.sources.names import named
from recbole_ktrec.sources.tables import ITEM, RATING, USER

#: Files that a message lists, and columns of each.
FILES, COLUMNS = 12, 8
#: Bytes of a parquet file or a workbook up to which it is opened for its names: it is read as a whole.
SMALL = 1 << 26
#: What lies beside tables.
_OTHERS = (".md", ".rst", ".pdf", ".html", ".py", ".ipynb", ".png", ".jpg", ".yaml", ".yml")


def which_interactions(inputs: Inputs, paths: Sequence[str | Path], output: str | None = None) -> str:
    """Return what is said where nobody says which file holds the interactions: the files and their columns, and the
    command, if one file has users and items.

    Args:
        paths: the input as it was given.
        output: the folder as it was given: without it the command would make another data set.
    """
    told = "Say which file holds the interactions: --interactions PATTERN, or --mapping YAML."
    members = sorted((each for each in inputs.members if not each.base.endswith(_OTHERS)), key=lambda each: each.path)
    if not members:
        return told
    columns = {member: _columns(member, inputs) for member in members[:FILES]}
    listed = "".join(f"\n  {member.path}: {_listed(names)}" for member, names in columns.items())
    more = f"\n  and {len(members) - FILES:,} more" if len(members) > FILES else ""
    command = _suggested(columns, paths)
    into = f" --output {shlex.quote(output)}" if command and output else ""
    return f"{told} The input holds{listed}{more}{command}{into}"


def _columns(member: Member, inputs: Inputs) -> list[str]:
    """Return the columns of a file, none where it is no table."""
    if frames.ending(member) and member.size > SMALL:
        return []
    try:
        return [name for name in header_of("inter", member, inputs).names if name]
    except (KTRecError, OSError):
        return []


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:COLUMNS])
    more = f", ... ({len(names)} columns)" if len(names) > COLUMNS else ""
    return f"{shown}{more}" if names else "(its columns cannot be told)"


def _suggested(columns: Mapping[Member, Sequence[str]], paths: Sequence[str | Path]) -> str:
    """Return the command with the one file that has users and items (of several the one with ratings), and with those
    that are the only ones with items or users alone (of several with items the one with a text)."""
    users, items, ratings = (_those_with(target, columns) for target in (USER, ITEM, RATING))
    both = [one for one in users if one in items]
    both = both if len(both) == 1 else [one for one in both if one in ratings]
    if len(both) != 1:
        return ""
    alone = {"items": [one for one in items if one not in users], "users": [one for one in users if one not in items]}
    with_id = [one for one, names in columns.items() if one not in users and named(ITEM, names, "item")]
    described = alone["items"] or with_id
    if len(described) > 1:  # MovieLens: links.csv has item ids, too, and movies.csv the titles
        described = [one for one in described if any(map(means_text, columns[one]))]
    parts = {"interactions": both, **alone, "items": described}
    files = [f"--{name} {shlex.quote(found[0].path)}" for name, found in parts.items() if len(found) == 1]
    return f"\nSuch as: ktrec convert table --input {shlex.join(map(str, paths))} {' '.join(files)}"


def _those_with(target: str, columns: Mapping[Member, Sequence[str]]) -> list[Member]:
    """Return the files with a column whose name means ``target``, which [id] alone does not."""
    called = {one: [name for name in names if name.lower() != "id"] for one, names in columns.items()}
    return [one for one, names in called.items() if named(target, names, "inter")]
