"""The interactions of a data set as RecBole would use them: its reader and its filters, tokens and raw lines kept."""

from __future__ import annotations

import codecs
import contextlib
import functools
import glob
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recbole_ktrec.atomic import check_separator, encoding_of, read_header
from recbole_ktrec.compat.host_errors import explained
from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.evaluation.harness import data_config
from recbole_ktrec.files import check_name, file_sha256, nearest_folder
from recbole_ktrec.model import likeness

_ROW = "ktrec_row"
#: Files of knowledge graphs.
GRAPH = ("kg", "link", "net")


@dataclass(frozen=True)
class Source:
    """A data set before it is split.

    Attributes:
        name: its name; the files are ``folder/name.inter`` and so on.
        folder: where they lie.
        frame: columns ``user``, ``item`` (tokens), ``row`` (row in the .inter file, from 0) and, where there is one,
            ``time``, and ``taken`` where ``threshold`` tells dislikes apart; one row for each interaction that
            RecBole's filters leave.
        fields: the column that each of ``USER_ID_FIELD``, ``ITEM_ID_FIELD``, ``TIME_FIELD`` and ``RATING_FIELD`` names.
        digest: SHA-256 over the data set's files and the rows that are left.
        encoding: of the files.
        nameless: interactions without a user or an item, which are left out.
    """

    name: str
    folder: Path
    frame: pd.DataFrame
    fields: Mapping[str, str]
    digest: str
    encoding: str = "utf-8"
    nameless: int = 0

    def file(self, suffix: str) -> Path:
        """Path of ``name.suffix``."""
        return self.folder / f"{self.name}.{suffix}"

    @contextlib.contextmanager
    def named(self) -> Iterator[None]:
        """Name the file of interactions in what is said of ``frame``: a comparison may have several data sets."""
        try:
            yield
        except DataError as error:
            raise DataError(f"[{self.file('inter')}]: {error}") from error

    @functools.cached_property
    def inter_sha256(self) -> str:
        """SHA-256 of the .inter file."""
        return file_sha256(self.file("inter"))

    @functools.cached_property
    def pairs(self) -> np.ndarray:
        """A hash of each interaction, by which a copy is known, ``[n]``; see :mod:`recbole_ktrec.model.likeness`."""
        return likeness.of_interactions(self.frame["user"], self.frame["item"])

    @functools.cached_property
    def files(self) -> dict[str, str]:
        """SHA-256 of the files that a split is made of, by name; taken once, not for each seed."""
        others = [path for path in map(self.file, features(self.folder, self.name)) if path.is_file()]
        return {self.file("inter").name: self.inter_sha256, **{path.name: file_sha256(path) for path in others}}

    @property
    def origin(self) -> dict[str, Any]:
        """What a split says of the data set that it is from, see :mod:`recbole_ktrec.model.same_data`."""
        origin = {"dataset": self.name, "source": self.digest, "inter_sha256": self.inter_sha256}
        return {**origin, "files": self.files}


def read_lines(path: Path, encoding: str = "utf-8") -> list[str]:
    """Lines of an atomic file without the line ends; blank ones left out, as RecBole's reader does."""
    with path.open(encoding=encoding, newline="\n") as handle:
        return [line for line in (raw.rstrip("\r\n") for raw in handle) if "\t" in line or line.strip()]


def _load(config: Any) -> pd.DataFrame:
    from recbole.data.dataset import Dataset

    class Filtered(Dataset):
        """RecBole's data set, stopped after its filters: tokens and raw values."""

        def _data_processing(self) -> None:
            self.feat_name_list = self._build_feat_name_list()
            self.inter_feat[_ROW] = np.arange(len(self.inter_feat))
            self.rows_read = len(self.inter_feat)
            self.nameless = int(self.inter_feat[[self.uid_field, self.iid_field]].isnull().any(axis=1).sum())
            self._data_filtering()

    dataset = Filtered(config)
    frame: pd.DataFrame = dataset.inter_feat
    frame.attrs.update(rows_read=dataset.rows_read, nameless=dataset.nameless)
    return frame


def read_source(name: str, values: Mapping[str, Any]) -> Source:
    """Read data set ``name`` with the configuration ``values`` (RecBole's keys, such as ``data_path``).

    It is the whole .inter file, whatever parts ``benchmark_filename`` names.

    Raises:
        ConfigError: see :func:`recbole_ktrec.atomic.check_separator`.
        DataError: ``name`` is a path, the .inter file is missing, or has line breaks inside a cell.
    """
    check_name(name)
    config = data_config(name, {**values, "benchmark_filename": None})
    folder = Path(config["data_path"])
    inter = folder / f"{name}.inter"
    if not inter.is_file():
        hint = _only_parts(values) or f"name the folder that holds [{name}] with --data-path.{nearest_folder(folder)}"
        raise DataError(f"There is no file [{inter}]: {hint}")
    encoding = encoding_of(config)
    _want_columns(config, inter, encoding)
    try:
        loaded = _load(config)
    except Exception as error:
        if told := explained(error):  # which of several data sets it is RecBole does not say
            raise DataError(f"[{inter}]: {told}") from error
        raise
    if len(read_lines(inter, encoding)) - 1 != loaded.attrs["rows_read"]:
        raise DataError(f"[{inter}] has quoted line breaks: write each interaction on one line.")
    fields = {key: config[key] for key in ("USER_ID_FIELD", "ITEM_ID_FIELD", "TIME_FIELD", "RATING_FIELD")}
    frame = pd.DataFrame(
        {
            "user": loaded[fields["USER_ID_FIELD"]].astype(str),
            "item": loaded[fields["ITEM_ID_FIELD"]].astype(str),
            "row": loaded[_ROW],
        }
    )
    if fields["TIME_FIELD"] in loaded:
        frame["time"] = loaded[fields["TIME_FIELD"]].astype(float)
    if config["threshold"]:
        frame["taken"] = _taken(loaded, config["threshold"], inter)
    digest = _digest(folder, name, frame["row"].to_numpy(), encoding)
    return Source(name, folder, frame, fields, digest, encoding, loaded.attrs["nameless"])


def _only_parts(values: Mapping[str, Any]) -> str:
    if not (parts := values.get("benchmark_filename")):
        return ""
    return f"the data set has the parts [{', '.join(parts)}] (benchmark_filename); put them together into that file."


def _want_columns(config: Any, inter: Path, encoding: str) -> None:
    """Load the columns of ids, time and ``threshold`` too, which RecBole's default leaves out.

    Raises:
        ConfigError: the columns are parted by something else than tabs.
        DataError: there is no column of ids of that name, or it holds no tokens.
    """
    check_separator(config)
    ids, there = (config["USER_ID_FIELD"], config["ITEM_ID_FIELD"]), dict(read_header(inter, encoding))
    for name in ids:
        if name not in there:
            raise DataError(
                f"[{inter}] has no column [{name}], only {', '.join(there)}: name the columns of the ids with "
                "USER_ID_FIELD and ITEM_ID_FIELD."
            )
        if there[name] != "token":  # RecBole numbers tokens alone
            raise DataError(f"[{inter}]: the ids of [{name}] are of type {there[name]}: write {name}:token.")
    columns = (config["load_col"] or {}).get("inter")
    if columns and columns != "*":
        wanted = {*ids, config["TIME_FIELD"], *(config["threshold"] or ())} & there.keys()
        config["load_col"] = {**config["load_col"], "inter": sorted({*columns, *wanted})}


def _taken(loaded: pd.DataFrame, threshold: Mapping[str, float], inter: Path) -> pd.Series:
    """Return which interactions count as taken, as RecBole labels them: gaps of the column are filled with its mean."""
    if len(threshold) != 1:
        raise ConfigError(f"threshold {dict(threshold)} names {len(threshold)} columns: RecBole takes one.")
    ((column, least),) = threshold.items()
    if column not in loaded:
        raise DataError(
            f"[{inter}] has no column [{column}], which threshold names: correct it, or, if it is meant for other data "
            "sets, put it into a property file beside each of them (NAME.yaml)."
        )
    values = loaded[column].astype(float)
    return values.fillna(values.mean()) >= least


def features(folder: Path, name: str) -> list[str]:
    """Return the suffixes of the data set's files beside .inter, its parts and the property file, in order."""
    paths = folder.glob(f"{glob.escape(name)}.*")
    suffixes = sorted(path.name[len(name) + 1 :] for path in paths if path.is_file())
    return [suffix for suffix in suffixes if not suffix.endswith("inter") and suffix != "yaml"]


def _digest(folder: Path, name: str, rows: np.ndarray, encoding: str) -> str:
    total = hashlib.sha256()
    first = ("inter", "item", "user", *GRAPH)
    for suffix in (*first, *(one for one in features(folder, name) if one not in first)):
        path = folder / f"{name}.{suffix}"
        if path.is_file() or suffix not in GRAPH:
            total.update(f"{suffix}:{file_sha256(path) if path.is_file() else '-'}\n".encode())
    if codecs.lookup(encoding).name != "utf-8":  # copies of the data set are UTF-8, whatever was read
        total.update(f"encoding:{encoding}\n".encode())
    total.update(rows.astype("<i8").tobytes())
    return total.hexdigest()
