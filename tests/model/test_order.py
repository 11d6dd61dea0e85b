"""With the order of the interactions known, recent ones count more where that ranks validation data better."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recbole.data import create_dataset
from recbole.quick_start import load_data_and_model, run_recbole

from recbole_ktrec.compat.exact_times import EXACT
from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.evaluation.foldin import interactions_of, with_interactions
from recbole_ktrec.model import item_text
from recbole_ktrec.model.interactions import TrainingInteractions
from tests.support import Settings, build, everyone, trained


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("KTEASE", {"solver": "dense"}),
        ("KTEASE", {"solver": "sparse", "nearest_items": 8}),
        ("KTRec", {"closed_form": True, "epochs": 1, "eval_step": 1}),  # the last epoch is the best, which is saved
        ("KTRec", {"closed_form": False, "epochs": 20, "history_encoder": "sum"}),
    ],
)
def test_recent_interactions_count_more_after_a_reload_too(
    walking: Settings, workplace: Path, name: str, changes: dict[str, Any]
) -> None:
    model = trained(walking(**changes), name)
    assert model.decay > 0
    run_recbole(model=name, dataset="tiny", config_dict=walking(**changes))
    (saved,) = (workplace / "saved").glob(f"{name}-*.pth")
    loaded = load_data_and_model(str(saved))[1].eval()
    assert loaded.decay == model.decay
    np.testing.assert_allclose(everyone(loaded), everyone(model), atol=1e-4)


def test_where_recent_ones_count_more_the_neural_part_is_trained_alone(
    walking: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Its training knows no order: the closed form would see other histories than those that it is made for."""
    settings = walking(closed_form=True, epochs=1, history_decay=0.5, successor_weight=0)
    model = trained({**settings, "residual_weight": 0.5}, "KTRec")
    assert "residual_weight is not used" in caplog.text
    np.testing.assert_array_equal(everyone(model), everyone(trained(settings, "KTRec")))


def test_what_comes_next_is_found(walking: Settings) -> None:
    found = {
        decay: run_recbole(model="KTEASE", dataset="tiny", config_dict=walking(history_decay=decay), saved=False)
        for decay in ("auto", 0)
    }
    assert found["auto"]["test_result"]["ndcg@5"] > 1.2 * found[0]["test_result"]["ndcg@5"]


def test_histories_folded_in_later_are_weighted(walking: Settings) -> None:
    model = trained(walking())
    before = everyone(model)
    model.fold_in(build(walking())[2][0].dataset)
    np.testing.assert_array_equal(everyone(model), before)
    assert model.decay > 0


@pytest.mark.parametrize("name", ["KTEASE", "KTRec"])
def test_histories_of_a_data_set_as_it_is_made_may_be_folded_in(walking: Settings, name: str) -> None:
    model, settings = trained(walking(closed_form=True), name), walking(closed_form=True)
    before = everyone(model)
    config = build(settings, name)[0]
    model.fold_in(create_dataset(config))  # its columns are no tensors yet
    assert not np.array_equal(everyone(model), before), "held-out interactions are in the histories now"
    file = Path(config["data_path"]) / "tiny.inter"
    head, *rows = file.read_text().splitlines()
    file.write_text("\n".join([head, *rows[::-1]]) + "\n")
    with pytest.raises(DataError, match="item_id.* are not those that the model was trained with.*Leave those rows"):
        model.fold_in(create_dataset(config))


def test_the_first_interaction_of_an_item_moves_its_number(walking: Settings) -> None:
    settings = walking(load_col={"inter": ["user_id", "item_id", "timestamp"], "item": ["item_id"]})
    folder = Path(build(settings, "KTEASE")[0]["data_path"])
    with (folder / "tiny.item").open("a") as file:
        file.writelines(f"new{one}\tred robot\n" for one in range(2))
    model = trained(settings, "KTEASE")
    with (folder / "tiny.inter").open("a") as file:
        file.write("someone new\ti0\t9000\n")
    model.fold_in(create_dataset(build(settings, "KTEASE")[0]))
    with (folder / "tiny.inter").open("a") as file:
        file.write("someone new\tnew1\t9001\n")
    with pytest.raises(DataError, match="without items that nobody took in training"):
        model.fold_in(create_dataset(build(settings, "KTEASE")[0]))


def test_a_history_that_is_given_later_keeps_its_times(
    walking: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    train = build(walking())[2][0].dataset
    path = tmp_path / "tiny.history.inter"
    item = next(f"i{i}" for i in range(30) if not TrainingInteractions.of(train).matrix[_ids(train, "u0", f"i{i}")])
    header = "user_id:token\titem_id:token\ttimestamp:float"
    path.write_text(f"{header}\nu0\t{item}\t5000\nu0\tunknown\t6000\n", encoding="utf-8")
    both = with_interactions(train, interactions_of(path, train))
    assert f"[{path}]: left out, with items that training does not know: 1 of 2 interactions." in caplog.text
    assert len(both.inter_feat) == len(train.inter_feat) + 1
    before, after = (TrainingInteractions.of(dataset).places for dataset in (train, both))
    user, column = _ids(train, "u0", item)
    assert after[user, column] == 1
    assert after[user].sum() == before[user].sum() + before[user].nnz + 1, "all others stand one place further back"


def _ids(dataset: Any, user: str, item: str) -> tuple[int, int]:
    return dataset.token2id("user_id", user), dataset.token2id("item_id", item)


@pytest.mark.parametrize("name", ["KTEASE", "KTRec"])
def test_without_an_order_all_count_the_same(walking: Settings, name: str) -> None:
    unordered = {
        "load_col": {"inter": ["user_id", "item_id"]},
        "eval_args": {"split": {"RS": [0.8, 0.1, 0.1]}, "order": "RO", "group_by": "user", "mode": "full"},
        "closed_form": True,
    }
    assert trained(walking(**unordered), name).decay == 0
    with pytest.raises(ConfigError, match=r"history_decay \[0.5\] needs the order .* TIME_FIELD"):
        build(walking(**unordered, history_decay=0.5), name)
    with pytest.raises(ConfigError, match=r"successor_weight \[2\] needs the order .* TIME_FIELD"):
        build(walking(**unordered, successor_weight=2), "KTEASE")
    with pytest.raises(ConfigError, match=r"history_decay \[soon\] is not a number of at least 0 or auto"):
        build(walking(history_decay="soon"), name)


def test_history_documents_are_in_order(walking: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def kept(histories: Any, count: int) -> list[str | None]:
        seen.extend(histories)
        return ["text"] * len(histories)

    monkeypatch.setattr(item_text, "history_documents", kept)
    _, _, (train, *_) = build(walking(user_text="history_document"), "KTRec")
    texts = item_text.load_texts(train.config, train.dataset)
    inter = train.dataset.inter_feat
    mine = (inter["user_id"] == 1).numpy()
    order = np.argsort(inter["timestamp"].numpy()[mine])
    assert seen[1] == [texts[item] for item in inter["item_id"].numpy()[mine][order]]


@pytest.fixture
def hasty(textual: Settings, workplace: Path) -> dict[str, Any]:
    """Settings for times ten seconds apart, since 1970: as 32-bit floats nearly all of a user's times are one."""
    rows = [f"u{user}\ti{item}\t{1.6e9 + 10 * item:.0f}" for user in range(20) for item in range(user % 2, 24, 2)]
    np.random.default_rng(3).shuffle(rows)
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    path.write_text("\n".join(["user_id:token\titem_id:token\ttimestamp:float", *rows]) + "\n", encoding="utf-8")
    drawn = {"split": {"RS": [0.8, 0.1, 0.1]}, "group_by": "user", "order": "RO", "mode": "full"}
    return textual(load_col={"inter": ["user_id", "item_id", "timestamp"]}, eval_args=drawn)


def test_the_order_is_exact_after_a_fold_in_too(hasty: dict[str, Any], tmp_path: Path) -> None:
    train = build(hasty)[2][0].dataset
    path = tmp_path / "tiny.history.inter"
    path.write_text(f"user_id:token\titem_id:token\ttimestamp:float\nu0\ti3\t{1.6e9 + 35:.0f}\n", encoding="utf-8")
    both = TrainingInteractions.of(with_interactions(train, interactions_of(path, train))).places
    before, user = TrainingInteractions.of(train).places, train.token2id("user_id", "u0")
    others = [row for row in range(1, train.user_num) if row != user]
    np.testing.assert_array_equal(both[others].toarray(), before[others].toarray())
    own = both[user]
    oldest_first = train.id2token("item_id", own.indices[np.argsort(-own.data)])
    numbers = [int(token[1:]) for token in oldest_first]
    assert numbers == sorted(numbers) and 3 in numbers, "i3 was taken after i2 and before i4"


def test_a_history_that_is_given_later_keeps_its_dislikes_apart(walking: Settings, tmp_path: Path) -> None:
    settings = walking(threshold={"timestamp": 1004}, load_col={"inter": ["user_id", "item_id", "timestamp"]})
    settings |= {"TIME_FIELD": None, "eval_args": {"split": {"RS": [0.8, 0.1, 0.1]}, "order": "RO", "mode": "full"}}
    train = build(settings)[2][0].dataset
    before = TrainingInteractions.of(train).matrix
    left = np.flatnonzero(before[1].toarray()[0, 1:] == 0)[:2] + 1
    liked, disliked = train.id2token("item_id", left)
    path, user = tmp_path / "tiny.history.inter", train.id2token("user_id", 1)
    rows = [f"{user}\t{liked}\t1004", f"{user}\t{disliked}\t1003"]
    path.write_text("\n".join(["user_id:token\titem_id:token\ttimestamp:float", *rows]) + "\n", encoding="utf-8")
    after = TrainingInteractions.of(with_interactions(train, interactions_of(path, train))).matrix
    assert after.nnz == before.nnz + 1 < len(train.inter_feat) and after[1, left[0]] == 1


def test_the_order_is_exact_in_a_random_split_too(hasty: dict[str, Any]) -> None:
    _, model, (train, valid, _) = build(hasty, "KTEASE")
    dataset = train.dataset
    assert len(set(dataset.inter_feat["timestamp"].tolist())) < 4, "what is mended"
    assert EXACT not in dataset.field2type and len(valid._dataset.inter_feat) > 0
    for user in range(1, 21):
        places = model.taken.places[user]
        oldest_first = places.indices[np.argsort(-places.data)]
        numbers = [int(token[1:]) for token in dataset.id2token("item_id", oldest_first)]
        assert numbers == sorted(numbers) and len(numbers) > 8
