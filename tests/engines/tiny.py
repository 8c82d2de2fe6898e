"""Makes a Llama of half a million random weights, its tokenizer, and LoRA adapters of it.  Run by the engine's Python.

python tiny.py FOLDER        # writes FOLDER/model, and FOLDER/adapter, FOLDER/other and FOLDER/large, its adapters
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

WORDS = [
    "hello",
    "world",
    "the",
    "a",
    "cat",
    "sat",
    "on",
    "mat",
    "where",
    "is",
    "user",
    "assistant",
    "system",
    "tell",
    "me",
]
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }} : {{ m['content'] }} {% endfor %}"
    "{% if add_generation_prompt %}assistant :{% endif %}"
)
# Heads of 32: the CPU kernels have no smaller ones.
HIDDEN, LAYERS, HEADS, INNER, RANK = 128, 2, 4, 256, 4
# What the engine of these tests does not take: it is started for adapters of rank 8 or less.
LARGE = 16


def tokenizer(folder: Path) -> int:
    """A tokenizer of whole words; returns how many it knows."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = ["<unk>", "<s>", "</s>", "<pad>", ":", *WORDS, *(f"w{n}" for n in range(200))]
    made = Tokenizer(models.WordLevel({word: n for n, word in enumerate(names)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    return len(names)


def model(folder: Path, vocabulary: int) -> None:
    """Random weights, the same on every machine."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=HIDDEN,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=3,
        tie_word_embeddings=False,
    )
    made = LlamaForCausalLM(config)
    with torch.no_grad():
        for weight in made.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.3)
    made.to(torch.bfloat16).save_pretrained(folder)


def adapter(folder: Path, seed: int, rank: int = RANK) -> None:
    """A LoRA adapter on the queries and values, strong enough to change the answers."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    weights = {}
    for layer in range(LAYERS):
        for name in ("q_proj", "v_proj"):
            stem = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            weights[f"{stem}.lora_A.weight"] = torch.randn(rank, HIDDEN)
            weights[f"{stem}.lora_B.weight"] = torch.randn(HIDDEN, rank)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, str(folder / "adapter_model.safetensors"))
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": 16,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": ["q_proj", "v_proj"],
        "base_model_name_or_path": "tiny",
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings))


if __name__ == "__main__":
    root = Path(sys.argv[1])
    model(root / "model", tokenizer(root / "model"))
    adapter(root / "adapter", seed=2)
    adapter(root / "other", seed=3)
    adapter(root / "large", seed=4, rank=LARGE)
