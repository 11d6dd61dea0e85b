"""ktrec pretrain on two tiny sources whose texts say who likes what."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.cli import main
from recbole_ktrec.commands.pretrain import table, unread
from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.knowledge import domains, pretraining
from recbole_ktrec.knowledge.domains import hold_out, read_domain
from recbole_ktrec.knowledge.options import PretrainOptions
from recbole_ktrec.knowledge.pretraining import Pretraining, ratios_unseen
from recbole_ktrec.model import likeness
from recbole_ktrec.model.artifact import WEIGHTS, content_sha256, load
from recbole_ktrec.model.artifact_card import CARD
from recbole_ktrec.model.prior_shape import UNTRAINED, PriorShape, plainest
from recbole_ktrec.nn.text_prior import text_neighbours

KEYS: dict[str, Any] = {
    "whitening": 0.4, "exponents": [0.5], "strengths": [1.0], "powers": [1.0, 2.0], "lexical_weights": [0.0, 0.3],
    "neighbours": 50, "held_out_users": 100, "candidates": 100, "fusion_knowledge": True, "seed": 1,
}  # fmt: skip


def test_held_out_is_one_interaction_of_users_with_two() -> None:
    taken = sp.csr_matrix(np.array([[0, 1, 1, 1], [0, 1, 0, 0], [0, 1, 0, 1]], dtype=np.float32))
    rest, sample = hold_out(taken, 10, np.random.default_rng(0))
    assert sample.positives.sum(axis=1).A1.tolist() == [1, 1]
    assert rest.sum(axis=1).A1.tolist() == [2, 1, 1]
    np.testing.assert_array_equal((sample.rows + sample.positives).toarray(), taken[[0, 2]].toarray())


def test_artifact_tells_what_was_measured(values: Callable[[str], dict[str, Any]], workplace: Path) -> None:
    made = Pretraining(["one", "two"], values, PretrainOptions.read(KEYS), workplace / "out").run()
    found = load(workplace / "out")
    assert list(found.statistics) == ["one", "two"] and found.shape == made.shape
    np.testing.assert_allclose(found.matrix, made.matrix)
    card = found.card
    assert [source["interactions"] for source in card["sources"]] == [600, 600]
    assert all(len(source["inter_sha256"]) == len(source["item_sha256"]) == 64 for source in card["sources"])
    assert card["encoder"]["encoder"].endswith("bert0") and [one["source"] for one in card["fusion"]] == ["one", "two"]
    best = max(one["mean_ratio"] for one in card["tried"])
    assert best >= np.mean([told["ratio"] for told in card["metrics"].values()]) >= best - 0.02
    assert best >= card["tried"][0]["mean_ratio"] and card["tried"][0]["strength"] == 0  # no transfer is the first
    for told in card["metrics"].values():
        assert told["ndcg@10"]["shuffled_texts"] < told["ndcg@10"]["transferred"]


def test_what_a_source_would_have_as_a_target_is_told_by_the_others_choice() -> None:
    """The mean takes the second shape for the sake of the first source, which is no news for that one."""
    shapes = [UNTRAINED, PriorShape(power=2.0), PriorShape(power=4.0)]
    ratios = {"one": np.array([1.0, 1.5, 0.7]), "two": np.array([1.0, 0.9, 1.2]), "three": np.array([1.0, 0.9, 1.1])}
    assert plainest(shapes, np.mean(list(ratios.values()), axis=0)) == 1
    found = ratios_unseen(shapes, ratios)
    assert found == {"one": 0.7, "two": 0.9, "three": 0.9}
    assert ratios_unseen(shapes, {"one": ratios["one"]}) == {}, "alone it has no others"


def test_what_is_done_is_not_done_again(
    values: Callable[[str], dict[str, Any]], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = PretrainOptions.read(KEYS)
    first = Pretraining(["one", "two"], values, options, workplace / "out").run()
    card = workplace / "out" / CARD
    card.write_text(card.read_text().replace(first.card["made"], "2020-01-01T00:00:00+00:00"))
    digest = content_sha256(workplace / "out")

    def never(*_: Any) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(pretraining, "co_consumption", never)
    monkeypatch.setattr(Pretraining, "_measure", never)
    monkeypatch.setattr(Pretraining, "_controls", never)
    again = Pretraining(["one", "two"], values, options, workplace / "out").run()
    np.testing.assert_array_equal(again.matrix, first.matrix)
    assert again.card["metrics"] == first.card["metrics"]
    assert content_sha256(workplace / "out") == digest, "what was measured with it stays valid"
    with (workplace / "dataset" / "one" / "one.inter").open("a") as file:
        file.write("u1\ti29\t5\t99\n")
    with pytest.raises(AssertionError, match="computed again"):
        Pretraining(["one", "two"], values, options, workplace / "out").run()


def test_other_columns_are_other_interactions(values: Callable[[str], dict[str, Any]], workplace: Path) -> None:
    path = workplace / "dataset" / "one" / "one.inter"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([f"{header}\tsession:token", *(f"{row}\ts{n % 7}" for n, row in enumerate(rows))]) + "\n")
    keys = {
        read_domain("one", {**values("one"), **more}, PretrainOptions.read(KEYS)).key
        for more in ({}, {"USER_ID_FIELD": "session", "load_col": {"inter": ["session", "item_id"]}})
    }
    assert len(keys) == 2


def test_what_other_code_has_computed_is_computed_again(
    values: Callable[[str], dict[str, Any]], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = PretrainOptions.read({**KEYS, "powers": [1.0], "lexical_weights": [0.0], "fusion_knowledge": False})
    kept = []
    for code in ("one", "one", "other"):
        monkeypatch.setattr(domains, "code_sha256", lambda code=code: code)
        Pretraining(["one", "two"], values, options, workplace / "out").run()
        kept.append(len(list((workplace / "out" / "parts").iterdir())))
    assert kept == [6, 6, 12], "of each source: statistics, scores, controls"


def test_dislikes_are_not_learned_from(values: Callable[[str], dict[str, Any]], workplace: Path) -> None:
    path = workplace / "dataset" / "one" / "one.inter"
    header, *rows = path.read_text().splitlines()
    place = [cell.partition(":")[0] for cell in header.split("\t")].index("rating")
    liked = sum(float(row.split("\t")[place]) >= 4 for row in rows)
    kept = read_domain("one", {**values("one"), "threshold": {"rating": 4}}, PretrainOptions.read(KEYS))
    assert kept.facts["interactions"] == liked < len(rows) and kept.facts["read_by"]["threshold"] == {"rating": 4}
    assert kept.rest.nnz + kept.sample.positives.nnz == liked
    assert kept.key != read_domain("one", values("one"), PretrainOptions.read(KEYS)).key
    with pytest.raises(DataError, match=r"one.inter\] has no column \[stars\], which threshold names"):
        read_domain("one", {**values("one"), "threshold": {"stars": 4}}, PretrainOptions.read(KEYS))


def test_one_source_alone_is_warned_of(
    values: Callable[[str], dict[str, Any]], workplace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = PretrainOptions.read({**KEYS, "fusion_knowledge": False})
    made = Pretraining(["one"], values, options, workplace / "out").run()
    assert "one source, [one]" in caplog.text and made.card["held_out"] == "the source's own users"
    assert made.card["fusion"] == []


def without_known_words(item_file: Path) -> None:
    """Give items words that the tokenizer lacks, so that vectors tell none apart and shared words still do."""
    rows = [f"i{item}\tqq{item % 2} qqtoy" for item in range(30)]
    item_file.write_text("\n".join(["item_id:token\ttitle:token_seq", *rows]) + "\n")


def test_a_source_whose_kernel_ranks_nothing_has_no_say(
    values: Callable[[str], dict[str, Any]], workplace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    without_known_words(workplace / "dataset" / "two" / "two.item")
    options = PretrainOptions.read({**KEYS, "fusion_knowledge": False})
    made = Pretraining(["one", "two"], values, options, workplace / "out").run()
    assert "The source [two] has no say" in caplog.text and "[one] has" not in caplog.text
    assert all(one["ratios"] == {"one": one["mean_ratio"]} for one in made.card["tried"])
    told = made.card["metrics"]["two"]
    assert told["ndcg@10"]["untrained_kernel"] == 0 < told["ndcg@10"]["untrained"] and told["ratio"] is None
    assert table(made.card).splitlines()[2].split()[-1] == "–"
    assert load(workplace / "out").shape_for(sp.csr_matrix(np.ones((3, 10)))) == made.shape


def test_sources_of_which_none_has_a_say_are_refused(values: Callable[[str], dict[str, Any]], workplace: Path) -> None:
    for name in ("one", "two"):
        without_known_words(workplace / "dataset" / name / f"{name}.item")
    with pytest.raises(DataError, match=r"none of the sources one, two.*text_encoder"):
        Pretraining(["one", "two"], values, PretrainOptions.read(KEYS), workplace / "out").run()
    assert not (workplace / "out" / CARD).exists()


def quick_call(encoder: str) -> list[str]:
    """Return the command that learns next to nothing from the two sources."""
    return ["pretrain", "--datasets", "one", "two", "--output", "out", f"--text_encoder={encoder}",
            "--text_max_length=16", "--powers=[1.0]", "--strengths=[1.0]", "--lexical_weights=[0.0]",
            "--fusion_knowledge=False"]  # fmt: skip


def test_command_prints_the_table_and_refuses_unknown_keys(
    values: Callable[[str], dict[str, Any]], workplace: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call = quick_call(encoder)
    assert main(call) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["source", "interactions", "untrained_kernel", "untrained", "transferred",
                                "shuffled_texts", "ratio", "unseen"]  # fmt: skip
    assert [line.split()[:2] for line in lines[1:3]] == [["one", "600"], ["two", "600"]]
    assert lines[3].startswith("untrained_kernel: the cosine alone; untrained: with shared words;")
    assert lines[3].endswith("measured on each source with the others' knowledge")
    assert (workplace / "out" / "card.json").is_file()
    assert main([*call[:2], "two", "one", *call[4:]]) == 2
    assert "[out] holds what was learned from one, two in this order: name another --output" in capsys.readouterr().err
    assert main([part.replace("powers=[1.0]", "powers=[2.0]") for part in call]) == 2
    assert "[out] holds what was learned with powers [1.0], not [2.0]: name another" in capsys.readouterr().err
    assert main([*call, "--text_encoder_training=full"]) == 2
    assert "[out] holds what was learned without training of the language model" in capsys.readouterr().err
    assert main([part.replace("length=16", "length=8") for part in call]) == 2
    assert "To keep it, name another --output." in capsys.readouterr().err
    for other, said in (("--text_fields=[brand]", "read by text_fields"), ("--text_prompt=a {text}", "text encoder")):
        assert main([*call, other]) == 2
        assert said in capsys.readouterr().err
    assert main([*call, "--rm_dup_inter=first"]) == 2
    assert "one read by rm_dup_inter None, not first: name another" in capsys.readouterr().err
    assert main(call) == 0 and capsys.readouterr().out.splitlines() == lines, "the same again is fine"
    assert main([*call, "--text_cache_dir=elsewhere"]) == 0, "where vectors are kept is nothing of what was learned"
    capsys.readouterr()
    for file, row in (("one.item", "i99\tred robot"), ("two.inter", "u1\ti29\t5\t99")):
        path = workplace / "dataset" / file[:3] / file
        before = path.read_text()
        path.write_text(f"{before}{row}\n")
        assert main(call) == 2
        assert f"[out] holds what was learned from [{file}] as it was, it has changed" in capsys.readouterr().err
        path.write_text(before)
    assert main([*call, "--strenghts=[1]"]) == 2
    assert "Did you mean [strengths]" in capsys.readouterr().err
    assert main(["pretrain", "--datasets", "one", "twoo", "--output", "other"]) == 2
    assert "[twoo]" in capsys.readouterr().err and not (workplace / "other").exists(), "told before anything is done"


def test_a_damaged_artifact_is_made_again_or_told_how_to_be(
    values: Callable[[str], dict[str, Any]], workplace: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call = quick_call(encoder)
    assert main(call) == 0
    card, weights = (workplace / "out" / name for name in (CARD, WEIGHTS))
    told, whole = card.read_text(), weights.read_bytes()
    for damaged in (None, whole[:100]):
        weights.unlink() if damaged is None else weights.write_bytes(damaged)
        assert main(call) == 0, capsys.readouterr().err
        assert weights.read_bytes() == whole and card.read_text() == told
    for damage in ('{"format": 1}', "{", '{"format": 2}'):
        card.write_text(damage)
        assert main(call) == 2
        assert "To begin again, remove that file or name another --output." in capsys.readouterr().err
    card.unlink()
    assert main(call) == 0 and load(workplace / "out").statistics


def test_the_folder_of_a_configuration_file_is_where_property_files_are_read_too(
    values: Callable[[str], dict[str, Any]], workplace: Path, encoder: str
) -> None:
    (workplace / "dataset").rename(workplace / "moved")
    for name in ("one", "two"):
        (workplace / "moved" / name / f"{name}.yaml").write_text("user_inter_num_interval: '[10,10]'\n")
    (workplace / "more.yaml").write_text("data_path: moved\n")
    call = ["pretrain", "--datasets", "one", "two", "--output", "out", "--config_files", "more.yaml",
            f"--text_encoder={encoder}", "--text_max_length=16", "--powers=[1.0]", "--strengths=[1.0]",
            "--lexical_weights=[0.0]", "--fusion_knowledge=False"]  # fmt: skip
    assert main(call) == 0
    told = load(workplace / "out").card["sources"]
    assert [source["read_by"]["user_inter_num_interval"] for source in told] == ["[10,10]"] * 2
    assert main([*call, "--data-path", "nowhere"]) == 2, "what the command line says goes over files"


def test_one_data_set_under_two_names_is_refused(
    values: Callable[[str], dict[str, Any]], workplace: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "dataset" / "copy").mkdir()
    for suffix in ("inter", "item"):
        shutil.copy(workplace / "dataset" / "one" / f"one.{suffix}", workplace / "dataset" / "copy" / f"copy.{suffix}")
    call = ["pretrain", "--datasets", "one", "two", "copy", "--output", "out", f"--text_encoder={encoder}"]
    assert main(call) == 2
    said = "The sources [one] and [copy] have the same interactions: leave one of them out."
    assert said in capsys.readouterr().err and not (workplace / "out").exists()


def test_sources_that_share_interactions_are_warned_of(
    values: Callable[[str], dict[str, Any]], workplace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A copy in another order has another digest, and learns what is held out of the first."""
    Pretraining(["one", "two"], values, PretrainOptions.read(KEYS), workplace / "out").run()
    assert "of the interactions of" not in caplog.text
    (workplace / "dataset" / "copy").mkdir()
    shutil.copy(workplace / "dataset" / "one" / "one.item", workplace / "dataset" / "copy" / "copy.item")
    head, *rows = (workplace / "dataset" / "one" / "one.inter").read_text().splitlines()
    (workplace / "dataset" / "copy" / "copy.inter").write_text("\n".join([head, *rows[::-1]]) + "\n")
    made = Pretraining(["one", "two", "copy"], values, PretrainOptions.read(KEYS), workplace / "other").run()
    assert caplog.text.count("of the interactions of [one] are in [copy], too") == 1
    assert caplog.text.count("are in [") == 1
    pairs = likeness.of_interactions(*zip(*(row.split("\t")[:2] for row in rows), strict=True))
    assert made.learned_from((), pairs=pairs) == "one"


def test_known_keys_that_say_nothing_here_are_told() -> None:
    own = set(KEYS)
    read = {"whitening": 0.4, "text_fields": ["title"], "threshold": {"rating": 4}, "load_col": None, "data_path": "d"}
    assert unread({**read, "gpu_id": "", "use_gpu": False}, own) == []
    told = unread({"learning_rate": 0.1, "contrastive_steps": 9, "text_last_layers": 1, **read}, own)
    assert told == [
        "[learning_rate] is a key of other commands, ktrec pretrain does not read it.",
        "[contrastive_steps] is not used: text_encoder_training is [frozen].",
        "[text_last_layers] is not used: text_encoder_training is [frozen].",
    ]
    assert unread({"contrastive_steps": 9, "text_lora_rank": 4, "text_encoder_training": "lora"}, own) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [("powers", [0]), ("strengths", [2.0]), ("seed", -1), ("fusion_knowledge", 1), ("candidates", 1.5)],
)
def test_bad_values_are_named(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=key):
        PretrainOptions.read({**KEYS, key: value})


def test_sources_that_cannot_be_used_are_named(values: Callable[[str], dict[str, Any]], workplace: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[one\] is named twice"):
        Pretraining(["one", "one"], values, PretrainOptions.read(KEYS), workplace / "out")
    (workplace / "dataset" / "two" / "two.item").unlink()
    with pytest.raises(DataError, match=r"two.item\] is missing"):
        read_domain("two", values("two"), PretrainOptions.read(KEYS))


def test_damaged_part_is_named(values: Callable[[str], dict[str, Any]], workplace: Path) -> None:
    options = PretrainOptions.read({**KEYS, "fusion_knowledge": False})
    Pretraining(["one"], values, options, workplace / "out").run()
    (part,) = (workplace / "out" / "parts").glob("one-*.safetensors")
    part.write_bytes(b"no")
    with pytest.raises(DataError, match=part.name):
        Pretraining(["one"], values, options, workplace / "out").run()
    for kept in (workplace / "out" / "parts").glob("*.json"):
        assert json.loads(kept.read_text())


def test_what_is_held_out_is_ranked_among_all(values: Callable[[str], dict[str, Any]], workplace: Path) -> None:
    domain = read_domain("one", values("one"), PretrainOptions.read(KEYS))
    assert len(domain.columns) == 30  # all items
    forms = [(1.0, 0.0), (2.0, 0.6)]
    for (power, weight), found in zip(forms, domain.ndcg(domain.vectors, forms, 30), strict=True):
        prior = text_neighbours(domain.vectors, domain.words, 30, weight, power)
        scores = (domain.sample.rows @ prior).toarray()
        scores[domain.sample.rows.toarray() > 0] = -np.inf
        wanted = domain.sample.positives.indices
        own = scores[np.arange(len(wanted)), wanted][:, None]
        rank = (scores[:, 1:] >= own * (1 - 1e-6)).sum(axis=1)  # itself among them
        assert found == pytest.approx(np.where(rank <= 10, 1 / np.log2(rank + 1.0), 0).mean())
