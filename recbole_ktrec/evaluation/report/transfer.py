"""The transfer curve as Markdown, with one honest line each for zero-shot, 10 % and everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from recbole_ktrec.evaluation.report.summary import FEW
from recbole_ktrec.model.prior_shape import UNTRAINED, PriorShape

SHARE = {
    "users": "A share is one of users: a random sample of that share of the training users, the smaller within the "
    "larger, gives its training interactions to learn from and its validation interactions to choose on. At every "
    "share each test user's whole training history is the query at scoring time.",
    "interactions": "A share is one of interactions: a random sample of that share of all training interactions, the "
    "smaller within the larger, is what is known of the histories, to learn from and to ask with, and of the "
    "validation interactions (of users who have one of them) to choose on. At 0 % the whole histories ask, so that "
    "row is not to be compared with the others.",
}
PROTOCOL = (
    "The same test interactions are asked for at every share, and "
    "the same items are ranked (all of them, without the user's training and validation items). At 0 % nothing is "
    "learned or chosen on the target; what a text says of an item, and which items there are, is known at every share."
)
_MARKS = (
    "Mean over seeds ± standard deviation. **x better**: transferred over the better of scratch and kernel. "
    "**Negative transfer**: transferred lies below from-scratch (at 0 %: below the kernel) beyond the 95 % bootstrap "
    "interval of the paired difference over users, and p < .05 (paired permutation test, before Holm's correction: a "
    "warning needs less than a claim); **below the kernel**: it does not, but lies so below the kernel. ▲ above both "
    "beyond the intervals, p < .05 after the correction; ≈ none of these. Cold items have no interaction in the whole "
    "training part."
)
_GUARD = (
    "By seed. Inside the guard, untrained is the text prior as it is without the artifact, scratch one whose metric is "
    "learned from the target alone (which the column scratch does not have): where one of these was taken, nothing of "
    "the sources is in the scores, and a gain over the column scratch is none of transfer. See unguarded then."
)
_UNUSED = (
    "**Texts are compared as without the artifact, also where it was taken**: the histories of its sources are too "
    "unlike those here (the logs in jobs/ say so then), or nothing that was learned from them did better. So the same "
    "scores say nothing of transfer from sources more like this target."
)
TITLES = {"ndcg@10": "NDCG@10", "recall@10": "Recall@10"}
COLUMNS = ("transferred", "unguarded", "scratch", "kernel", "shuffled", "EASE")


class Numbers:
    """The curve of a results file by share, variant and metric."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        self.shares = results["settings"]["shares"]
        self.sample = results["settings"].get("sample", "users")  # what a share is one of
        self.rows = {(row["share"], row["variant"], row["metric"]): row for row in results["curve"]}
        self.compared = {
            (row["share"], row["variant"], row["with"], row["metric"]): row for row in results["comparisons"]
        }
        self.used: dict[float, Counter[str]] = {}  # by share, what the guard took
        for run in results["runs"]:
            if run["variant"] == "transferred" and run["share"] > 0 and run.get("choice"):
                self.used.setdefault(run["share"], Counter())[took(run["choice"])] += 1

    def mean(self, share: float, variant: str, metric: str) -> float | None:
        """Mean over seeds, or None where there is no result."""
        row = self.rows.get((share, variant, metric))
        return None if row is None else row["mean"]

    def reference(self, share: float, metric: str) -> str | None:
        """The better of scratch and kernel."""
        found = {name: self.mean(share, name, metric) for name in ("scratch", "kernel")}
        there = {name: value for name, value in found.items() if value is not None}
        return max(there, key=lambda name: there[name]) if there else None

    def against(self, share: float, other: str | None, metric: str) -> dict[str, Any] | None:
        """The comparison of transferred with another variant, on the seeds that both have; None where there is none."""
        return self.compared.get((share, "transferred", str(other), metric))

    def asked(self, metric: str) -> str:
        """Return how many users the comparisons of ``metric`` are of, for a heading."""
        users = [row["users"] for key, row in self.compared.items() if key[3] == metric and "users" in row]
        return f" (n {max(users):,})" if users else ""

    def mark(self, share: float, metric: str) -> str:
        """Return what the paired differences say, see :data:`_MARKS`, or that there are too few of them."""
        plainer = ("kernel",) if share == 0 else ("scratch", "kernel")
        found = {name: self.against(share, name, metric) for name in plainer}
        there = {name: row for name, row in found.items() if row is not None}
        if not there:
            return ""
        if max(row.get("users", FEW) for row in there.values()) < FEW:
            return f"fewer than {FEW} users"
        judge = there.get("kernel" if share == 0 else "scratch")
        if judge is not None and judge["worse"]:
            return "negative transfer"
        if "kernel" in there and there["kernel"]["worse"]:
            return "below the kernel"
        return "▲" if len(there) == len(plainer) and all(row["better"] for row in there.values()) else "≈"


def took(choice: Mapping[str, Any]) -> str:
    """Return what the guard took; of KTRec for each of its parts, which are guarded on their own."""
    own = choice["used"] + ("" if choice.get("ndcg", True) else " without a comparison")
    closed = choice.get("closed_form")
    return f"{own} for the neural part and {took(closed)} for the closed form" if closed else own


def _names(share: float) -> str:
    return {0.0: "Zero-shot", 100.0: "With everything (100 %)"}.get(share, f"At {share:g} %")


def verdicts(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return share and one line of text for 0, 10 and 100 %, where they were measured."""
    numbers = Numbers(results)
    found = [(share, _verdict(numbers, share)) for share in (0.0, 10.0, 100.0) if share in numbers.shares]
    return [{"share": share, "text": text} for share, text in found]


def _verdict(numbers: Numbers, share: float) -> str:
    metric = "ndcg@10"
    reference, mine = numbers.reference(share, metric), numbers.mean(share, "transferred", metric)
    row = numbers.against(share, reference, metric)
    if mine is None or row is None or row["ratio"] is None:
        return f"{_names(share)}: no verdict, results are missing."
    low, high = row["interval"]
    what = {"scratch": "from scratch", "kernel": "the untrained kernel"}[str(reference)]
    judged = "better" if row["better"] else "worse" if row["worse"] else "no difference beyond chance"
    judged = "the same scores" if low == high == 0 else judged
    corrected = f", {row['p_holm']:.3g} after Holm" if "p_holm" in row else ""
    mark = numbers.mark(share, metric)
    named = "; NEGATIVE TRANSFER" if mark == "negative transfer" else f" ({mark})" if mark.startswith("fewer") else ""
    return (
        f"{_names(share)}: NDCG@10 {mine:.4f}, {row['ratio']:.3f} x {what} ({row['difference']:+.4f}, 95 % interval "
        f"{low:+.4f} to {high:+.4f}, p {row['p']:.3g}{corrected}): {judged}{named}. "
        f"{_texts(numbers, share, metric, row['better'])}{_taken(numbers, share)}"
    )


def _texts(numbers: Numbers, share: float, metric: str, gained: bool) -> str:
    """Return what the control with shuffled texts says; without a gain there is nothing to explain."""
    row, value = numbers.against(share, "shuffled", metric), numbers.mean(share, "shuffled", metric)
    if row is None or value is None:
        return "The control with shuffled texts has no result."
    below, so = (
        ("clearly below", "it comes from the texts") if row["better"] else ("NOT below", "texts do not explain it")
    )
    return f"With shuffled texts {value:.4f}: {below}{f', so {so}' if gained else ''}."


def _taken(numbers: Numbers, share: float) -> str:
    used = numbers.used.get(share)
    return f" The guard took {listed_counts(used)}." if used else ""


def listed_counts(used: Counter[str]) -> str:
    """Return what was taken how often, the most frequent first."""
    return ", ".join(f"{name} ({count} of {used.total()})" for name, count in used.most_common())


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "–"
    return f"{row['mean']:.4f}" + ("" if row["std"] is None else f" ± {row['std']:.4f}")


def _table(numbers: Numbers, metric: str) -> str:
    lines = ["| share | " + " | ".join(COLUMNS) + " | x better | |", "|---" * (len(COLUMNS) + 3) + "|"]
    for share in numbers.shares:
        cells = [_cell(numbers.rows.get((share, variant, metric))) for variant in COLUMNS]
        row = numbers.against(share, numbers.reference(share, metric), metric)
        ratio = "–" if row is None or row["ratio"] is None else f"{row['ratio']:.3f}"
        last = [ratio, numbers.mark(share, metric)]
        lines.append("| " + " | ".join([f"{share:g} %", *cells, *last]) + " |")
    return "\n".join(lines)


def render(results: Mapping[str, Any], plotted: bool) -> str:
    """Return the report of ``results``; ``plotted`` says whether ``curve.png`` lies beside it."""
    settings, artifact, numbers = results["settings"], results["artifact"], Numbers(results)
    parts = [f"# Transfer to {settings['dataset']}"]
    parts.append(
        f"Knowledge from {', '.join(artifact['sources'])}; model {settings['model']}, transfer {settings['transfer']}, "
        f"split {settings['split']}{_cold(settings)}, seeds {', '.join(map(str, settings['seeds']))}."
    )
    parts.append(_encoders(artifact))
    if artifact["target_among_sources"]:
        parts.append("**The target is one of the sources: what follows is no transfer.**")
    if artifact.get("same_texts"):
        parts.append(f"**{artifact['same_texts']}**")
    parts += [_UNUSED] if _is_unused(results) else []
    parts += ["\n".join(f"- {one['text']}" for one in results["verdicts"])]
    parts += ["![curve](curve.png)"] if plotted else []
    for metric in [group + name for group in ("", "cold/", "cold only/") for name in TITLES]:
        if any(key[2] == metric for key in numbers.rows):
            parts += [f"## {title(metric)}{numbers.asked(metric)}", _table(numbers, metric)]
    parts += [_MARKS, "## Protocol", f"{SHARE[numbers.sample]} {PROTOCOL}"]
    parts.append("\n".join(f"- **{name}**: {text}." for name, text in settings["variants"].items()))
    if settings["model"] == "KTRec":
        parts.append("At 0 % KTRec is its closed form alone (KTEASE): nothing else of it is there before training.")
    if numbers.used:
        taken = [f"- {share:g} %: {listed_counts(used)}" for share, used in sorted(numbers.used.items())]
        parts += ["## What the guard took", _GUARD, "\n".join(taken)]
    failed = [run for run in results["runs"] if run["status"] != "done"]
    if failed:
        parts.append("## Without a result")
        parts += [f"- {run['variant']} at {run['share']:g} %, seed {run['seed']}: {run['error']}" for run in failed]
    return "\n\n".join(parts) + "\n"


def _is_unused(results: Mapping[str, Any]) -> bool:
    """Whether no run that took the artifact compares texts by what the sources say, or with their language model."""
    artifact, plain = results["artifact"], list[bool]()
    for run in results["runs"]:
        choice = run.get("choice") or {}
        if run["variant"] in ("transferred", "unguarded") and choice.get("used") == "transferred" and "shape" in choice:
            plain.append(_is_plain(PriorShape(**choice["shape"]), chosen_here=run["share"] > 0))
    return bool(plain) and all(plain) and artifact["encoder"]["sha256"] == artifact["untrained_encoder"]["sha256"]


def _is_plain(shape: PriorShape, chosen_here: bool) -> bool:
    """Whether a shape has nothing of the sources; how much shared words count is chosen on the target, if it can be."""
    words = UNTRAINED.lexical_weight if chosen_here else shape.lexical_weight
    return not shape.strength and (shape.power, words) == (UNTRAINED.power, UNTRAINED.lexical_weight)


def _cold(settings: Mapping[str, Any]) -> str:
    """Return how many of the items are cold, where the split makes some so."""
    share = settings.get("cold_share")
    return "" if share is None else f" ({100 * share:g} % of the items)"


def _encoders(artifact: Mapping[str, Any]) -> str:
    """Return whose text vectors the columns read."""
    own, untrained = artifact["encoder"], artifact["untrained_encoder"]
    if own["sha256"] == untrained["sha256"]:
        return f"All texts are read with {_encoder(untrained)}."
    return (
        f"Kernel, scratch and what is untrained inside the guard read texts with {_encoder(untrained)}, the others "
        f"with the artifact's language model {_encoder(own)}, which was trained from it."
    )


def _encoder(fingerprint: Mapping[str, Any]) -> str:
    return f"[{fingerprint['encoder']}] (sha256 {fingerprint['sha256'][:16]})"


def title(metric: str) -> str:
    """Return what a reader calls ``group/metric``."""
    group, _, name = metric.rpartition("/")
    kinds = {"": "", "cold": ", cold items among all", "cold only": ", cold items among themselves"}
    return TITLES.get(name, name) + kinds.get(group, f", {group}")
