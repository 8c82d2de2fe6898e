"""Whether a model fits, and how long a sequence may be.  Law: pure arithmetic over registry facts, all of it printable.

The sum is the one that vLLM makes when it starts.  It takes a share of each device's memory
(`gpu_memory_utilization`); from that it subtracts the weights, the peak of one profiled batch, the LoRA buffers and
the memory of CUDA and NCCL.  The rest is the KV cache.  A model fits when the cache has room for one sequence of the
wanted length.  Sizes are GiB, per device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.registries.rows import Entry

GIB = 1 << 30
BYTES = {"float32": 4.0, "float": 4.0, "bfloat16": 2.0, "float16": 2.0, "half": 2.0, "fp8": 1.0, "int8": 1.0}
# The part of the reported memory that programs may use: the rest is for page tables, ECC rows and the driver.
USABLE = 0.985
# CUDA context and libraries of one process; NCCL's buffers once there are several.
CONTEXT_GIB, NCCL_GIB = 0.30, 0.45
# The batch that vLLM profiles by default, in tokens and in sequences; devices of 70 GiB and more take a larger one,
# unless the device's row has `small_batches` (vllm/engine/arg_utils.py, get_batch_defaults).
BATCH, LARGE_BATCH, LARGE_GIB = (2048, 256), (8192, 1024), 70
# Bytes per logit at the peak: 32-bit logits, their sorted copy with 64-bit indices, probabilities and their sums.
LOGIT_BYTES = 28
NO, TIGHT, FITS = "no", "tight", "fits"
# An endpoint has several callers: with room for fewer sequences of full length than this, the fit is tight.
COMFORTABLE = 4
BLOCK = 16  # tokens are kept in blocks of this many


class EngineSettings(NamedTuple):
    """The settings of an engine that decide its use of memory; None where the engine chooses.

    length: tokens of a sequence; sequences and batched_tokens: the largest batch; cache_dtype: of the KV cache;
    methods: the facts about each quantisation method (quantizations.yaml).
    """

    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    utilization: float = 0.9
    length: int | None = None
    sequences: int | None = None
    batched_tokens: int | None = None
    dtype: str = ""
    quantization: str = ""
    cache_dtype: str = ""
    loras: int = 0
    lora_rank: int = 16
    methods: Mapping[str, Entry] = EMPTY


class Device(NamedTuple):
    """One accelerator: its name, and the memory that programs may use; small_batches: it takes no larger batch."""

    name: str
    memory_gib: float
    small_batches: bool = False


class Fit(NamedTuple):
    """The sum, per device.

    token_bytes: the cache for one token; fixed_bytes: the cache for a sequence of any length; native: the model's own
    limit for the length of a sequence.
    """

    budget: float
    weights: float
    activation: float
    lora: float
    context: float
    token_bytes: float
    fixed_bytes: float
    native: int
    settings: EngineSettings
    device: Device

    @property
    def cache(self) -> float:
        """GiB that are left for the KV cache; negative when the weights alone do not fit."""
        return self.budget - self.weights - self.activation - self.lora - self.context

    @property
    def tokens(self) -> int:
        """The number of tokens for which the cache has room."""
        if self.cache <= 0:
            return 0
        return int(self.cache * GIB / self.token_bytes) // BLOCK * BLOCK if self.token_bytes else self.native

    @property
    def length(self) -> int:
        """The wanted length of a sequence: the one that is set, else the model's own limit."""
        return self.settings.length or self.native

    def sequences(self, length: int) -> float:
        """The number of sequences of a length for which the cache has room at a time."""
        each = length * self.token_bytes + self.fixed_bytes
        return max(self.cache, 0) * GIB / each if each else 0.0

    @property
    def verdict(self) -> str:
        """`no`: the engine refuses to start; `tight`: it starts, for a few callers at a time; `fits`."""
        number = self.sequences(self.length)
        return NO if number < 1 else TIGHT if number < COMFORTABLE else FITS

    @property
    def longest(self) -> int:
        """The largest length of which one sequence fits, at most the model's own; 0 when none does."""
        return self.length_of(1)

    def length_of(self, sequences: int) -> int:
        """The largest length at which this number of sequences fits, at most the model's own; 0 when none does."""
        room = max(self.cache, 0) * GIB / sequences - self.fixed_bytes
        if room <= 0:
            return 0
        most = int(room / self.token_bytes) if self.token_bytes else self.native
        return min(most // BLOCK * BLOCK, self.native or most)

    def lines(self) -> list[str]:
        """The arithmetic, one term in a line."""
        settings = self.settings
        share = f"{self.device.memory_gib:.2f} GiB of {self.device.name} x {settings.utilization:g}"
        over = settings.tensor_parallel * settings.pipeline_parallel
        terms = [
            (self.budget, f"budget: {share}"),
            (-self.weights, f"weights, over {over} device{'s' if over > 1 else ''}"),
            (-self.activation, "peak of the profiled batch"),
            (-self.lora, f"LoRA buffers: {settings.loras} of rank {settings.lora_rank}"),
            (-self.context, "CUDA context" + (" and NCCL" if over > 1 else "")),
        ]
        shown = [f"{size:8.2f} GiB  {words}" for size, words in terms if size]
        shown.append(f"{self.cache:8.2f} GiB  left for the KV cache")
        if self.cache > 0 and self.token_bytes:
            shown.append(f"= {self.tokens:,} tokens of {self.token_bytes / 1024:g} KiB per device")
            shown.append(f"{self.sequences(self.length):8.1f} sequences of {self.length:,} tokens at a time")
        return shown


def can_estimate(facts: Mapping[str, Any]) -> bool:
    """Whether a model's row has the facts that the sum needs."""
    shapes = {"layers", "kv_heads", "head_dim", "hidden_size", "max_position_embeddings"}
    return knows_weights(facts) and shapes <= set(facts)


def knows_weights(facts: Mapping[str, Any]) -> bool:
    """Whether a model's row has the size of its weights."""
    return "parameters" in facts or "weight_gib" in facts


def weight_gib(facts: Mapping[str, Any], settings: EngineSettings) -> float:
    """Weights of the whole model.  A checkpoint's own size is taken where it is known and not quantised on load."""
    own = str(facts.get("quantization", ""))
    if settings.quantization and settings.quantization != own:
        return _quantised(facts, settings, settings.quantization)
    if "weight_gib" in facts:
        return float(facts["weight_gib"]) * _method(settings, own, "loaded", 1.0)
    return _quantised(facts, settings, own)


def _quantised(facts: Mapping[str, Any], settings: EngineSettings, method: str) -> float:
    """GiB of the weights under a quantisation method: it shrinks linear layers, not embeddings and output."""
    # a checkpoint of 32 bits is loaded as one of 16, unless another format is set (vllm/config/model.py)
    plain = BYTES.get(settings.dtype) or min(BYTES.get(str(facts.get("dtype", "")), 2.0), 2.0)
    small = _method(settings, method, "bits_per_weight", 8 * plain) / 8
    ends = 2 * facts.get("vocab_size", 0) * facts.get("hidden_size", 0)
    return float(ends * plain + max(facts["parameters"] - ends, 0) * small) / GIB


def _method(settings: EngineSettings, name: str, fact: str, default: float) -> float:
    """A fact about a quantisation method."""
    row = settings.methods.get(name)
    return float(row.facts.get(fact, default)) if row is not None else default


def estimate(facts: Mapping[str, Any], device: Device, settings: EngineSettings) -> Fit:
    """The sum for one model on devices of one kind.  Call only when `possible(facts)`."""
    split = settings.tensor_parallel * settings.pipeline_parallel
    token, fixed = _cache(facts, settings, _batch(device, settings)[0])
    return Fit(
        budget=device.memory_gib * settings.utilization,
        weights=weight_gib(facts, settings) / split,
        activation=_activation(facts, device, settings),
        lora=_lora(facts, settings),
        context=CONTEXT_GIB + (NCCL_GIB if split > 1 else 0.0),
        token_bytes=token,
        fixed_bytes=fixed,
        native=int(facts.get("max_position_embeddings", 0)),
        settings=settings,
        device=device,
    )


def _batch(device: Device, settings: EngineSettings) -> tuple[int, int]:
    """The largest batch, in tokens and in sequences: the one that is set, else the engine's own."""
    large = device.memory_gib >= LARGE_GIB * USABLE and not device.small_batches
    tokens, sequences = LARGE_BATCH if large else BATCH
    return settings.batched_tokens or tokens, settings.sequences or sequences


def _cache(facts: Mapping[str, Any], settings: EngineSettings, batch: int) -> tuple[float, float]:
    """Bytes of KV cache per token, and per sequence of any length, on one device.  batch: in tokens."""
    width = 1.0 if settings.cache_dtype.startswith(("fp8", "int8")) else 2.0
    layers = facts["layers"]
    if "mla" in facts:  # one latent vector per token and layer, the same on every device
        latent = facts["mla"]["kv_lora_rank"] + facts["mla"]["rope_head_dim"]
        return latent * width * layers / settings.pipeline_parallel, 0.0
    heads = max(facts["kv_heads"] / settings.tensor_parallel, 1)
    per_layer = 2 * heads * facts["head_dim"] * width / settings.pipeline_parallel
    window = facts.get("sliding_window") or {}
    growing = facts.get("full_attention_layers", max(layers - window.get("layers", 0), 0))
    # besides the window, the batch that is being read (vllm/v1/kv_cache_interface.py, SlidingWindowSpec)
    kept = min(window.get("window", 0) - 1 + batch, settings.length or facts["max_position_embeddings"])
    return per_layer * growing, per_layer * window.get("layers", 0) * kept


def _activation(facts: Mapping[str, Any], device: Device, settings: EngineSettings) -> float:
    """The peak of the batch that the engine profiles: hidden states, the wide layer between, and the logits."""
    tokens, sequences = _batch(device, settings)
    hidden = facts["hidden_size"]
    inner = facts.get("intermediate_size", 3.5 * hidden) / settings.tensor_parallel
    states = tokens * (6 * hidden + 3 * inner) * 2
    logits = min(sequences, tokens) * facts.get("vocab_size", 32000) * LOGIT_BYTES
    return float(states + logits) / GIB


def _lora(facts: Mapping[str, Any], settings: EngineSettings) -> float:
    """Buffers for adapters on every linear layer: rank x (in + out) each, two bytes a number."""
    if not settings.loras:
        return 0.0
    hidden = facts["hidden_size"]
    inner = facts.get("intermediate_size", 3.5 * hidden)
    heads = facts.get("attention_heads", 0) * facts["head_dim"] or hidden
    narrow = facts["kv_heads"] * facts["head_dim"]
    ends = 3 * hidden + heads + 2 * narrow + heads + hidden + 2 * hidden + 2 * inner + inner + hidden
    split = settings.tensor_parallel * settings.pipeline_parallel
    return float(settings.loras * settings.lora_rank * facts["layers"] * ends * 2) / split / GIB
