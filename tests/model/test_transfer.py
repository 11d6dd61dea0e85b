"""KTEASE with an artifact: every way to transfer runs by name, and the guard lets nothing in that does not pay."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from recbole.quick_start import load_data_and_model, run_recbole

from recbole_ktrec.errors import ConfigError, DataError, EncoderError
from recbole_ktrec.files import file_sha256
from recbole_ktrec.model import likeness
from recbole_ktrec.model.artifact_card import CARD
from recbole_ktrec.model.item_text import load_item_text, load_texts
from recbole_ktrec.model.transfer import TransferSettings, pick, reasons
from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fit_options import Options
from recbole_ktrec.nn.nearest import NearestItems
from recbole_ktrec.nn.text_prior import power_scale
from recbole_ktrec.nn.whitening import whitened_text
from recbole_ktrec.text import text_hashes
from tests.support import Settings, build, everyone, trained


@pytest.mark.parametrize("how", ["zero_shot", "frozen", "adapter", "full"])
def test_each_way_runs_by_name_and_comes_back(
    textual: Settings, artifact: Callable[..., str], workplace: Path, how: str
) -> None:
    result = run_recbole(model="KTEASE", dataset="tiny", config_dict=textual(pretrained=artifact(), transfer=how))
    assert result["test_result"]["hit@5"] > 0.25
    (saved,) = (workplace / "saved").glob("KTEASE-*.pth")
    _, model, *_ = load_data_and_model(str(saved))
    assert np.abs(everyone(model)).max() > 0
    assert model.transfer_choice["transfer"] == how
    assert model.transfer_choice["used"] in ("untrained", "scratch", "transferred")
    assert set(model.transfer_choice["ndcg"]) == (
        set() if how == "zero_shot" else {"untrained", "scratch", "transferred"}
    )


def test_zero_shot_is_history_times_prior_and_reads_no_validation_data(
    textual: Settings, artifact: Callable[..., str]
) -> None:
    settings = textual(pretrained=artifact(), transfer="zero_shot")
    model = trained(settings)
    config, other, (train, _, _) = build(settings)
    other.fit(None)
    np.testing.assert_array_equal(everyone(model), everyone(other))
    assert model.probability == (1.0, 0.0)
    found = load_item_text(config, train.dataset)
    vectors = model.transfer.artifact.transferred(whitened_text(found.matrix, found.has_text, 0.4))
    alike = np.maximum(vectors @ vectors.T, 0) ** 2
    alike *= power_scale(vectors, len(vectors) - 1, 2.0)
    np.fill_diagonal(alike, 0)
    np.testing.assert_allclose(everyone(model), model.taken.matrix[1:] @ alike, atol=1e-4)


def test_an_adapter_chooses_its_shape_with_all_other_numbers_given_too(
    textual: Settings, artifact: Callable[..., str]
) -> None:
    folder = artifact(random=True)  # its metric leaves a single direction: less of it is better
    given = {"reg_weight": 30, "prior_weight": 0.2, "neighbour_weight": 0, "transfer_guard": False}
    model = trained(textual(pretrained=folder, transfer="adapter", **given))
    assert model.transfer_choice["shape"]["strength"] < 1
    frozen = trained(textual(pretrained=folder, transfer="frozen", **given))
    assert frozen.transfer_choice["shape"]["strength"] == 1
    assert model.transfer_choice["ndcg"]["transferred"] > frozen.transfer_choice["ndcg"]["transferred"]


def test_an_artifact_of_the_target_itself_is_warned_of(
    textual: Settings, artifact: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    folder = artifact()
    config = build(textual(pretrained=folder))[0]
    assert TransferSettings.read(config) is not None and "was learned from" not in caplog.text
    card = json.loads((Path(folder) / CARD).read_text())
    card["sources"][0]["name"], card["tried"][0]["ratios"] = "tiny", {"tiny": 1.0}
    (Path(folder) / CARD).write_text(json.dumps(card))
    assert TransferSettings.read(config) is not None
    assert f"The artifact [{folder}] was learned from [tiny], this run's own data" in caplog.text


def test_an_artifact_of_the_target_under_another_name_is_warned_of(
    textual: Settings, artifact: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    folder = artifact()
    config = build(textual(pretrained=folder))[0]
    card = json.loads((Path(folder) / CARD).read_text())
    card["sources"][0]["inter_sha256"] = file_sha256(Path(config["data_path"]) / "tiny.inter")
    (Path(folder) / CARD).write_text(json.dumps(card))
    assert TransferSettings.read(config) is not None
    assert "was learned from [a], this run's own data" in caplog.text


@pytest.mark.parametrize("model", ["KTEASE", "KTRec"])
@pytest.mark.parametrize("key", ["interactions_sketch", "texts_sketch"])
def test_a_sorted_or_renamed_copy_of_the_target_is_warned_of(
    textual: Settings, artifact: Callable[..., str], caplog: pytest.LogCaptureFixture, key: str, model: str
) -> None:
    folder = artifact()
    card = json.loads((Path(folder) / CARD).read_text())
    rows = [line.split("\t")[:2] for line in Path("dataset/tiny/tiny.inter").read_text().splitlines()[:0:-1]]
    titles = [f"robot {k}" for k in range(30)]
    theirs = {
        "interactions_sketch": likeness.of_interactions(*zip(*rows, strict=True)),
        "texts_sketch": text_hashes(titles),
    }
    card["sources"][0][key] = likeness.sketch(theirs[key])
    (Path(folder) / CARD).write_text(json.dumps(card))
    lines = ["item_id:token\ttitle:token_seq", *(f"i{k}\t{title}" for k, title in enumerate(titles))]
    Path("dataset/tiny/tiny.item").write_text("\n".join(lines) + "\n")
    caplog.set_level(logging.INFO)
    if model == "KTEASE":
        trained(textual(pretrained=folder, lexical_weight=0.0))
    else:  # as it is built: its texts are read then
        build(textual(pretrained=folder), model)
    said = (
        "was learned from [a], this run's own data" if key == "interactions_sketch" else "100% of the item texts here"
    )
    assert caplog.text.count(said) == 1
    assert "held-out interactions" in caplog.text
    assert caplog.text.count("Text from the columns") == 1, "no file is read for it once more"


@pytest.mark.parametrize("content", ["[1, 2]", "0.8 0.1 0.1 by user"])
def test_a_split_file_of_the_user_s_own_says_nothing(
    textual: Settings, artifact: Callable[..., str], caplog: pytest.LogCaptureFixture, content: str
) -> None:
    config = build(textual(pretrained=artifact()))[0]
    (Path(config["data_path"]) / "split.json").write_text(content)
    assert TransferSettings.read(config) is not None and "own data" not in caplog.text


def test_an_artifact_of_what_a_split_was_made_from_is_warned_of(
    textual: Settings, artifact: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    config = build(textual(pretrained=(folder := artifact())))[0]
    card = json.loads((Path(folder) / CARD).read_text())
    card["sources"][0]["inter_sha256"] = "c0"
    (Path(folder) / CARD).write_text(json.dumps(card))
    for said in ({"dataset": "a"}, {"dataset": "copy", "inter_sha256": "c0"}):
        caplog.clear()
        (Path(config["data_path"]) / "split.json").write_text(json.dumps(said))
        assert TransferSettings.read(config) is not None
        assert "was learned from [a], this run's own data" in caplog.text


def test_zero_shot_follows_the_length_of_the_histories(textual: Settings, artifact: Callable[..., str]) -> None:
    """Folded in, histories that no source resembles take the plain kernel."""
    model = trained(textual(pretrained=artifact(), transfer="zero_shot"))
    before = everyone(model)
    assert model.transfer_choice["shape"]["power"] == 2.0
    model.transfer.artifact.card["sources"][0]["history_length"] = 1000.0
    model.fold_in(build(textual())[2][0].dataset)
    assert model.transfer_choice["shape"]["power"] == 1.0
    assert not np.allclose(everyone(model), before)
    model.transfer.artifact.card["weights_sha256"] = "another"
    with pytest.raises(DataError, match="another artifact than the one that the checkpoint was trained with"):
        model.fold_in(build(textual())[2][0].dataset)


@pytest.mark.parametrize("how", ["frozen", "full"])
def test_histories_unlike_the_sources_take_nothing_of_the_metric(
    textual: Settings, artifact: Callable[..., str], how: str
) -> None:
    """Nor does full, whose metric has the sources as its prior."""
    folder = artifact()
    card = json.loads((Path(folder) / CARD).read_text())
    card["sources"][0]["history_length"] = 1000.0
    (Path(folder) / CARD).write_text(json.dumps(card))
    model = trained(textual(pretrained=folder, transfer=how, transfer_guard=False))
    assert model.transfer_choice["used"] == "transferred" and model.transfer_choice["shape"]["strength"] == 0
    np.testing.assert_allclose(everyone(model), everyone(trained(textual())), atol=1e-5)


def test_zero_shot_without_an_artifact_is_the_untrained_kernel(textual: Settings) -> None:
    model = trained(textual(transfer="zero_shot", lexical_weight=0.0))
    config, _, (train, _, _) = build(textual(transfer="zero_shot"))
    found = load_item_text(config, train.dataset)
    vectors = whitened_text(found.matrix, found.has_text, 0.4)
    alike = np.maximum(vectors @ vectors.T, 0)
    np.fill_diagonal(alike, 0)
    np.testing.assert_allclose(everyone(model), model.taken.matrix[1:] @ alike, atol=1e-4)
    assert model.probability == (1.0, 0.0) and model.transfer_choice == {}
    with pytest.raises(ConfigError, match="zero_shot"):
        build(textual(transfer="zero_shot", prior="none"))


def test_guard_falls_back_from_a_random_metric(textual: Settings, artifact: Callable[..., str]) -> None:
    folder = artifact(random=True)
    model = trained(textual(pretrained=folder, transfer="frozen"))
    assert model.transfer_choice["used"] == "untrained"
    without = trained(textual(pretrained=folder, transfer="frozen", transfer_guard=False))
    assert without.transfer_choice["used"] == "transferred"
    np.testing.assert_array_equal(everyone(model), everyone(trained(textual())))
    assert not np.array_equal(everyone(model), everyone(without))


def test_guard_falls_back_when_texts_are_shuffled(textual: Settings, artifact: Callable[..., str]) -> None:
    model = trained(textual(pretrained=artifact(), transfer="frozen", shuffle_texts=True))
    assert model.transfer_choice["used"] != "transferred"


def test_pick_takes_what_beats_the_plainer_ones_beyond_chance() -> None:
    low, chance, high = np.array([0.2, 0.4, 0.3]), np.array([0.7, 0.2, 0.2]), np.array([0.3, 0.5, 0.5])
    assert pick({"untrained": low, "scratch": low, "transferred": low}) == "untrained"
    assert pick({"untrained": low, "scratch": low, "transferred": chance}) == "untrained"
    assert pick({"untrained": low, "scratch": high, "transferred": high}) == "scratch"
    assert pick({"untrained": low, "scratch": low, "transferred": high}) == "transferred"
    assert pick({"transferred": high, "untrained": low}) == "transferred"


def test_own_metric_needs_more_proof_than_the_artifact() -> None:
    low = np.array([0.2, 0.4, 0.3, 0.3])
    better = low + np.array([0.3, 0.0, 0.2, 0.0])  # ahead by 1.7 standard errors
    assert pick({"untrained": low, "scratch": better, "transferred": low}) == "untrained"
    assert pick({"untrained": low, "scratch": low, "transferred": better}) == "transferred"


def test_the_guard_says_by_how_much_and_what_it_asks_for() -> None:
    low, high = np.array([0.2, 0.4, 0.3, 0.3]), np.array([0.3, 0.5, 0.5, 0.5])
    told = reasons({"untrained": low, "scratch": low, "transferred": high})
    assert told == (
        "learned here alone is no different from untrained; "
        "transferred is +0.1500 from untrained, more than 1 standard error, 0.0289, is asked for"
    )
    told = reasons({"untrained": low, "scratch": high, "transferred": high})
    assert told == (
        "learned here alone is +0.1500 from untrained, more than 2 standard errors, 0.0577, is asked for; "
        "transferred is no different from learned here alone"
    )


def test_variants_differ_by_the_prior_alone(textual: Settings, artifact: Callable[..., str]) -> None:
    """What the plain fit chose of lambda, eta and the sharpening holds for each of the three."""
    seen: list[Options] = []

    class Watched(Fit):
        def with_prior(self, prior: sp.csc_matrix, options: Options | None = None) -> Fit:
            assert options is not None
            seen.append(options)
            return super().with_prior(prior, options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recbole_ktrec.model.transfer_fit.Fit", Watched)
        trained(textual(pretrained=artifact(), transfer="frozen", solver="dense"))
    assert len(seen) == 2 and seen[0] == seen[1]
    shared = ("regularisation", "neighbour_weight", "score_power", "popularity_discount", "history_discount")
    assert all(getattr(seen[0], name) is not None for name in shared)
    assert seen[0].prior_weight is None and seen[0].cold_scale is None


def test_guard_uses_the_fit_that_was_compared(
    textual: Settings, artifact: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The metric of here beats the plain texts, the artifact does not beat it."""
    values = iter(np.array(one) for one in ([0.1, 0.3, 0.3], [0.3, 0.5, 0.4], [0.9, 0.3, 0.3]))
    monkeypatch.setattr("recbole_ktrec.model.transfer_fit.TransferFit._ndcg", lambda *_: next(values))
    model = trained(textual(pretrained=artifact(), transfer="frozen"))
    assert model.transfer_choice["used"] == "scratch"
    assert not np.array_equal(everyone(model), everyone(trained(textual())))


def test_without_validation_data_the_numbers_of_the_nearest_source_are_taken(
    textual: Settings, artifact: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    solve, seen = NearestItems.solve, list[tuple[float, ...]]()
    monkeypatch.setattr(NearestItems, "solve", lambda self, *numbers: seen.append(numbers) or solve(self, *numbers))
    _, model, _ = build(textual(pretrained=artifact(), transfer="frozen", solver="sparse", nearest_items=8))
    model.fit(None)
    assert seen == [(33.0, 0.2)]
    assert model.transfer_choice["used"] == "transferred" and "too few" in model.transfer_choice["why"]


def test_copies_share_the_artifact(textual: Settings, artifact: Callable[..., str]) -> None:
    _, model, _ = build(textual(pretrained=artifact()))
    assert copy.deepcopy(model).transfer is model.transfer


def test_shuffled_texts_are_those_of_other_items(textual: Settings) -> None:
    config, _, (train, _, _) = build(textual())
    plain, texts = load_item_text(config, train.dataset), load_texts(config, train.dataset)
    shuffled, _, _ = build(textual(shuffle_texts=True))
    moved, others = load_item_text(shuffled, train.dataset), load_texts(shuffled, train.dataset)
    assert others != texts and sorted(others[1:]) == sorted(texts[1:])
    assert not moved.matrix[0].any() and moved.has_text.sum() == plain.has_text.sum()
    one = texts.index(others[5])
    np.testing.assert_array_equal(moved.matrix[5], plain.matrix[one])  # vectors and words move together


def test_artifact_of_another_encoder_is_refused_with_both_names(
    textual: Settings, artifact: Callable[..., str]
) -> None:
    settings = textual(pretrained=artifact())
    with pytest.raises(EncoderError, match=r"knowledge\] was trained with.*max_length='32'.*max_length='16'"):
        build({**settings, "text_max_length": 16})  # before any text is encoded


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"transfer": "zeroshot"}, ConfigError, r"transfer \[zeroshot\].*Did you mean \[zero_shot\]"),
        ({"transfer_guard": 1}, ConfigError, r"transfer_guard \[1\]"),
        ({"transfer_prior_count": 0}, ConfigError, r"transfer_prior_count \[0\]"),
        ({"shuffle_texts": "yes"}, ConfigError, r"shuffle_texts \[yes\]"),
        ({"pretrained": "nowhere"}, DataError, r"nowhere/card.json\]"),
    ],
)
def test_bad_values_are_refused(
    textual: Settings, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        trained(textual(**changes))


def test_no_prior_and_an_artifact_contradict_each_other(textual: Settings, artifact: Callable[..., str]) -> None:
    with pytest.raises(ConfigError, match=r"prior must be \[text\]"):
        build(textual(pretrained=artifact(), prior="none"))
    assert TransferSettings.read(build(textual())[0]) is None
