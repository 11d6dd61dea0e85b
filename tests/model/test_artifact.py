"""The folder that knowledge is carried in: a round trip, and every way in which it can be wrong."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.errors import DataError, EncoderError
from recbole_ktrec.model.artifact import WEIGHTS, Artifact, load, save
from recbole_ktrec.model.artifact_card import CARD
from recbole_ktrec.model.prior_shape import UNTRAINED, PriorShape, plainest
from recbole_ktrec.nn.co_consumption import Statistics, metric
from recbole_ktrec.nn.fit_options import Options

FINGERPRINT = {"encoder": "a/mini", "sha256": "1" * 64, "pooling": "mean", "prompt": "", "max_length": 32}
FUSION = [
    {"source": "sparse", "density": [5.0, 5.0], "regularisation": 60.0, "prior_weight": 0.2, "neighbour_weight": 0.1},
    {"source": "dense", "density": [90.0, 70.0], "regularisation": 900.0, "prior_weight": 0.0, "neighbour_weight": 0.0},
]

SOURCES = [{"name": "books", "history_length": 8.0}, {"name": "shop.v2", "history_length": 64.0}]
SHORT, LONG = PriorShape(0.5, 0.5, 1.0, 1.0), PriorShape(0.5, 0.0, 2.0, 0.3)
TRIED = [
    {**asdict(PriorShape()), "mean_ratio": 1.05, "ratios": {"books": 1.05, "shop.v2": 1.05}},
    {**asdict(SHORT), "mean_ratio": 1.0, "ratios": {"books": 1.2, "shop.v2": 0.8}},
    {**asdict(LONG), "mean_ratio": 1.1, "ratios": {"books": 1.0, "shop.v2": 1.2}},
]

PLAIN = PriorShape(lexical_weight=0.7)


@pytest.fixture
def made(tmp_path: Path) -> Artifact:
    """An artifact of two sources, one with a dot in its name, written to ``tmp_path / "made"``."""
    draw = np.random.default_rng(0)
    factors = [draw.standard_normal((4, 4)).astype(np.float32) for _ in range(2)]
    parts = [Statistics(part @ part.T, np.eye(4, dtype=np.float32), 100.0) for part in factors]
    statistics = dict(zip(("books", "shop.v2"), parts, strict=True))
    card = {"encoder": FINGERPRINT, "fusion": FUSION, "sources": SOURCES, "tried": TRIED}
    artifact = Artifact(statistics, metric(parts[0]), PriorShape(0.5, 1.0, 2.0, 0.3), 0.4, card, tmp_path / "made")
    save(artifact, tmp_path / "made")
    return artifact


def test_round_trip(made: Artifact, tmp_path: Path) -> None:
    found = load(tmp_path / "made")
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == [CARD, WEIGHTS]
    assert list(found.statistics) == ["books", "shop.v2"]
    np.testing.assert_array_equal(found.statistics["shop.v2"].between, made.statistics["shop.v2"].between)
    np.testing.assert_array_equal(found.matrix, made.matrix)
    assert (found.shape, found.whitening, found.statistics["books"].interactions) == (made.shape, 0.4, 100.0)
    assert found.card["sources"] == SOURCES and found.card["format"] == 2


@pytest.mark.parametrize(
    ("length", "expected"), [(0, LONG), (2, SHORT), (8, SHORT), (40, LONG), (200, LONG), (300, PLAIN)]
)
def test_shape_is_that_of_the_sources_with_histories_of_such_length(
    made: Artifact, length: int, expected: PriorShape
) -> None:
    """Without interactions every source counts the same; beyond four times the longest (256) nothing carries over."""
    here = sp.csr_matrix(np.ones((3, length))) if length else sp.csr_matrix((3, 3))
    assert made.shape_for(here, PLAIN) == expected


def test_unlike_histories_take_no_shape_but_the_language_model(
    made: Artifact, caplog: pytest.LogCaptureFixture
) -> None:
    long = sp.csr_matrix(np.ones((3, 300)))
    made.shape_for(long)
    made.shape_for(long)
    assert caplog.text.count("Histories of 300 items in the mean") == 1, "both parts of KTRec ask"
    assert caplog.text.rstrip().endswith("They are compared as without an artifact.")
    replace(made, card={**made.card, "language_model": {"folder": "encoder"}}).shape_for(long)
    assert caplog.text.rstrip().endswith("as without an artifact, but read with its language model.")


def test_what_is_taken_of_it_is_told(made: Artifact) -> None:
    like, long = (sp.csr_matrix(np.ones((3, length))) for length in (8, 300))
    taught = replace(made, card={**made.card, "language_model": {"folder": "encoder"}})
    told = "zero-shot; histories too unlike those of its sources: texts are compared as without an artifact"
    assert made.taken_because("zero-shot", like) == taught.taken_because("zero-shot", like) == "zero-shot"
    assert made.taken_because("zero-shot", long) == told
    assert taught.taken_because("zero-shot", long) == f"{told}, but read with its language model"


def test_transferred_vectors_keep_their_length(made: Artifact) -> None:
    vectors = np.vstack([np.zeros(4), np.eye(4)]).astype(np.float32)
    moved = made.transferred(vectors)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), [0, 1, 1, 1, 1], atol=1e-5)
    np.testing.assert_allclose(made.transferred(vectors, PriorShape(strength=0.0)), vectors, atol=1e-6)


def test_another_encoder_is_refused_with_both_names(made: Artifact) -> None:
    made.check(FINGERPRINT, 4)
    with pytest.raises(EncoderError, match=r"made\] was trained with.*a/mini.*other/encoder"):
        made.check({**FINGERPRINT, "encoder": "other/encoder", "sha256": "2" * 64}, 4)
    with pytest.raises(EncoderError, match=r"vectors of length \[4\], not of \[8\]"):
        made.check(FINGERPRINT, 8)


@pytest.mark.parametrize(("density", "expected"), [(4, (60.0, 0.2, 0.1)), (20, (900.0, 0.0, 0.0))])
def test_open_numbers_are_those_of_the_nearest_density(
    made: Artifact, density: int, expected: tuple[float, ...]
) -> None:
    here = sp.random(30, 30, density / 30, format="csr", random_state=0)
    filled = made.filled(Options(), here)
    assert (filled.regularisation, filled.prior_weight, filled.neighbour_weight) == expected
    assert made.filled(Options(regularisation=7.0), here).regularisation == 7.0


def test_missing_files_are_named(made: Artifact, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere/card.json\] cannot be read.*ktrec pretrain"):
        load(tmp_path / "nowhere")
    (tmp_path / "made" / WEIGHTS).unlink()
    with pytest.raises(DataError, match=r"made/weights.safetensors\] cannot be read"):
        load(tmp_path / "made")


def test_damaged_files_are_named(made: Artifact, tmp_path: Path) -> None:
    card, weights = tmp_path / "made" / CARD, tmp_path / "made" / WEIGHTS
    kept = card.read_text()
    for change, message in (
        ({"format": 9}, r"card.json\] is of format \[9\], this version reads \[2\]: update recbole_ktrec\."),
        ({"format": 1}, r"card.json\] is of format \[1\], this version reads \[2\]: make it again\."),
        ({"format": "x"}, r"card.json\] is of format \[x\], this version reads \[2\]: make it again\."),
        ({"shape": {"size": 1}}, r"card.json\] lacks or has a wrong"),
        ({"whitening": None}, r"card.json\] lacks or has a wrong"),
    ):
        card.write_text(json.dumps({**json.loads(kept), **change}))
        with pytest.raises(DataError, match=message):
            load(tmp_path / "made")
    card.write_text("{")
    with pytest.raises(DataError, match=r"card.json\] is not the card"):
        load(tmp_path / "made")
    card.write_text(kept)
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(DataError, match=r"weights.safetensors\] is damaged"):
        load(tmp_path / "made")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"encoder": None}, "encoder"),
        ({"tried": []}, "tried"),
        ({"tried": [{**TRIED[0], "ratios": {"books": 1.0}}, {**TRIED[1], "ratios": {}}]}, "tried[1].ratios.books"),
        ({"tried": [{**TRIED[0], "power": "2"}]}, "tried[0].power"),
        ({"sources": []}, "tried[0].ratios"),
        ({"sources": [{**SOURCES[0], "history_length": 0}]}, "sources[0].history_length"),
        ({"fusion": [FUSION[0], {**FUSION[1], "density": [1.0]}]}, "fusion[1].density"),
        ({"fusion": [{"density": [5.0, 5.0]}]}, "fusion[0].regularisation"),
        ({"fusion": {}}, "fusion"),
        ({"shape": {**asdict(SHORT), "size": 1}}, "shape"),
        ({"shape": {**asdict(SHORT), "power": None}}, "shape.power"),
        ({"language_model": {}}, None),
        ({"language_model": {"name": "x"}}, "language_model"),
    ],
)
def test_a_key_of_the_card_that_is_wrong_is_named(made: Artifact, change: dict[str, object], key: str | None) -> None:
    assert made.folder is not None
    path = made.folder / CARD
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    if key is None:
        assert load(made.folder).shape == made.shape
        return
    with pytest.raises(DataError) as refused:
        load(made.folder)
    assert str(refused.value).startswith(f"[{path}] lacks or has a wrong [{key}]: ")


def test_of_shapes_nearly_as_good_as_the_best_the_one_next_to_no_artifact_is_taken() -> None:
    shapes = [
        UNTRAINED,
        PriorShape(power=2.0, lexical_weight=1.5),
        PriorShape(power=1.0, lexical_weight=1.5),
        PriorShape(strength=0.5),
    ]
    assert plainest(shapes, np.array([1.0, 1.10, 1.09, 1.0])) == 2
    assert plainest(shapes, np.array([1.0, 1.10, 1.07, 1.0])) == 1
    assert plainest(shapes, np.array([1.09, 1.10, 1.09, 1.1])) == 0
