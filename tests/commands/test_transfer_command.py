"""``ktrec transfer-report`` from the outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from recbole_ktrec.cli import main


def test_help_states_the_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["transfer-report", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert done.value.code == 0 and "a random sample of that share of the training users" in said
    assert "whole training history is the query" in said and "--shares" in said


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--jobs", "0"], "--jobs [0]"),
        (["--shares", "120"], "[120]"),
        (["--time-limit", "-5"], "--time-limit [-5.0] is not a number above 0"),
        (["--cold-share", "0.7"], "--cold-share [0.7]: the split random takes no share"),
        (["--seeds", "-1", "5"], "seeds [-1, 5] must be"),
        (["--transfer", "zero_shot"], "transfer"),
        (["--reg_wieght=3"], "Did you mean [reg_weight]"),
        (["--seed=3"], "Key [seed] is the same for every job: give --seeds."),
        (["--eval_args={order: TO}"], "Key [eval_args] is the same for every job: give --split."),
        (["--benchmark_filename=[a,b,c]"], "Key [benchmark_filename] is the same for every job: give --split."),
        (["--topk=[5]"], "Key [topk]: the report is of NDCG@10 and Recall@10: leave it out."),
        (["--metrics=[MRR]"], "Key [metrics]: the report is of NDCG@10 and Recall@10: leave it out."),
        (["--valid_metric=MRR@10"], "Key [valid_metric]: the report is of NDCG@10"),
        (["--config_files=own.yaml"], "Key [model] is the same for every job: give --model."),
        ([], "card.json"),
    ],
)
def test_mistakes_end_with_a_message(
    workplace: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    (workplace / "own.yaml").write_text("model: KTRec\n")
    call = ["transfer-report", "--dataset", "tiny", "--pretrained", "nothing", "--output", "out", *more]
    assert main(call) == 2
    assert message in capsys.readouterr().err
