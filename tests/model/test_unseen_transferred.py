"""New items of models that read texts as an artifact moves them, or by an encoder that was trained with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from recbole_ktrec.errors import DataError
from recbole_ktrec.model import transfer_fit
from recbole_ktrec.model.prior_shape import PriorShape
from recbole_ktrec.model.text_priors import Terms, TextPriors
from recbole_ktrec.model.transfer_priors import TransferPriors
from recbole_ktrec.model.unseen_items import UnseenItems, why_not
from recbole_ktrec.model.unseen_parts import ClosedPart, NeuralPart, Wider
from tests.model.test_unseen_items import ITEMS, loaded
from tests.support import Settings

TRAINED = {"text_encoder_training": "last_layers"}
ZERO_SHOT = {"transfer": "zero_shot", "closed_form": True}


def forced(artifact: Callable[..., str], **changes: Any) -> dict[str, Any]:
    return {"pretrained": artifact(), "transfer_guard": False, **changes}


@pytest.fixture(params=["frozen", "adapter", "full", "zero_shot", "untrained zero_shot", "trained encoder"])
def changes(request: pytest.FixtureRequest, artifact: Callable[..., str]) -> Iterator[dict[str, Any]]:
    named = {"untrained zero_shot": ZERO_SHOT, "trained encoder": TRAINED}
    if request.param in named:
        yield named[request.param]
    else:
        yield forced(artifact, **(ZERO_SHOT if request.param == "zero_shot" else {"transfer": request.param}))


@pytest.mark.parametrize("model", ["KTEASE", "KTRec"])
def test_new_items_stand_high_for_those_whose_topic_they_are(
    textual: Settings, changes: dict[str, Any], model: str
) -> None:
    if model == "KTEASE":
        changes = {key: value for key, value in changes.items() if key != "closed_form"}
    found, dataset, asked = loaded(textual(**changes), model)
    scores = UnseenItems(found, dataset, asked).scores(np.arange(1, dataset.user_num))
    parity = np.array([int(user[1:]) % 2 for user in dataset.field2id_token["user_id"][1:]])
    own, other = (np.take_along_axis(scores, side[:, None], axis=1) for side in (parity, 1 - parity))
    assert np.isfinite(scores).all() and (own > other).mean() > 0.9


def twins(dataset: Any) -> tuple[Wider, list[int]]:
    """Add an item of the same title for each of three; return the data set with them, and the numbers of the three."""
    titles = dict(line.split("\t") for line in ITEMS.read_text(encoding="utf-8").splitlines())
    known = [item for item in ("i3", "i8", "i13") if item in dataset.field2token_id["item_id"]]
    with ITEMS.open("a", encoding="utf-8") as file:
        file.write("".join(f"twin-{item}\t{titles[item]}\n" for item in known))
    view = Wider(dataset, [f"twin-{item}" for item in known])
    return view, [int(dataset.field2token_id["item_id"][item]) for item in known]


@pytest.mark.parametrize("changed", [{}, {"text_encoder_training": "last_layers"}, {"pretrained": True}])
def test_the_neural_part_reads_a_text_as_it_reads_that_of_its_own_items(
    textual: Settings, artifact: Callable[..., str], changed: dict[str, Any]
) -> None:
    settings = forced(artifact, transfer="frozen") if changed.pop("pretrained", False) else changed
    found, dataset, _ = loaded(textual(graph_layers=0, **settings), "KTRec")
    view, known = twins(dataset)
    vectors = NeuralPart(found, dataset.config, view)._texts(dataset.config, view)
    read = found.net.text.all(torch.device("cpu")) if found.live is None else found.live._whole(torch.device("cpu"))
    np.testing.assert_allclose(vectors, read[known].numpy(), atol=2e-6)


@pytest.mark.parametrize("transfer", ["frozen", "adapter", "full"])
def test_the_closed_form_takes_the_prior_of_its_fit(
    textual: Settings, artifact: Callable[..., str], monkeypatch: pytest.MonkeyPatch, transfer: str
) -> None:
    """Without new items, it is that of the training, whichever variant the guard took."""
    priors, plain = list[sp.csc_matrix](), transfer_fit.Fit

    def noting(interactions: sp.csr_matrix, prior: sp.csc_matrix, *more: Any) -> Any:
        priors.append(prior)
        return plain(interactions, prior, *more)

    monkeypatch.setattr(transfer_fit, "Fit", noting)
    settings = textual(**forced(artifact, transfer=transfer, term_weighting="lift"))
    found, dataset, _ = loaded(settings, "KTEASE")
    assert found.transfer_choice["used"] == "transferred" and found.transfer_choice["ndcg"]
    form = ClosedPart(found, dataset.config, Wider(dataset, []), None)
    prior, _ = form._prior(dataset.config, Wider(dataset, []), found.taken.matrix)
    # What `adapter` tried, it tried beside this one.
    expected = priors[-1] if transfer != "adapter" else own_prior(found, dataset)
    np.testing.assert_allclose(prior.toarray(), expected.toarray(), atol=1e-6)


def own_prior(found: Any, dataset: Any) -> sp.csc_matrix:
    """Return what ``transfer_choice`` says of the prior, made from the artifact by hand."""
    texts = TextPriors(dataset.config, dataset, 29, Terms(dataset.config, dataset, found.taken.matrix))
    artifact, shape = found.transfer.artifact, PriorShape(**found.transfer_choice["shape"])
    vectors = artifact.transferred(texts.whitened(artifact.whitening), shape)
    lexical = type(found.settings.lexical)(shape.lexical_weight, True)
    return texts.prior(vectors, lexical, shape.power)


def test_from_scratch_is_the_metric_of_the_target_alone(textual: Settings, artifact: Callable[..., str]) -> None:
    found, dataset, _ = loaded(textual(**forced(artifact, transfer="frozen")), "KTEASE")
    texts = TextPriors(dataset.config, dataset, 29, Terms(dataset.config, dataset, found.taken.matrix))
    priors = TransferPriors(found.transfer, texts, found.taken.matrix, found.settings.lexical, True)
    scratch = priors.settled({**found.transfer_choice, "used": "scratch"}).toarray()
    np.testing.assert_array_equal(scratch, priors.scratch(texts, 0.5).toarray())
    assert np.abs(scratch - priors.settled(found.transfer_choice).toarray()).max() > 0.01


def test_another_artifact_in_the_place_of_that_of_the_training_is_refused(
    textual: Settings, artifact: Callable[..., str]
) -> None:
    found, dataset, asked = loaded(textual(**forced(artifact, transfer="frozen")), "KTEASE")
    assert not why_not(found, dataset.config)
    found.transfer_choice["weights_sha256"] = "of another one"
    with pytest.raises(DataError, match="is another artifact than the one that the checkpoint was trained with"):
        UnseenItems(found, dataset, asked)
    assert Path("knowledge").is_dir()
