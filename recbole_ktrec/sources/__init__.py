"""From raw public dumps to atomic files, with their text: one format a file, and the one table of them.

- formats: ``amazon``, ``anime``, ``bookcrossing``, ``goodreads``, ``jester``, ``lastfm``, ``microlens``, ``mind``,
  ``mooc``, ``movielens``, ``retail``, ``steam``, ``yelp``; each is a description as ``tables`` has it
- ``table`` reads any other: columns are ``stated`` on the command line, mapped (``checks``) or guessed (``guessing``,
  by ``names``), and ``completion`` puts that together; ``overview`` says what lies in an input, ``chosen`` which rows
  count
- a conversion: ``conversion`` (the whole of it), ``work`` (its steps), ``rules`` (what is dropped), ``spool`` (rows on
  disk), ``ledger`` (accounts of rows), ``described`` (what feature files say), ``notices`` (warnings), ``properties``
  (the property file)
- values: ``cells`` of ``values`` and ``moments`` (times), ``cleaning`` of texts
- files: ``files`` (folders, archives), ``zstd``, ``reading`` (blocks of lines); as rows: ``delimited`` of ``records``
  (CSV), ``jsonlines`` of ``arrays`` and ``objects``, ``frames`` (parquet, workbooks)
"""

from __future__ import annotations

from recbole_ktrec.sources.amazon import AMAZON
from recbole_ktrec.sources.anime import ANIME
from recbole_ktrec.sources.bookcrossing import BOOKCROSSING
from recbole_ktrec.sources.conversion import Report, convert
from recbole_ktrec.sources.goodreads import GOODREADS
from recbole_ktrec.sources.jester import JESTER
from recbole_ktrec.sources.lastfm import LASTFM
from recbole_ktrec.sources.microlens import MICROLENS
from recbole_ktrec.sources.mind import MIND
from recbole_ktrec.sources.mooc import MOOC
from recbole_ktrec.sources.movielens import MOVIELENS
from recbole_ktrec.sources.retail import RETAIL
from recbole_ktrec.sources.rules import Rules
from recbole_ktrec.sources.steam import STEAM
from recbole_ktrec.sources.table import load_mapping, source_of
from recbole_ktrec.sources.tables import Source
from recbole_ktrec.sources.yelp import YELP

#: Name on the command line -> source.
SOURCES: dict[str, Source] = {
    "movielens": MOVIELENS,
    "amazon": AMAZON,
    "mind": MIND,
    "goodreads": GOODREADS,
    "book-crossing": BOOKCROSSING,
    "yelp": YELP,
    "steam": STEAM,
    "lastfm": LASTFM,
    "anime": ANIME,
    "mooc": MOOC,
    "jester": JESTER,
    "microlens": MICROLENS,
    "online-retail": RETAIL,
}

__all__ = ["SOURCES", "Report", "Rules", "Source", "convert", "load_mapping", "source_of"]
