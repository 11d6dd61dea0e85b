"""What RecBole's built-in models need on today's stack: each test fails without the remedy it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support import Settings, build, quick_start


def test_quick_start_reads_its_best_checkpoint_back(settings: Settings) -> None:
    assert set(quick_start("BPR", settings())) == {"recall@5", "mrr@5", "ndcg@5", "hit@5", "precision@5"}


@pytest.mark.parametrize("model", ["LightGCN", "NGCF"])
def test_graph_models_build_their_matrix(model: str, settings: Settings) -> None:
    changed = settings(reg_weight=1e-4, n_layers=2, hidden_size_list=[8, 8])
    _, built, (train, _, _) = build(changed, model)
    taken = train.dataset.inter_matrix(form="csr").toarray()
    both = np.block([[np.zeros((len(taken), len(taken))), taken], [taken.T, np.zeros((taken.shape[1],) * 2)]])
    lengths = np.sqrt(np.maximum(both.sum(axis=1), 1))
    np.testing.assert_allclose(built.norm_adj_matrix.to_dense(), both / np.outer(lengths, lengths), atol=1e-5)
    assert quick_start(model, changed)["recall@5"] > 0


def test_metrics_over_plain_numbers(settings: Settings) -> None:
    names = ["ItemCoverage", "AveragePopularity", "GiniIndex", "TailPercentage"]
    result = quick_start("Pop", settings(metrics=[*names, "NDCG"], epochs=1))
    assert 0 < result["itemcoverage@5"] <= 1
    assert result["averagepopularity@5"] > 1


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_pop_counts_every_interaction_whatever_the_batch(size: int, settings: Settings) -> None:
    """RecBole's issues 1844 and 2198; negatives that are drawn for other models are none."""
    _, model, (train, _, _) = build(settings(train_batch_size=size), "Pop")
    for batch in train:
        model.calculate_loss(batch)
    taken = train.dataset.inter_matrix(form="csr").getnnz(axis=0)
    assert model.item_cnt[:, 0].tolist() == taken.tolist() and int(model.max_cnt) == taken.max() > 1


def test_dok_matrix_update_sets_entries() -> None:
    import recbole.model.abstract_recommender  # noqa: F401 - brings the remedy
    import scipy.sparse as sparse

    matrix = sparse.dok_matrix((2, 3), dtype=np.float32)
    matrix._update({(0, 2): 1, (1, 0): 2})
    assert matrix.toarray().tolist() == [[0, 0, 1], [2, 0, 0]]


RELOAD = """
import sys, recbole_ktrec
from recbole.quick_start import load_data_and_model
from recbole.utils.case_study import full_sort_topk
config, model, dataset, train, valid, test = load_data_and_model(sys.argv[1])
scores, items = full_sort_topk([1, 2], model, test, k=3, device=config["device"])
print("TOPK", items.shape, config["model"])
"""


def test_reload_and_top_k_in_a_fresh_process(
    settings: Settings, workplace: Path, fresh_python: Callable[..., str]
) -> None:
    quick_start("BPR", settings())
    (checkpoint,) = (workplace / "saved").glob("BPR-*.pth")
    assert "TOPK torch.Size([2, 3]) BPR" in fresh_python(RELOAD, checkpoint)


def test_the_last_interaction_is_the_last_though_times_are_rounded(settings: Settings, workplace: Path) -> None:
    """Ten seconds apart, since 1970: as 32-bit floats nearly all of a user's times are one."""
    from recbole_ktrec.evaluation.harness import load_parts, make_config, pair_tokens

    rows = [f"u{user}\ti{item}\t{1.6e9 + 10 * item:.0f}" for user in range(20) for item in reversed(range(8))]
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    path.write_text("\n".join(["user_id:token\titem_id:token\ttimestamp:float", *rows]) + "\n", encoding="utf-8")
    order = {"split": {"LS": "valid_and_test"}, "group_by": "user", "order": "TO", "mode": "full"}
    values = settings(load_col={"inter": ["user_id", "item_id", "timestamp"]}, eval_args=order)
    _, (train, valid, test) = load_parts(make_config("Pop", "tiny", values))
    assert set(pair_tokens(test)[1]) == {"i7"} and set(pair_tokens(valid)[1]) == {"i6"}
    assert len(set(train.inter_feat["timestamp"].tolist())) < 3, "what is mended"
    users, items = pair_tokens(train)
    assert list(items[users == "u3"]) == [f"i{item}" for item in range(6)]


def test_torch_and_pandas_do_not_warn_of_the_age_of_recbole(
    settings: Settings, fresh_python: Callable[..., str]
) -> None:
    code = (
        "import sys, warnings, recbole_ktrec; from recbole.quick_start import run_recbole; sys.stderr = sys.stdout\n"
        f"run_recbole(model='BPR', dataset='tiny', config_dict={settings(epochs=1)!r})\n"
        "import numpy; warnings.warn('mine', FutureWarning)"
    )
    said = fresh_python(code)
    assert said.count("FutureWarning: ") == 1 and "FutureWarning: mine" in said
