"""KTRec with an artifact: whose texts it reads, what of it is trained, and that a checkpoint remembers both."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from recbole.quick_start import load_data_and_model, run_recbole

from recbole_ktrec.cli import main
from recbole_ktrec.errors import ConfigError, DataError, EncoderError
from recbole_ktrec.files import file_sha256
from recbole_ktrec.model import ktrec_transfer
from recbole_ktrec.model.artifact_card import CARD
from recbole_ktrec.model.transfer import VARIANTS
from tests.support import Settings, everyone, trained


@pytest.mark.parametrize("how", ["zero_shot", "frozen", "adapter", "full"])
def test_each_way_runs_and_comes_back(
    textual: Settings, artifact: Callable[..., str], workplace: Path, how: str
) -> None:
    settings = textual(pretrained=artifact(), transfer=how, closed_form=True, user_text="history_document")
    result = run_recbole(model="KTRec", dataset="tiny", config_dict=settings)
    assert result["test_result"]["hit@5"] > 0.25 and result["best_valid_score"] > 0
    (saved,) = (workplace / "saved").glob("KTRec-*.pth")
    _, model, *_ = load_data_and_model(str(saved))
    assert model.transfer_choice["transfer"] == how
    assert how == "zero_shot" or model.transfer_choice["closed_form"]["used"] in VARIANTS
    transfer = model.transfer
    used = transfer.transferred if model.transfer_choice["used"] == "transferred" else transfer.untrained()
    assert (model.net.text, model.net.user_text) == used
    assert np.abs(everyone(model.eval())).max() > 0


def test_zero_shot_is_that_of_ktease(textual: Settings, artifact: Callable[..., str]) -> None:
    settings = textual(pretrained=artifact(), transfer="zero_shot", closed_form=True)
    model = trained(settings, "KTRec")
    np.testing.assert_allclose(everyone(model), everyone(trained(settings, "KTEASE")), atol=1e-5)
    assert not model.net.item_tower.up.any()


def test_zero_shot_without_an_artifact_learns_nothing_either(textual: Settings) -> None:
    settings = textual(transfer="zero_shot", closed_form=True)
    model = trained(settings, "KTRec")
    np.testing.assert_allclose(everyone(model), everyone(trained(settings, "KTEASE")), atol=1e-5)
    assert not model.net.item_tower.up.any() and model.blend.tolist() == [0, 1] and model.closed_share == 1
    for key, value in {"closed_form": False, "fusion": "id", "source_datasets": ["tiny2"]}.items():
        with pytest.raises(ConfigError, match=rf"{key} \[.*cannot be had with transfer \[zero_shot\]"):
            trained(textual(transfer="zero_shot", **{"closed_form": True, key: value}), "KTRec")


@pytest.mark.parametrize(("how", "rank"), [("frozen", None), ("adapter", 16), ("full", 16)])
def test_what_is_trained_on_top(textual: Settings, artifact: Callable[..., str], how: str, rank: int | None) -> None:
    model = trained(textual(pretrained=artifact(), transfer=how, transfer_guard=False, tower_rank=None), "KTRec")
    tower = model.net.item_tower.second if how == "adapter" else model.net.item_tower
    assert tower.up.shape == (16, rank or 16) and (tower.down is not None) == (how == "adapter")
    assert bool(tower.up.any()) == (how != "frozen")  # a tower that was trained is no longer zero


@pytest.mark.parametrize(("how", "rank"), [("frozen", None), ("adapter", None), ("adapter", 4), ("full", 4)])
def test_guard_falls_back_from_a_random_metric_and_trains_the_towers_of_a_run_without_it(
    textual: Settings, artifact: Callable[..., str], how: str, rank: int | None
) -> None:
    given = {"tower_rank": rank, "user_text": "history_document"}
    model = trained(textual(pretrained=artifact(random=True), transfer=how, **given), "KTRec")
    assert model.transfer_choice["used"] == "untrained"
    assert model.transfer_choice["ndcg"]["untrained"] > model.transfer_choice["ndcg"]["transferred"]
    np.testing.assert_allclose(everyone(model), everyone(trained(textual(**given), "KTRec")), atol=1e-5)
    assert np.abs(everyone(model) - everyone(trained(textual(**given, epochs=0), "KTRec"))).max() > 1e-3


@pytest.mark.parametrize("model", ["KTRec", "KTEASE"])
def test_a_run_ends_with_what_the_guard_took_and_whose_data_it_knows(
    textual: Settings,
    artifact: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    model: str,
) -> None:
    given = textual(pretrained=(folder := artifact(random=True)), closed_form=True)
    card = json.loads((Path(folder) / CARD).read_text())
    card["sources"][0]["inter_sha256"] = file_sha256(Path("dataset/tiny/tiny.inter"))
    (Path(folder) / CARD).write_text(json.dumps(card))
    Path("own.yaml").write_text(yaml.safe_dump(given))
    assert main(["run", f"--model={model}", "--dataset=tiny", "--config_files=own.yaml", "--threads=1"]) == 0
    closing = capsys.readouterr().out.partition(f"{model} on tiny\n")[2]
    parts = ["text vectors: ", "closed form: "] if model == "KTRec" else [""]
    assert closing.count("transfer    ") == len(parts)
    for part in parts:
        assert f"transfer    {part}untrained taken, artifact unused (NDCG@10 of " in closing
    assert f"warning     The artifact [{folder}] was learned from [a], this run's own data" in closing
    assert caplog.text.count("was learned from [a]") == 1


@pytest.mark.parametrize("changes", [{"random": True}, {"strength": 0.5}])
def test_a_checkpoint_is_not_read_with_another_artifact(
    textual: Settings, artifact: Callable[..., str], workplace: Path, changes: dict[str, Any]
) -> None:
    settings = textual(pretrained=artifact(), transfer="frozen", transfer_guard=False)
    run_recbole(model="KTRec", dataset="tiny", config_dict=settings)
    (saved,) = (workplace / "saved").glob("KTRec-*.pth")
    artifact(**changes)
    with pytest.raises(DataError, match=r"\[knowledge\] is another artifact than .* make it again"):
        load_data_and_model(str(saved))
    artifact()
    _, model, *_ = load_data_and_model(str(saved))
    assert model.transfer_choice["artifact"]["shape"]["strength"] == 1.0


def test_a_checkpoint_that_took_nothing_of_the_artifact_is_read_with_any(
    textual: Settings, artifact: Callable[..., str], workplace: Path
) -> None:
    run_recbole(model="KTRec", dataset="tiny", config_dict=textual(pretrained=artifact(random=True)))
    (saved,) = (workplace / "saved").glob("KTRec-*.pth")
    artifact()
    _, model, *_ = load_data_and_model(str(saved))
    assert model.transfer_choice["used"] == "untrained"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"fusion": "id"}, "fusion"),
        ({"embedding_size": 8}, "embedding_size"),
        ({"text_encoder_training": "full"}, "text_encoder_training"),
        ({"transfer": "zero_shot", "closed_form": False}, "closed_form"),
    ],
)
def test_keys_that_contradict_the_artifact_are_named(
    textual: Settings, artifact: Callable[..., str], changes: dict[str, Any], key: str
) -> None:
    with pytest.raises(ConfigError, match=rf"{key} \[.*cannot be had with pretrained"):
        trained(textual(pretrained=artifact(), **changes), "KTRec")


@pytest.mark.parametrize("guard", [True, False])
def test_an_encoder_that_is_not_here_is_missed_only_by_the_guard(
    textual: Settings, artifact: Callable[..., str], monkeypatch: pytest.MonkeyPatch, guard: bool
) -> None:
    view, original = object(), ktrec_transfer.load_item_text

    def load(config: Any, dataset: Any) -> Any:
        if config is view:
            raise EncoderError("[base] is not here")
        return original(config, dataset)

    monkeypatch.setattr(ktrec_transfer.UntrainedEncoder, "of", staticmethod(lambda config: view))
    monkeypatch.setattr(ktrec_transfer, "load_item_text", load)
    model = trained(textual(pretrained=artifact(), transfer="frozen", transfer_guard=guard), "KTRec")
    why = "the untrained encoder is not to be had" if guard else "transfer_guard is off"
    assert (model.transfer_choice["used"], model.transfer_choice["why"]) == ("transferred", why)
