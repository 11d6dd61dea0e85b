"""Tables of a shop whose columns have names of its own, and their conversion with columns that are stated."""

from pathlib import Path

from recbole_ktrec.cli import main

#: 2023-02-01T09:28:00Z
FIRST = 1_675_243_680
GOODS = "id;titel;preis\n" + "".join(f"p{k};Ding Nummer {k};{k}.5\n" for k in range(5))


def clicks(days: list[str], name: str = "when_bought") -> str:
    return f"visitorid,itemid,{name}\n" + "".join(f"u{k},p{k % 5},{day}\n" for k, day in enumerate(days))


def iso(count: int) -> list[str]:
    return [f"2023-02-{k + 1:02d}T09:28:00Z" for k in range(count)]


def table(shop: Path, *columns: str) -> int:
    stated = [part for column in columns for part in ("--column", column)]
    files = ["--interactions", "clicks.csv", "--items", "goods.csv", "--output", str(shop / "out" / "d")]
    return main(["convert", "table", "--input", str(shop), *files, "--overwrite", *stated])
