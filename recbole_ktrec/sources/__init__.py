"""From raw public dumps to atomic files, with their text: one format a file, and the one table of them."""

from __future__ import annotations

from recbole_ktrec.sources.conversion import Report, convert
from recbole_ktrec.sources.movielens import MOVIELENS
from recbole_ktrec.sources.rules import Rules
from recbole_ktrec.sources.table import load_mapping, source_of
from recbole_ktrec.sources.tables import Source

#: Name on the command line -> source.
SOURCES: dict[str, Source] = {
    "movielens": MOVIELENS,
}

__all__ = ["SOURCES", "Report", "Rules", "Source", "convert", "load_mapping", "source_of"]
