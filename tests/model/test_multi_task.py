"""Multi-task runs: a target and sources with shared towers, on tiny data sets."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recbole.quick_start import load_data_and_model, run_recbole
from recbole.utils import get_trainer

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.files import file_sha256
from recbole_ktrec.model.multi_task import SHARED, JointTraining, joint_training
from tests import support
from tests.conftest import write_tiny_dataset
from tests.support import Settings


@pytest.fixture
def joint(textual: Settings, workplace: Path) -> Settings:
    """Settings for ``tiny`` with the source ``other``, which has other users and items and a file of its own."""
    folder = write_tiny_dataset(workplace / "dataset", "other", users=20, items=24)
    rows = ["item_id:token\tname:token_seq\tprice:float"]
    rows += [
        f"i{item}\t{('puzzle game', 'doll train')[item % 2]} {('toy', 'kids')[item % 3 // 2]}\t1" for item in range(24)
    ]
    (folder / "other.item").write_text("\n".join(rows) + "\n", encoding="utf-8")

    def make(**changes: Any) -> dict[str, Any]:
        return textual(**{"source_datasets": ["other"], "learning_rate": 0.01, **changes})

    return make


def build(settings: dict[str, Any]) -> tuple[Any, Any]:
    """Return a trainer of KTRec on ``tiny``, and its training data."""
    config, model, (train, _, _) = support.build(settings, "KTRec")
    return get_trainer(config["MODEL_TYPE"], "KTRec")(config, model), train


def epochs(settings: dict[str, Any], count: int = 2) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Return the loss of each epoch and the state afterwards."""
    trainer, train = build(settings)
    with joint_training(trainer):
        losses = [trainer._train_epoch(train, epoch) for epoch in range(count)]
    return losses, trainer.model.state_dict()


@pytest.mark.parametrize("fusion", ["sum", "gate"])
def test_weight_zero_is_the_run_without_sources(joint: Settings, fusion: str) -> None:
    alone = epochs(joint(source_datasets=None, fusion=fusion))
    zero = epochs(joint(source_weight=0, fusion=fusion))
    assert zero[0] == alone[0]
    for name, value in alone[1].items():
        assert torch.equal(zero[1][name], value), name


def test_results_with_weight_zero_are_those_without_sources(joint: Settings) -> None:
    with_sources, alone = (
        run_recbole(model="KTRec", dataset="tiny", config_dict=joint(source_weight=0, source_datasets=names))
        for names in (["other"], None)
    )
    assert with_sources["test_result"] == alone["test_result"]
    assert with_sources["best_valid_score"] == alone["best_valid_score"]


@pytest.mark.parametrize("conflict", ["pcgrad", "none"])
def test_sources_move_the_shared_towers(joint: Settings, conflict: str) -> None:
    alone = epochs(joint(source_datasets=None), 1)[1]
    together = epochs(joint(gradient_conflict=conflict, source_weight=1.0), 1)[1]
    assert set(together) == set(alone), "nothing of the source is part of the model's state"
    for name in ("net.item_tower.up", "net.history_tower.up"):
        assert not torch.allclose(together[name], alone[name], atol=1e-5), name


def test_both_domains_reach_what_is_shared_and_ids_stay_apart(joint: Settings) -> None:
    trainer, train = build(joint(gradient_conflict="none", source_weight=2.0))
    model = trainer.model.train()
    training = JointTraining(model, trainer.config, 0.01, 0.0)
    [source] = training.sources
    for part in SHARED:
        assert getattr(source.net, part) is getattr(model.net, part)
    assert len(source.net.item_id.weight) == 25 and len(model.net.item_id.weight) == 31
    assert not {id(p) for own in training.own for p in own} & {id(p) for p in model.parameters()}
    model.calculate_loss(next(iter(train))).backward()
    target = model.net.item_tower.up.grad.clone()
    ids, own = model.net.item_id.weight.grad.to_dense().clone(), source.net.item_id.weight.detach().clone()
    training.add_gradients()
    both = model.net.item_tower.up.grad
    assert target.abs().sum() > 0 and (both - target).abs().sum() > 0
    assert torch.equal(model.net.item_id.weight.grad.to_dense(), ids)
    assert not torch.equal(source.net.item_id.weight, own)
    model.zero_grad()
    with torch.random.fork_rng():
        torch.manual_seed(training.seed + 1)
        again = JointTraining(model, trainer.config, 0.01, 0.0).sources[0].train()
        torch.manual_seed(training.seed + 1)
        again.loss(training.batch_size, training.device).backward()
    torch.testing.assert_close(both - target, 2.0 * model.net.item_tower.up.grad, atol=1e-6, rtol=1e-4)


def test_a_source_that_works_against_the_target_is_projected(joint: Settings) -> None:
    trainer, _ = build(joint(source_weight=0.5))
    training = JointTraining(trainer.model, trainer.config, 0.01, 0.0)
    tower = trainer.model.net.item_tower.up
    training.shared = [tower]
    tower.grad = torch.zeros_like(tower)
    tower.grad[0, 0] = 1.0
    against = torch.zeros_like(tower)
    against[0, 0], against[0, 1] = -2.0, 3.0
    training._add_shared((against,))
    assert training.conflicts == 1 and tower.grad[0, 0] == 1.0 and tower.grad[0, 1] == 1.5


def test_sources_take_turns_and_learn(joint: Settings, workplace: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copytree(workplace / "dataset/other", workplace / "dataset/third")
    for file in (workplace / "dataset/third").iterdir():
        file.rename(file.with_name(file.name.replace("other", "third")))
    trainer, train = build(joint(source_datasets=["other", "third"], learning_rate=0.02))
    caplog.set_level(logging.INFO)
    with joint_training(trainer):
        joint_optimizer = trainer.optimizer
        for epoch in range(12):
            trainer._train_epoch(train, epoch)
    losses = joint_optimizer._joint.losses
    assert abs(len(losses["other"]) - len(losses["third"])) <= 1 and sum(map(len, losses.values())) == 12 * len(train)
    for values in losses.values():
        assert sum(values[-5:]) < sum(values[:5])
    assert "Multi-task: " in caplog.text and trainer.optimizer is not joint_optimizer


def test_saved_model_reloads_without_the_sources(joint: Settings, workplace: Path) -> None:
    settings = joint(checkpoint_dir=str(workplace / "saved"))
    result = run_recbole(model="KTRec", dataset="tiny", config_dict=settings)
    [checkpoint] = (workplace / "saved").glob("KTRec*.pth")
    shutil.rmtree(workplace / "dataset/other")
    config, model, _, _, _, test = load_data_and_model(str(checkpoint))
    trainer = get_trainer(config["MODEL_TYPE"], "KTRec")(config, model)
    again = trainer.evaluate(test, load_best_model=False, show_progress=False)
    assert dict(again) == pytest.approx(dict(result["test_result"]), abs=1e-4)


def test_the_encoder_in_training_is_shared(joint: Settings) -> None:
    trainer, _ = build(joint(text_encoder_training="last_layers", text_last_layers=1, fusion="text"))
    training = JointTraining(trainer.model, trainer.config, 0.01, 0.0)
    assert training.sources[0].live.encoder is trainer.model.live.encoder
    parameter = next(iter(trainer.model.live.encoder.trainable_parameters()))
    assert any(parameter is shared for shared in training.shared) and parameter.grad is None
    trainer.model.train()
    training.add_gradients()
    assert parameter.grad is not None and parameter.grad.abs().sum() > 0
    assert not any("source" in name for name in trainer.model.state_dict())


def test_target_and_source_keep_the_same_directions_of_the_text_space(joint: Settings) -> None:
    vectors, directions = [], []
    for width in (None, 4):
        trainer, _ = build(joint(embedding_size=width, graph_layers=0, whitening=0))
        (source,) = JointTraining(trainer.model, trainer.config, 0.01, 0.0).sources
        vectors.append(source.net.text.all(torch.device("cpu")).numpy())
        directions.append(trainer.model.text_directions)
    assert directions[0] is None and directions[1].shape == (16, 4)
    kept = vectors[0] @ directions[1]
    lengths = np.maximum(np.linalg.norm(kept, axis=1, keepdims=True), 1e-9)
    np.testing.assert_allclose(vectors[1], kept / lengths, atol=1e-4)


def test_source_data_path_is_another_folder(joint: Settings, workplace: Path) -> None:
    (workplace / "elsewhere").mkdir()
    shutil.move(workplace / "dataset/other", workplace / "elsewhere/other")
    trainer, _ = build(joint(source_data_path="elsewhere"))
    assert len(JointTraining(trainer.model, trainer.config, 0.01, 0.0).sources[0].users) == 20


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"source_datasets": ["othr"]}, DataError, r"dataset/othr\].*Did you mean \[other\]"),
        ({"source_datasets": ["tiny"]}, ConfigError, r"\[tiny\] is the data set of this run"),
        ({"source_datasets": ["other", "other"]}, ConfigError, "a name twice"),
        ({"source_datasets": [3]}, ConfigError, r"source_datasets \[\[3\]\] is not a list of names"),
        ({"source_weight": -1}, ConfigError, r"source_weight \[-1\]"),
        ({"gradient_conflict": "pcgard"}, ConfigError, r"Did you mean \[pcgrad\]"),
        ({"fusion": "id"}, ConfigError, "reads text"),
    ],
)
def test_wrong_values_are_refused(joint: Settings, changes: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        epochs(joint(**changes), 1)


def test_a_source_without_files_or_pairs_is_named(joint: Settings, workplace: Path) -> None:
    inter = workplace / "dataset/other/other.inter"
    inter.write_text("user_id:token\titem_id:token\nu1\ti1\nu2\ti2\n", encoding="utf-8")
    with pytest.raises(DataError, match="dataset/other.* no user took two items"):
        epochs(joint(), 1)
    inter.unlink()
    with pytest.raises(DataError, match=r"has no file \[other.inter\]"):
        epochs(joint(), 1)


def test_a_source_is_read_by_the_names_and_the_threshold_of_its_own_file(joint: Settings, workplace: Path) -> None:
    folder = workplace / "dataset/other"
    expected = epochs(joint(), 1)[0]
    for kind in ("inter", "item"):
        text = (folder / f"other.{kind}").read_text()
        (folder / f"other.{kind}").write_text(text.replace("user_id:", "uid:").replace("item_id:", "asin:"))
    (folder / "other.yaml").write_text("USER_ID_FIELD: uid\nITEM_ID_FIELD: asin\nthreshold: {rating: 1}\n")
    assert epochs(joint(), 1)[0] == expected  # every rating is at least 1
    (folder / "other.yaml").write_text("USER_ID_FIELD: uid\nITEM_ID_FIELD: asin\nthreshold: {stars: 1}\n")
    with pytest.raises(DataError, match=r"source_datasets \[other\]: RecBole cannot read it .*stars"):
        epochs(joint(), 1)


def test_a_source_may_lie_in_any_number_of_parts(joint: Settings, workplace: Path) -> None:
    folder = workplace / "dataset" / "other"
    header, *rows = (folder / "other.inter").read_text().splitlines()
    for name, part in (("early", rows[:90]), ("late", rows[90:])):
        (folder / f"other.{name}.inter").write_text("\n".join([header, *part]) + "\n")
    whole = epochs(joint())
    (folder / "other.yaml").write_text("benchmark_filename: [early, late]\n")
    assert epochs(joint())[0] == whole[0]


def test_what_a_split_was_made_from_is_no_source_of_it(joint: Settings, workplace: Path) -> None:
    (workplace / "dataset/tiny/split.json").write_text('{"dataset": "other"}', encoding="utf-8")
    with pytest.raises(ConfigError, match="own validation and test"):
        epochs(joint(), 1)


def test_a_copy_of_what_a_split_was_made_from_is_no_source_of_it(joint: Settings, workplace: Path) -> None:
    """Parts that are files look like no data set: the split says what it is from."""
    digest = file_sha256(workplace / "dataset/other/other.inter")
    (workplace / "dataset/tiny/tiny.inter").rename(workplace / "dataset/tiny/tiny.train.inter")
    for part in ("valid", "test"):
        shutil.copy(workplace / "dataset/tiny/tiny.train.inter", workplace / f"dataset/tiny/tiny.{part}.inter")
    said = json.dumps({"dataset": "shop", "inter_sha256": digest})
    (workplace / "dataset/tiny/split.json").write_text(said, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\[other\] holds the interactions of \[tiny\]"):
        epochs(joint(benchmark_filename=["train", "valid", "test"]), 1)


@pytest.mark.parametrize(("copied", "share"), [("interactions", "100%"), ("item texts", "80%"), ("", "")])
def test_a_sorted_or_renamed_copy_of_the_target_is_told(
    joint: Settings, workplace: Path, caplog: pytest.LogCaptureFixture, copied: str, share: str
) -> None:
    """In another order or by other ids: the digest of the file says nothing."""
    target, source = workplace / "dataset/tiny", workplace / "dataset/other"
    titles = [f"robot {k}" for k in range(30)]
    others = titles[:24] if copied == "item texts" else [f"puzzle {k}" for k in range(30)]
    for file, named in ((target / "tiny.item", titles), (source / "other.item", others)):
        rows = [f"i{k}\t{title}" for k, title in enumerate(named)]
        file.write_text("\n".join(["item_id:token\ttitle:token_seq", *rows]) + "\n", encoding="utf-8")
    inter = target / "tiny.inter" if copied == "interactions" else source / "other.inter"
    head, *rows = inter.read_text().splitlines()
    renamed = rows if copied == "interactions" else [row.replace("u", "v") for row in rows]
    (source / "other.inter").write_text("\n".join([head, *renamed[::-1]]) + "\n", encoding="utf-8")
    trainer, train = build(joint())
    with joint_training(trainer, train.dataset):
        pass
    told = [record.getMessage() for record in caplog.records if "source_datasets: about" in record.getMessage()]
    said = f"source_datasets: about {share} of the {copied} of this run are in [other]"
    assert [text.startswith(said) for text in told] == [True] * bool(copied)
