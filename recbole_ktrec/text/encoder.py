"""A pre-trained language model as a module: texts in, one vector a text out, with gradient where it is trained."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.text import prompts, training
from recbole_ktrec.text.batching import attention_mask, pad, pool, token_batches
from recbole_ktrec.text.encoder_loading import check_dtype, load_model
from recbole_ktrec.text.fingerprint import encoder_fingerprint
from recbole_ktrec.text.locate import locate_encoder
from recbole_ktrec.text.settings import TextSettings

#: What mixes neighbours or all places whatever the mask says: beside a longer text such a text had another vector.
_READS_PADDING = frozenset("canine convbert fnet funnel nystromformer yoso".split())
#: Token ids of one text; empty for "no text", whose vector is zero.
TokenIds = list[int]


class TextEncoder(nn.Module):
    """A transformer with pooling; make one with :meth:`load`.

    ``state_dict`` holds the trained parameters only, and loading takes the others from the files of the encoder: a
    checkpoint of a frozen encoder costs nothing, one of a LoRA adapter a few hundred kilobytes.

    Attributes:
        dim: length of a vector.
        fingerprint: what the vectors depend on (see :mod:`recbole_ktrec.text.fingerprint`).
    """

    def __init__(self, model: Any, tokenizer: Any, settings: TextSettings, fingerprint: dict[str, Any]) -> None:
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.settings = settings
        self.fingerprint = fingerprint
        own = model.config.get_text_config()
        self.dim: int = getattr(own, "word_embed_proj_dim", None) or own.hidden_size  # OPT: its last layer projects
        # A token for padding that the tokenizer was given later may have no row in the model.
        rows = getattr(own, "vocab_size", None) or float("inf")
        ends = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
        self._pad_id = next(i for i in ends if i is not None and i < rows)
        self._known: dict[str, TokenIds] = {}
        self.set_training("frozen")

    @classmethod
    def load(cls, settings: TextSettings, device: torch.device | str = "cpu") -> TextEncoder:
        """Find, check and load the encoder that ``settings`` name, frozen and in evaluation mode.

        Raises:
            EncoderError: it cannot be found, trusted or loaded.
            ConfigError: ``text_max_length`` is more than the model can read, or the device lacks ``text_dtype``.
        """
        check_dtype(settings.dtype, device)
        source = locate_encoder(settings)
        source.verify()
        tokenizer, model = load_model(source, settings)
        return cls(model, tokenizer, settings, encoder_fingerprint(settings, source)).to(device)

    @property
    def batch_tokens(self) -> int:
        """Tokens of a batch: as set, or what is fast on the device (measured: MiniLM on a CPU, 137 texts/s at 1024)."""
        return self.settings.batch_tokens or (1024 if self.device.type == "cpu" else 16384)

    @property
    def device(self) -> torch.device:
        """The device that the encoder is on."""
        return next(self.model.parameters()).device

    def tokenize(self, texts: Sequence[str | None], remember: bool = True) -> list[TokenIds]:
        """Return the token ids of each text, prompt and special tokens included (none for None).

        Args:
            remember: keep them, so that a text that comes again is not tokenised again.
        """
        known = self._known if remember else {}
        new = [text for text in dict.fromkeys(texts) if text is not None and text not in known]
        if new:
            known.update(zip(new, self._tokenize(new), strict=True))
        return [[] if text is None else known[text] for text in texts]

    def _tokenize(self, texts: list[str]) -> list[TokenIds]:
        return prompts.tokenize(self.tokenizer, texts, self.settings.prompt, self.settings.max_length)

    def forward(self, texts: Sequence[str | None] | Sequence[Sequence[int]]) -> Tensor:
        """Encode texts, or token ids of :meth:`tokenize`, into [len(texts), dim] float32; zero for an empty one."""
        ids = self._as_ids(texts)
        batches = self._batches(ids)
        if not batches:
            return torch.zeros(len(ids), self.dim, device=self.device)
        rows = torch.cat([self._encode_batch([ids[i] for i in batch]) for batch in batches])
        order = torch.tensor([i for batch in batches for i in batch], device=rows.device)
        return rows.new_zeros(len(ids), self.dim).index_copy(0, order, rows)

    @torch.inference_mode()
    def encode(self, ids: Sequence[TokenIds]) -> Iterator[tuple[list[int], Tensor]]:
        """Yield (positions, vectors [positions, dim] on the CPU) batch by batch, without gradient or dropout."""
        with self._evaluating():
            for batch in self._batches(ids):
                yield batch, self._encode_batch([ids[i] for i in batch]).cpu()

    def _batches(self, ids: Sequence[TokenIds]) -> list[list[int]]:
        equal = self.model.config.model_type in _READS_PADDING
        return token_batches([len(row) for row in ids], self.batch_tokens, equal)

    def vectors(self, texts: Sequence[str | None] | Sequence[Sequence[int]]) -> Tensor:
        """Return [len(texts), dim] on the encoder's device, as :meth:`forward` but without gradient or dropout."""
        matrix = torch.zeros(len(texts), self.dim, device=self.device)
        with torch.no_grad():
            for positions, rows in self.encode(self._as_ids(texts)):
                matrix[positions] = rows.to(matrix.device)
        return matrix

    def _as_ids(self, texts: Sequence[str | None] | Sequence[Sequence[int]]) -> list[TokenIds]:
        if any(isinstance(text, str) for text in texts):
            return self.tokenize(texts)  # type: ignore[arg-type]
        return [list(row) if row else [] for row in texts]  # type: ignore[arg-type]

    def _encode_batch(self, ids: Sequence[Sequence[int]]) -> Tensor:
        # CANINE joins so many characters into one, and takes no text with fewer.
        padded, lengths = pad(ids, self._pad_id, self.device, getattr(self.model.config, "downsampling_rate", 1))
        mask = attention_mask(lengths, padded.shape[1])
        # Without padding there is nothing to mask, and attention without a mask has a faster kernel.
        needed = {"attention_mask": mask} if min(map(len, ids)) < padded.shape[1] else {}
        hidden = self.model(input_ids=padded, **needed).last_hidden_state
        return pool(hidden, mask, self.fingerprint["pooling"])

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        was_training = self.training
        self.eval()
        try:
            yield
        finally:
            self.train(was_training)

    def set_training(self, mode: str | None = None) -> list[nn.Parameter]:
        """Choose what is trained and return those parameters.

        Args:
            mode: ``frozen``, ``last_layers`` (the last ones and the final norm), ``lora`` (adapters; needs the extra
                [lora]) or ``full``; by default that of the settings, which also say how many layers, and which rank.

        Raises:
            ConfigError: an unknown mode, more layers than there are, or weights in a format that rounds updates away.
            MissingExtraError: peft is not installed.
        """
        mode = self.settings.encoder_training if mode is None else mode
        if self.settings.dtype != "float32" and mode != "frozen":
            raise ConfigError(
                f"text_dtype [{self.settings.dtype}] is too coarse for weights in training ({mode}): most updates are "
                "rounded away. Use float32; with contrastive_dtype [bfloat16] the steps of `ktrec pretrain` are faster."
            )
        training.choose(self.model, mode, self.settings)
        self.train(self.training)
        return self.trainable_parameters()

    def trainable_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that are trained."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def train(self, mode: bool = True) -> TextEncoder:
        """Switch dropout on only where something is trained: what is frozen gives the same each time."""
        super().train(mode)
        if mode:
            training.quiet_frozen(self)
        return self

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """Return the trained parameters only (see the class)."""
        state = super().state_dict(*args, **kwargs)
        for name in self._untrained():
            state.pop(kwargs.get("prefix", "") + name, None)
        return state

    def _untrained(self) -> dict[str, Tensor]:
        """Return what the files of the encoder hold already; adapters are never part of it."""
        trained = {name for name, p in self.named_parameters() if p.requires_grad or "lora_" in name}
        return {name: value for name, value in super().state_dict().items() if name not in trained}

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        for name, value in self._untrained().items():
            state_dict.setdefault(prefix + name, value)
        super()._load_from_state_dict(state_dict, prefix, *args)
