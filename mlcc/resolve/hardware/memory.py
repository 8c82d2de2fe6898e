"""Will a model fit, and how long may a sequence be?  Law: pure arithmetic over registry facts, all of it printable.

The sum is the one that vLLM makes when it starts: of each device's memory a share (`gpu_memory_utilization`) is its
own; weights, the peak of one profiled batch, LoRA buffers and what CUDA and NCCL hold are taken off; what is left is
KV cache.  A model fits when the cache holds one sequence of the wanted length.  Sizes are GiB, per device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mlcc.core.paths import EMPTY
from mlcc.registries.rows import Entry

GIB = 1 << 30
BYTES = {"float32": 4.0, "float": 4.0, "bfloat16": 2.0, "float16": 2.0, "half": 2.0, "fp8": 1.0, "int8": 1.0}
# What a device gives to programs of what it reports: the rest is page tables, ECC rows and the driver's own.
USABLE = 0.985
# CUDA context and libraries of one process; NCCL's buffers once there are several.
CONTEXT_GIB, NCCL_GIB = 0.30, 0.45
# The batch that vLLM profiles where nobody says, in tokens and in sequences; devices of 70 GiB and more take a larger
# one, unless the device's row says otherwise (vllm/engine/arg_utils.py, get_batch_defaults).
BATCH, LARGE_BATCH, LARGE_GIB = (2048, 256), (8192, 1024), 70
# Bytes per logit at the peak: 32-bit logits, their sorted copy with 64-bit indices, probabilities and their sums.
LOGIT_BYTES = 28
NO, TIGHT, FITS = "no", "tight", "fits"
# An endpoint has several callers: with room for fewer sequences of full length than this it fits only just.
COMFORTABLE = 4
BLOCK = 16  # tokens are kept in blocks of this many


class Wanted(NamedTuple):
    """What is asked of the engine; None where nobody says.

    length: tokens of a sequence; sequences and batched_tokens: the largest batch; cache_dtype: of the KV cache;
    methods: what is known of each way to quantise (quantizations.yaml).
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

    token_bytes: what one token takes of the cache; fixed_bytes: what a sequence takes whatever its length; tokens: how
    many the cache holds; native: the model's own limit.
    """

    budget: float
    weights: float
    activation: float
    lora: float
    context: float
    token_bytes: float
    fixed_bytes: float
    native: int
    wanted: Wanted
    device: Device

    @property
    def cache(self) -> float:
        """GiB that are left for the KV cache; negative when not even the weights fit."""
        return self.budget - self.weights - self.activation - self.lora - self.context

    @property
    def tokens(self) -> int:
        """Tokens that the cache holds."""
        if self.cache <= 0:
            return 0
        return int(self.cache * GIB / self.token_bytes) // BLOCK * BLOCK if self.token_bytes else self.native

    @property
    def length(self) -> int:
        """The wanted length of a sequence: what is asked for, else the model's own limit."""
        return self.wanted.length or self.native

    def sequences(self, length: int) -> float:
        """How many sequences of a length the cache holds at a time."""
        each = length * self.token_bytes + self.fixed_bytes
        return max(self.cache, 0) * GIB / each if each else 0.0

    @property
    def verdict(self) -> str:
        """`no`: the engine refuses to start; `tight`: it starts, for a few callers at a time; `fits`."""
        held = self.sequences(self.length)
        return NO if held < 1 else TIGHT if held < COMFORTABLE else FITS

    @property
    def longest(self) -> int:
        """The largest length of which one sequence fits, at most the model's own; 0 when none does."""
        return self.length_of(1)

    def length_of(self, sequences: int) -> int:
        """The largest length of which so many sequences fit at a time, at most the model's own; 0 when none does."""
        room = max(self.cache, 0) * GIB / sequences - self.fixed_bytes
        if room <= 0:
            return 0
        most = int(room / self.token_bytes) if self.token_bytes else self.native
        return min(most // BLOCK * BLOCK, self.native or most)

    def lines(self) -> list[str]:
        """The arithmetic, a term a line."""
        wanted = self.wanted
        share = f"{self.device.memory_gib:.2f} GiB of {self.device.name} x {wanted.utilization:g}"
        over = wanted.tensor_parallel * wanted.pipeline_parallel
        terms = [
            (self.budget, f"budget: {share}"),
            (-self.weights, f"weights, over {over} device{'s' if over > 1 else ''}"),
            (-self.activation, "peak of the profiled batch"),
            (-self.lora, f"LoRA buffers: {wanted.loras} of rank {wanted.lora_rank}"),
            (-self.context, "CUDA context" + (" and NCCL" if over > 1 else "")),
        ]
        shown = [f"{size:8.2f} GiB  {words}" for size, words in terms if size]
        shown.append(f"{self.cache:8.2f} GiB  left for the KV cache")
        if self.cache > 0 and self.token_bytes:
            shown.append(f"= {self.tokens:,} tokens of {self.token_bytes / 1024:g} KiB per device")
            shown.append(f"{self.sequences(self.length):8.1f} sequences of {self.length:,} tokens at a time")
        return shown


def possible(facts: Mapping[str, Any]) -> bool:
    """Whether a model's row has the facts that the sum needs."""
    shapes = {"layers", "kv_heads", "head_dim", "hidden_size", "max_position_embeddings"}
    return sized(facts) and shapes <= set(facts)


def sized(facts: Mapping[str, Any]) -> bool:
    """Whether a model's row says how large its weights are."""
    return "parameters" in facts or "weight_gib" in facts


def weight_gib(facts: Mapping[str, Any], wanted: Wanted) -> float:
    """Weights of the whole model.  A checkpoint's own size beats the product; quantisation on load beats both."""
    own = str(facts.get("quantization", ""))
    if wanted.quantization and wanted.quantization != own:
        return _quantised(facts, wanted, wanted.quantization)
    if "weight_gib" in facts:
        return float(facts["weight_gib"]) * _method(wanted, own, "loaded", 1.0)
    return _quantised(facts, wanted, own)


def _quantised(facts: Mapping[str, Any], wanted: Wanted, method: str) -> float:
    """GiB of the weights where a method makes linear layers small; embeddings and output stay as they are."""
    # a checkpoint of 32 bits is loaded as one of 16, unless somebody asks for more (vllm/config/model.py)
    plain = BYTES.get(wanted.dtype) or min(BYTES.get(str(facts.get("dtype", "")), 2.0), 2.0)
    small = _method(wanted, method, "bits_per_weight", 8 * plain) / 8
    ends = 2 * facts.get("vocab_size", 0) * facts.get("hidden_size", 0)
    return float(ends * plain + max(facts["parameters"] - ends, 0) * small) / GIB


def _method(wanted: Wanted, name: str, fact: str, default: float) -> float:
    """A fact of a way to quantise."""
    row = wanted.methods.get(name)
    return float(row.facts.get(fact, default)) if row is not None else default


def solve(facts: Mapping[str, Any], device: Device, wanted: Wanted) -> Fit:
    """The sum for one model on devices of one kind.  Call only when `possible(facts)`."""
    split = wanted.tensor_parallel * wanted.pipeline_parallel
    token, fixed = _cache(facts, wanted, _batch(device, wanted)[0])
    return Fit(
        budget=device.memory_gib * wanted.utilization,
        weights=weight_gib(facts, wanted) / split,
        activation=_activation(facts, device, wanted),
        lora=_lora(facts, wanted),
        context=CONTEXT_GIB + (NCCL_GIB if split > 1 else 0.0),
        token_bytes=token,
        fixed_bytes=fixed,
        native=int(facts.get("max_position_embeddings", 0)),
        wanted=wanted,
        device=device,
    )


def _batch(device: Device, wanted: Wanted) -> tuple[int, int]:
    """The largest batch, in tokens and in sequences: the one that is asked for, else the engine's own."""
    large = device.memory_gib >= LARGE_GIB * USABLE and not device.small_batches
    tokens, sequences = LARGE_BATCH if large else BATCH
    return wanted.batched_tokens or tokens, wanted.sequences or sequences


def _cache(facts: Mapping[str, Any], wanted: Wanted, batch: int) -> tuple[float, float]:
    """Bytes of KV cache per token, and per sequence whatever its length, on one device.  batch: in tokens."""
    width = 1.0 if wanted.cache_dtype.startswith(("fp8", "int8")) else 2.0
    layers = facts["layers"]
    if "mla" in facts:  # one latent vector per token and layer, the same on every device
        latent = facts["mla"]["kv_lora_rank"] + facts["mla"]["rope_head_dim"]
        return latent * width * layers / wanted.pipeline_parallel, 0.0
    heads = max(facts["kv_heads"] / wanted.tensor_parallel, 1)
    per_layer = 2 * heads * facts["head_dim"] * width / wanted.pipeline_parallel
    window = facts.get("sliding_window") or {}
    growing = facts.get("full_attention_layers", max(layers - window.get("layers", 0), 0))
    # besides the window, the batch that is being read (vllm/v1/kv_cache_interface.py, SlidingWindowSpec)
    kept = min(window.get("window", 0) - 1 + batch, wanted.length or facts["max_position_embeddings"])
    return per_layer * growing, per_layer * window.get("layers", 0) * kept


def _activation(facts: Mapping[str, Any], device: Device, wanted: Wanted) -> float:
    """The peak of the batch that the engine profiles: hidden states, the wide layer between, and the logits."""
    tokens, sequences = _batch(device, wanted)
    hidden = facts["hidden_size"]
    inner = facts.get("intermediate_size", 3.5 * hidden) / wanted.tensor_parallel
    states = tokens * (6 * hidden + 3 * inner) * 2
    logits = min(sequences, tokens) * facts.get("vocab_size", 32000) * LOGIT_BYTES
    return float(states + logits) / GIB


def _lora(facts: Mapping[str, Any], wanted: Wanted) -> float:
    """Buffers for adapters on every linear layer: rank x (in + out) each, two bytes a number."""
    if not wanted.loras:
        return 0.0
    hidden = facts["hidden_size"]
    inner = facts.get("intermediate_size", 3.5 * hidden)
    heads = facts.get("attention_heads", 0) * facts["head_dim"] or hidden
    narrow = facts["kv_heads"] * facts["head_dim"]
    ends = 3 * hidden + heads + 2 * narrow + heads + hidden + 2 * hidden + 2 * inner + inner + hidden
    split = wanted.tensor_parallel * wanted.pipeline_parallel
    return float(wanted.loras * wanted.lora_rank * facts["layers"] * ends * 2) / split / GIB
