"""Items that come after the training, scored by their text without training again, against a training that had them.

    python benchmarks/accuracy/unseen_items.py amazon-instruments ml-latest-small steam --data-path dataset

A fifth of the items (of users and items with five or more interactions) is taken out of the .inter file, and asked for
afterwards. ``unseen``: the model knows nothing of them, ``ktrec recommend --new-items`` scores them. ``loaded``: their
ids were loaded in training, so that they were in the catalogue. NDCG@10 of users who took any of them: new items among
themselves, new items among all, and known items (RecBole's test interactions) with the new ones as candidates beside
them, and without; ``heard``: and without, where users' histories hold the new items that they took, too. Written to
unseen-items.json, beside this script.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from recbole.quick_start import load_data_and_model, run_recbole

from recbole_ktrec.commands.recommend import score
from recbole_ktrec.evaluation.environment import environment
from recbole_ktrec.model.held_out import held_out
from recbole_ktrec.model.unseen_items import UnseenItems
from recbole_ktrec.nn.ranking import ndcg_by_user

MODELS, USERS, SHARE, SEED = ("KTEASE", "KTRec"), 3000, 0.2, 2020


def five_core(inter: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of users and items (the first two columns) with five or more, until none is left out."""
    while True:
        kept = inter
        for column in inter.columns[:2]:
            kept = kept[kept.groupby(column)[column].transform("size") >= 5]
        if len(kept) == len(inter):
            return kept
        inter = kept


def prepare(name: str, source: Path, target: Path) -> pd.DataFrame:
    """Write the data set without the interactions of a fifth of the items into ``target``; return these."""
    inter = five_core(pd.read_csv(source / name / f"{name}.inter", sep="\t", dtype=str, quoting=3))
    user, item = inter.columns[:2]
    items = np.sort(inter[item].unique())
    new = np.random.default_rng(SEED).permutation(items)[: int(SHARE * len(items))]
    (target / name).mkdir()
    inter[~inter[item].isin(new)].to_csv(target / name / f"{name}.inter", sep="\t", index=False, quoting=3)
    head, *rows = (source / name / f"{name}.item").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [row for row in rows if row.split("\t")[0] in set(items)]
    (target / name / f"{name}.item").write_text("".join([head, *kept]), encoding="utf-8")
    if (source / name / f"{name}.yaml").is_file():
        shutil.copy(source / name / f"{name}.yaml", target / name)
    return inter[inter[item].isin(new)].set_axis(["user", "item", *inter.columns[2:]], axis=1)


def ndcg(scores: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return NDCG@10 of each row of ``scores`` ``[m, n]`` for ``wanted``, bool ``[m, n]``."""
    return np.asarray(ndcg_by_user(torch.from_numpy(scores), torch.from_numpy(wanted)).numpy())


def measure(checkpoint: Path, later: pd.DataFrame, loaded: bool) -> dict[str, float]:
    """Return the numbers of a trained model."""
    _, model, dataset, _, valid, test = load_data_and_model(str(checkpoint))
    model.eval()
    started = time.perf_counter()
    found = held_out(valid, int(dataset.config["seed"]), model.taken)
    unseen = None if loaded else UnseenItems(model, dataset, found)
    seconds = time.perf_counter() - started
    tokens = np.array([*dataset.field2id_token[dataset.iid_field], *(unseen.tokens if unseen else [])], dtype=str)
    place, new = {token: at for at, token in enumerate(tokens)}, np.isin(tokens, later["item"].unique())
    known, wanted = dataset.field2token_id[dataset.uid_field], later.groupby("user")["item"].agg(list)
    users = [known[one] for one in wanted.index if one in known][:USERS]
    parts: dict[str, list[np.ndarray]] = {}
    told = None if unseen is None else unseen.hear(model.taken, taken_of(wanted, known, unseen.tokens, model.n_users))
    for some in np.array_split(np.array(users), max(1, len(users) // 256)):
        scores = score(model, dataset, some)
        scores = np.concatenate([scores, unseen.scores(some)], axis=1) if unseen else scores
        asked, of_test = np.zeros(scores.shape, dtype=bool), np.zeros(scores.shape, dtype=bool)
        before = np.zeros(scores.shape, dtype=bool)
        before[:, 0] = True
        for row, user in enumerate(some):
            asked[row, [place[one] for one in wanted[dataset.field2id_token[dataset.uid_field][user]]]] = True
            of_test[row, ids(test.uid2positive_item, user)] = True
            before[row, ids(test.uid2history_item, user)] = True
        scores[before] = -np.inf
        tested = of_test.any(axis=1)
        made = {
            "new among new": ndcg(np.where(new, scores, -np.inf), asked),
            "new among all": ndcg(np.where(of_test, -np.inf, scores), asked),
            "known beside new": ndcg(scores[tested], of_test[tested]),
            "known alone": ndcg(np.where(new, -np.inf, scores)[tested], of_test[tested]),
        }
        if told is not None:
            plain, n = model.taken, model.n_items
            model.take(told)
            heard = np.where(before[:, :n], -np.inf, score(model, dataset, some))
            model.take(plain)
            made["known alone, new heard"] = ndcg(heard[tested], of_test[tested][:, :n])
        for what, values in made.items():
            parts.setdefault(what, []).append(values)
    return {what: float(np.concatenate(values).mean()) for what, values in parts.items()} | {"seconds": seconds}


def taken_of(wanted: pd.Series, known: Mapping[str, int], tokens: list[str], n_users: int) -> sp.csr_matrix:
    """Return which of the items ``tokens`` the users took, ``[n_users, len(tokens)]``."""
    place = {token: at for at, token in enumerate(tokens)}
    pairs = [(known[user], place[item]) for user, items in wanted.items() if user in known for item in items]
    rows, columns = np.array(pairs).T
    return sp.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), (n_users, len(tokens)))


def ids(of_users: Any, user: int) -> np.ndarray:
    """Return the items that a loader of RecBole keeps for ``user``."""
    found = of_users[user]
    return np.zeros(0, dtype=np.int64) if found is None else np.array([int(one) for one in found], dtype=np.int64)


def run(name: str, source: Path) -> dict[str, Mapping[str, float]]:
    """Return ``model, unseen`` -> numbers and so on of one data set."""
    results: dict[str, Mapping[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        later = prepare(name, source, Path(folder))
        header = (Path(folder) / name / f"{name}.inter").read_text(encoding="utf-8").partition("\n")[0]
        columns = [field.partition(":")[0] for field in header.split("\t")]
        for model in MODELS:
            for row, items in (("unseen", {}), ("loaded", {"load_col": {"inter": columns, "item": ["item_id"]}})):
                kept = str(Path(folder) / f"{model}-{row}")
                config = {"data_path": folder, "checkpoint_dir": kept, "rm_dup_inter": "first", "seed": SEED, **items}
                run_recbole(model=model, dataset=name, config_dict={**config, "state": "ERROR", "show_progress": False})
                (checkpoint,) = Path(kept).glob("*.pth")
                results[f"{model}, {row}"] = measure(checkpoint, later, row == "loaded")
                print(name, model, row, {what: round(value, 4) for what, value in results[f"{model}, {row}"].items()})
    return results


def main() -> None:
    """Measure, and keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", metavar="D")
    parser.add_argument("--data-path", type=Path, default=Path("dataset"))
    args = parser.parse_args()
    results = {name: run(name, args.data_path) for name in args.datasets}
    written = {"seed": SEED, "share": SHARE, "metric": "ndcg@10", "environment": environment(), "results": results}
    Path(__file__).with_name("unseen-items.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
