from __future__ import annotations

import copy
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from recbole_ktrec.errors import ConfigError, MissingExtraError
from recbole_ktrec.text import TextSettings
from recbole_ktrec.text.encoder import TextEncoder
from recbole_ktrec.text.training import transformer_layers

TRAINED = ("last_layers", "lora", "full")
TEXTS = ["red robot", "blue robot", "board game for kids", "puzzle game for kids"]


class Model(nn.Module):
    """A model with an encoder in it, as the plugin's models have."""

    def __init__(self, settings: TextSettings, mode: str) -> None:
        super().__init__()
        self.head = nn.Linear(4, 1)
        self.encoder = TextEncoder.load(replace(settings, last_layers=1, lora_rank=4))
        self.encoder.set_training(mode)

    def loss(self) -> Tensor:
        """Robots should be like robots and games like games, and the two unlike each other."""
        vectors = nn.functional.normalize(self.encoder(TEXTS), dim=1)
        wanted = torch.tensor([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]])
        return (vectors @ vectors.T - wanted).square().mean()


def trained(settings: TextSettings, mode: str, steps: int = 30) -> tuple[Model, list[float]]:
    torch.manual_seed(1)
    model = Model(settings, mode)
    optimizer = torch.optim.Adam(model.encoder.trainable_parameters(), lr={"full": 0.002}.get(mode, 0.01))
    model.train()
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model.loss()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model.eval(), [*losses, model.loss().item()]


@pytest.mark.parametrize("mode", TRAINED)
@pytest.mark.parametrize("kind", ["bert_folder", "llama_folder"])
def test_the_loss_falls_and_the_saved_model_reloads(
    kind: str, mode: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = TextSettings(encoder=str(request.getfixturevalue(kind)), max_length=32, pooling="mean")
    model, losses = trained(settings, mode)
    assert losses[-1] < 0.5 * losses[0]
    torch.save(model.state_dict(), tmp_path / "model.pth")
    fresh = Model(settings, mode)
    fresh.eval()
    before, after = fresh.encoder.vectors(TEXTS), model.encoder.vectors(TEXTS)
    assert not torch.allclose(before, after, atol=1e-2)
    fresh.load_state_dict(torch.load(tmp_path / "model.pth", weights_only=True))
    torch.testing.assert_close(fresh.encoder.vectors(TEXTS), after)


def test_the_same_seed_trains_the_same(settings: TextSettings) -> None:
    assert trained(settings, "full", 4)[1] == trained(settings, "full", 4)[1]


def test_only_what_is_trained_is_saved(settings: TextSettings) -> None:
    saved = {mode: Model(settings, mode).state_dict() for mode in ("frozen", *TRAINED)}
    assert set(saved["frozen"]) == {"head.weight", "head.bias"}
    layers = {name.split(".layer.")[1][0] for name in saved["last_layers"] if ".layer." in name}
    assert layers == {"2"} and len(saved["last_layers"]) == 2 + 16
    adapters = {name for name in saved["lora"] if not name.startswith("head")}
    assert len(adapters) == 12 and all("lora_" in name for name in adapters), "query and value of three layers"
    assert len(saved["full"]) == 2 + len(list(TextEncoder.load(settings).parameters()))


def test_what_is_not_saved_keeps_its_weights_and_strictness(settings: TextSettings) -> None:
    model = Model(settings, "last_layers")
    state = model.state_dict()
    lost = next(name for name in state if ".layer.2." in name)
    del state[lost]
    with pytest.raises(RuntimeError, match=f'Missing key.*"{lost}"'):
        model.load_state_dict(state)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        model.load_state_dict({**model.state_dict(), "encoder.other": torch.zeros(1)})


def test_gradient_reaches_trained_layers_only(settings: TextSettings) -> None:
    model = Model(settings, "last_layers")
    model.loss().backward()
    with_gradient = {name for name, parameter in model.encoder.named_parameters() if parameter.grad is not None}
    assert any(".layer.2." in name for name in with_gradient)
    assert not any("embeddings" in name or ".layer.0." in name or ".layer.1." in name for name in with_gradient)


def test_frozen_parts_have_no_dropout(settings: TextSettings) -> None:
    model = Model(settings, "frozen").train()
    torch.testing.assert_close(model.encoder(TEXTS), model.encoder(TEXTS))
    assert model.encoder.set_training("full")
    model.train()
    assert not torch.allclose(model.encoder(TEXTS), model.encoder(TEXTS))
    model.encoder.set_training("last_layers")
    model.train()
    stack = model.encoder.model.encoder.layer
    assert [layer.output.dropout.training for layer in stack] == [False, False, True]
    vectors = [model.encoder.vectors(TEXTS) for _ in range(2)]
    torch.testing.assert_close(vectors[0], vectors[1])
    assert model.encoder.training, "encoding leaves the mode as it was"


def test_fresh_adapters_change_nothing(settings: TextSettings) -> None:
    encoder = TextEncoder.load(replace(settings, lora_rank=2))
    before = encoder.vectors(TEXTS)
    parameters = encoder.set_training("lora")
    assert sum(p.numel() for p in parameters) == 3 * 2 * 2 * (16 + 16)
    torch.testing.assert_close(encoder.vectors(TEXTS), before)


def test_settings_choose_what_is_not_given(settings: TextSettings) -> None:
    encoder = TextEncoder.load(replace(settings, encoder_training="last_layers", last_layers=3))
    assert not encoder.trainable_parameters()
    assert len(encoder.set_training()) == 3 * 16


def test_the_experts_of_a_layer_are_no_layers() -> None:
    model = nn.Module()
    model.layers = nn.ModuleList(nn.ModuleDict({"experts": nn.ModuleList(map(nn.ReLU, range(8)))}) for _ in range(2))
    assert transformer_layers(model) is model.layers, "though there are more experts than layers"


def test_a_deep_copy_trains_apart(settings: TextSettings) -> None:
    model = Model(settings, "last_layers")
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.encoder.trainable_parameters()[0].add_(1.0)
    assert not torch.equal(twin.encoder.trainable_parameters()[0], model.encoder.trainable_parameters()[0])
    twin.load_state_dict(model.state_dict())
    torch.testing.assert_close(twin.encoder.vectors(TEXTS), model.encoder.vectors(TEXTS))


@pytest.mark.parametrize(
    ("mode", "layers", "said"),
    [("lorra", 1, r"\[lorra\].*Did you mean \[lora\]"), ("last_layers", 4, r"text_last_layers \[4\].*has 3 layers")],
)
def test_what_cannot_be_trained_is_refused(settings: TextSettings, mode: str, layers: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        TextEncoder.load(replace(settings, last_layers=layers)).set_training(mode)


def test_formats_that_round_updates_away_are_refused_for_training(settings: TextSettings) -> None:
    assert torch.tensor(1.0, dtype=torch.bfloat16) + 1e-3 == 1, "so a step of .001 changes nothing"
    encoder = TextEncoder.load(replace(settings, dtype="bfloat16"))
    with pytest.raises(ConfigError, match=r"text_dtype \[bfloat16\] .* \(full\).* Use float32; with contrastive_dtype"):
        encoder.set_training("full")


def test_lora_without_peft_names_the_extra(settings: TextSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'recbole-ktrec\[lora\]'"):
        TextEncoder.load(settings).set_training("lora")
