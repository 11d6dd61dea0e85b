"""KTRec by name in RecBole, on data whose answer is known: text says which half of the users likes an item."""

from __future__ import annotations

import copy
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recbole.config import Config
from recbole.quick_start import load_data_and_model, run_recbole
from recbole.utils import get_trainer

from recbole_ktrec.errors import ConfigError, DataError, EncoderError, MissingExtraError
from recbole_ktrec.nn.fusion import FUSIONS
from recbole_ktrec.nn.losses import LOSSES
from recbole_ktrec.nn.scorers import SCORERS
from tests import support
from tests.support import Settings

build = functools.partial(support.build, name="KTRec")


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_runs_and_finds_the_half(textual: Settings, fusion: str) -> None:
    result = run_recbole(model="KTRec", dataset="tiny", config_dict=textual(fusion=fusion, epochs=4, eval_step=4))
    assert result["test_result"]["hit@5"] > 0.15  # five of the 15 items of the right half that are left: .26 by chance
    assert result["best_valid_score"] > 0


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scorer", SCORERS)
def test_loss_falls(textual: Settings, loss: str, scorer: str) -> None:
    config, model, (train, _, _) = build(
        textual(loss=loss, scorer=scorer, learning_rate=0.02, fusion="id", embedding_size=16)
    )
    optimizer = get_trainer(config["MODEL_TYPE"], "KTRec")(config, model).optimizer
    losses = []
    for _ in range(15):
        for batch in train:
            optimizer.zero_grad()
            value = model.calculate_loss(batch)
            value.backward()
            optimizer.step()
            losses.append(value.item())
    assert np.mean(losses[-9:]) < np.mean(losses[:9])


def test_untrained_model_is_the_text_kernel(textual: Settings) -> None:
    _, model, (train, _, _) = build(textual(graph_layers=0))
    model.eval()
    users = torch.arange(1, model.n_users)
    scores = model.full_sort_predict({"user_id": users}).view(len(users), -1)
    text = model.net.text.all(torch.device("cpu"))
    matrix = torch.from_numpy(train.dataset.inter_matrix(form="csr").toarray()).float()[users]
    kernel = torch.nn.functional.normalize(matrix @ text, dim=1) @ text.T / 0.15
    assert torch.allclose(scores[:, 1:], kernel[:, 1:], atol=0.05)


def test_predict_is_the_sigmoid_of_the_full_scores(textual: Settings) -> None:
    _, model, _ = build(textual(scorer="mlp"))
    model.eval()
    users, items = torch.tensor([1, 2, 3, 3]), torch.tensor([4, 5, 6, 7])
    scores = model.full_sort_predict({"user_id": users}).view(4, -1)[torch.arange(4), items]
    assert torch.allclose(model.predict({"user_id": users, "item_id": items}), torch.sigmoid(scores), atol=1e-5)


def test_predict_is_calibrated_where_the_neural_part_counts_alone(textual: Settings) -> None:
    _, model, _ = build(textual())
    model.eval()
    model.blend.copy_(torch.tensor([0.25, 0.0]))
    model.calibration.copy_(torch.tensor([2.0, 0.5]))
    users, items = torch.tensor([1, 2, 3, 3]), torch.tensor([4, 5, 6, 7])
    neural = model.neural(users)[torch.arange(4), items]
    asked = {"user_id": users, "item_id": items}
    assert torch.allclose(model.predict(asked), torch.sigmoid(2 * 0.25 * neural + 0.5), atol=1e-6)
    assert torch.allclose(model.full_sort_predict(asked).view(4, -1)[torch.arange(4), items], 0.25 * neural, atol=1e-6)


def test_frozen_vectors_are_shared_and_not_in_the_checkpoint(textual: Settings) -> None:
    _, model, _ = build(textual())
    twin = copy.deepcopy(model)
    assert twin.net.text is model.net.text and twin.histories is model.histories
    names = set(model.state_dict())
    assert names == {
        "blend", "calibration", "net.base", "net.item_tower.up", "net.history_tower.up", "net.item_id.weight",
        "net.history_id.weight", "net.item_bias.weight",
    }  # fmt: skip


def test_same_seed_same_result_and_reload_in_a_fresh_process(
    textual: Settings, workplace: Path, fresh_python: Callable[..., str]
) -> None:
    settings = textual(checkpoint_dir=str(workplace / "saved"))
    first = run_recbole(model="KTRec", dataset="tiny", config_dict=settings)
    [checkpoint] = (workplace / "saved").glob("KTRec*.pth")
    model = load_data_and_model(str(checkpoint))[1]
    code = (
        "import sys, recbole_ktrec, torch; from recbole.quick_start import load_data_and_model\n"
        "_, model, *_ = load_data_and_model(sys.argv[1]); model.eval()\n"
        "print(float(model.full_sort_predict({'user_id': torch.tensor([1, 2])}).sum()))"
    )
    model.eval()
    expected = float(model.full_sort_predict({"user_id": torch.tensor([1, 2])}).sum())
    assert float(fresh_python(code, checkpoint).split()[-1]) == pytest.approx(expected, abs=1e-3)
    assert run_recbole(model="KTRec", dataset="tiny", config_dict=settings)["test_result"] == first["test_result"]


def test_checkpoint_of_another_encoder_is_refused(textual: Settings) -> None:
    _, model, _ = build(textual())
    other = {"text_fingerprint": {**model.text_fingerprint, "encoder": "another/encoder", "sha256": "0" * 64}}
    with pytest.raises(EncoderError, match="another/encoder"):
        model.load_other_parameter(other)


def test_missing_item_file_names_it(textual: Settings, workplace: Path) -> None:
    settings = textual()
    (workplace / "dataset/tiny/tiny.item").unlink()
    with pytest.raises(DataError, match="tiny.item"):
        run_recbole(model="KTRec", dataset="tiny", config_dict=settings)


@pytest.mark.parametrize(("key", "value", "hint"), [("fusion", "sun", "sum"), ("loss", "softmx", "softmax")])
def test_unknown_choice_is_refused_with_the_nearest(textual: Settings, key: str, value: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        build(textual(**{key: value}))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("temperature", 0, r"temperature \[0\] is not a number above 0"),
        ("hidden_share", 1.5, r"hidden_share \[1.5\] is not a number above 0 and at most 1"),
        ("id_dropout", "much", r"id_dropout \[much\] is not a number from 0 to 1"),
        ("graph_layers", 0.5, r"graph_layers \[0.5\] is not a whole number of at least 0"),
        ("embedding_size", -3, r"embedding_size \[-3\] is not a whole number of at least 1"),
        ("whitening", float("nan"), r"whitening \[nan\] is not a number from 0 to 1"),
        ("closed_form", 1, r"closed_form \[1\] is not True or False"),
        ("user_embedding", None, r"user_embedding \[None\] is not True or False"),
    ],
)
def test_value_out_of_bounds_is_refused_by_its_key(textual: Settings, key: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(textual(**{key: value}))


def test_item_without_text_is_counted_and_scored(textual: Settings, workplace: Path) -> None:
    path = workplace / "dataset/tiny/tiny.item"
    settings = textual()
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-3]), encoding="utf-8")
    _, model, (train, _, _) = build({**settings, "graph_layers": 0})
    model.eval()
    assert torch.isfinite(model.full_sort_predict({"user_id": torch.tensor([1])})).all()
    row = train.dataset.token2id("item_id", "i29")
    assert model.net.text.rows(torch.tensor([row])).abs().sum() == 0


def mean_loss(model: Any, train: Any) -> float:
    """Return the loss over the same draws of hidden items, candidates and dropout each time that it is asked for."""
    model.train()
    torch.manual_seed(5)
    return float(np.mean([model.calculate_loss(batch).item() for _ in range(6) for batch in train]))


def test_without_any_text_there_is_no_encoder_to_train(textual: Settings, workplace: Path) -> None:
    settings = textual(text_encoder_training="last_layers", text_last_layers=1)
    texts = "item_id:token\ttitle:token_seq\n" + "".join(f"i{item}\t\n" for item in range(30))
    (workplace / "dataset" / "tiny" / "tiny.item").write_text(texts, encoding="utf-8")
    _, model, (train, _, _) = build(settings)
    assert model.live is None and np.isfinite(mean_loss(model, train))


@pytest.mark.parametrize("training", ["last_layers", "lora", "full"])
def test_encoder_training_lowers_the_loss(textual: Settings, training: str) -> None:
    if training == "lora":
        pytest.importorskip("peft")
    settings = textual(text_encoder_training=training, text_last_layers=1, fusion="text", learning_rate=0.005)
    config, model, (train, _, _) = build(settings)
    before = {name: value.clone() for name, value in model.state_dict().items() if name.startswith("live")}
    trainer = get_trainer(config["MODEL_TYPE"], "KTRec")(config, model)
    loss = mean_loss(model, train)
    for epoch in range(8):
        trainer._train_epoch(train, epoch)
    assert mean_loss(model, train) < loss
    changed = [name for name, value in before.items() if not torch.equal(value, model.state_dict()[name])]
    assert changed and len(before) == len([n for n in model.state_dict() if n.startswith("live")])
    model.eval()
    twin = build(settings)[1]
    twin.load_state_dict(model.state_dict())
    twin.eval()
    users = {"user_id": torch.tensor([1, 2, 3])}
    assert torch.allclose(model.full_sort_predict(users), twin.full_sort_predict(users), atol=1e-4)


def test_a_copy_reads_texts_with_its_own_encoder(textual: Settings) -> None:
    model = build(textual(text_encoder_training="full", fusion="text"))[1].eval()
    copied, users = copy.deepcopy(model), {"user_id": torch.tensor([1, 2, 3])}
    before = model.full_sort_predict(users)
    with torch.no_grad():
        for parameter in copied.live.encoder.trainable_parameters():
            parameter.mul_(0.5)
    copied.live.forget()
    assert not torch.equal(copied.full_sort_predict(users), before)
    model.live.forget()
    assert torch.equal(model.full_sort_predict(users), before)


def test_lora_without_its_extra_is_told_before_anything_is_read(
    textual: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'recbole-ktrec\[lora\]'"):
        Config(model="KTRec", dataset="tiny", config_dict=textual(text_encoder_training="lora"))
