"""Projects whose files are as costly to read as their caps allow, for the tests of G17."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.helpers import SMALLEST, build_tree

KIB, MIB = 1 << 10, 1 << 20
YAML_CAP = 256 * KIB


def repeated(line: str, size: int = YAML_CAP, head: str = SMALLEST, end: str = "", nodes: int = 2) -> str:
    """Lines with a number in each, up to `size` bytes and nearly 20,000 values in all.  nodes: values of each line."""
    lines, left = [head], size - len(head) - len(end)
    for number in range(19_900 // nodes):
        text = line.format(n=number)
        left -= len(text)
        if left < 0:
            break
        lines.append(text)
    return "".join([*lines, end])


def filled(begin: str, unit: str, end: str, size: int = YAML_CAP) -> str:
    """One unit again and again, up to `size` bytes in all."""
    return begin + unit * ((size - len(begin) - len(end)) // len(unit)) + end


HEAD = SMALLEST
RULES = "version: 1\nkind: policies\nsource: me\nrows:\n"
TENSOR = "{name: x, data_type: TYPE_FP32, dims: [4]}"

WARM = "{data_type: TYPE_FP32, dims: [5]}"
ENSEMBLE = (
    "version: 1\nproject: {name: iris}\ndeployment: {config: triton-python}\ntriton:\n  models:\n    - name: m\n"
    + f"      inputs: [{', '.join(TENSOR.replace('name: x', f'name: in{n}') for n in range(250))}]\n"
    + f"      outputs: [{', '.join(TENSOR.replace('name: x', f'name: out{n}') for n in range(250))}]\n"
    + f"    - name: e\n      platform: ensemble\n      inputs: [{TENSOR}]\n      outputs: [{TENSOR}]\n"
    + "      ensemble_scheduling:\n        step:\n"
)

# mlcc.yaml at its cap, by what is in it.
CONFIGS: Mapping[str, Callable[[], str]] = {
    "unknown keys": lambda: repeated("k{n}: 1\n"),
    "unknown keys like known ones": lambda: repeated("deploymen{n}: 1\n"),
    "unknown dotted keys": lambda: repeated("a.b.c{n}: 1\n"),
    "unknown keys of one section": lambda: repeated("  k{n}: 1\n", head=HEAD + "model:\n"),
    "a key of many parts": lambda: filled(HEAD, "a.", "a: 1\n"),
    "a key of 250 KB": lambda: filled(HEAD, "a", ": 1\n"),
    "a value of 250 KB": lambda: filled(HEAD + "env: {A: ", "a", "}\n"),
    "a name of 250 KB": lambda: filled("version: 1\ndeployment: {config: http-fastapi}\nproject: {name: ", "a", "}\n"),
    "brackets in brackets": lambda: filled(HEAD + "x-a: ", "[", ""),
    "braces in braces": lambda: filled(HEAD + "x-a: ", "{a: ", ""),
    "sequences in sequences": lambda: filled(HEAD + "x-a:\n", "- ", "a\n"),
    "indented mappings": lambda: HEAD + "".join(" " * n + "a:\n" for n in range(700)),
    "empty lists": lambda: filled(HEAD + "x-a: [", "[],", "]\n"),
    "aliases": lambda: filled(HEAD + "x-a: &a [" + "1," * 900 + "]\nx-b: [", "*a,", "]\n"),
    "aliases at their cap": lambda: HEAD + "x-a: &a [" + "1," * 180 + "]\nx-b: [" + "*a," * 100 + "]\n",
    "aliases of aliases": lambda: HEAD + "x-0: &b0 [1,1,1,1,1,1,1,1,1]\n" + "".join(f"x-{n}: &b{n} [{','.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 12)),
    "merge keys": lambda: HEAD + "x-a: &a {" + ",".join(f"k{n}: 1" for n in range(150)) + "}\nx-b:\n" + "".join(f"  k{n}: {{<<: *a}}\n" for n in range(100)),
    "anchors": lambda: repeated("x-{n}: &a{n} 1\n"),
    "the same key": lambda: repeated("env: 1\n"),
    "comments": lambda: repeated("# {n}\n"),
    "empty lines": lambda: filled(HEAD, "\n", ""),
    "spaces": lambda: filled(HEAD + "x-a:", " ", "1\n"),
    "tabs": lambda: filled(HEAD, "\t", ""),
    "quotes": lambda: filled(HEAD + "x-a: '", "''", "'\n"),
    "escapes": lambda: filled(HEAD + 'x-a: "', "\\x41", '"\n'),
    "an open quote": lambda: filled(HEAD + "x-a: '", "a\n", ""),
    "folded lines": lambda: filled(HEAD + "x-a: >\n", "  a\n", ""),
    "documents": lambda: filled(HEAD, "---\n", ""),
    "tags": lambda: repeated("x-{n}: !!str 1\n"),
    "unknown tags": lambda: repeated("x-{n}: !a{n} 1\n"),
    "question marks": lambda: filled(HEAD + "x-a:\n", "  ? a\n", ""),
    "wrong values of env": lambda: repeated("  A{n}: [1]\n", nodes=3, head=HEAD + "env:\n"),
    "variables": lambda: repeated("  A{n}: b\n", head=HEAD + "env:\n"),
    "variables that are secrets": lambda: repeated("  A{n}_TOKEN: bcdefghijkl\n", head=HEAD + "env:\n"),
    "hidden characters": lambda: repeated("x-{n}: '\u202e'\n", 200 * KIB),
    "secrets": lambda: repeated("  A{n}: {{env: B}}\n", nodes=4, head=HEAD + "secrets:\n"),
    "environments": lambda: repeated("  e{n}: {{ttl: 2d}}\n", nodes=4, head=HEAD + "environments:\n"),
    "environments with variables": lambda: repeated("  e{n}: {{env: {{A: b, C: d}}}}\n", nodes=8, head=HEAD + "environments:\n"),
    "tags of AWS": lambda: repeated("  a{n}: b\n", head=HEAD + "tags:\n"),
    "registries": lambda: repeated("  - ./r{n}\n", nodes=1, head=HEAD + "registries:\n"),
    "models of Triton": lambda: repeated(f"    - {{{{name: m{{n}}, file: ./m, inputs: [{TENSOR.replace('{', '{{').replace('}', '}}')}], outputs: [{TENSOR.replace('{', '{{').replace('}', '}}')}]}}}}\n", nodes=24, head="version: 1\nproject: {name: iris}\ndeployment: {config: triton-onnxruntime}\ntriton:\n  models:\n"),
    "an ensemble of wrong maps": lambda: ENSEMBLE + "".join(f"          - {{model_name: m, input_map: {{{', '.join(f'in{k}x: a' for k in range(80))}}}, output_map: {{o{n}: c{n}}}}}\n" for n in range(90)),
    "a warm-up of wrong inputs": lambda: ENSEMBLE[: ENSEMBLE.index("    - name: e")] + "      model_warmup:\n" + "".join(f"        - name: w{n}\n          batch_size: 1\n          inputs: {{{', '.join(f'in{k}x: {WARM}' for k in range(200))}}}\n" for n in range(8)),
    "known keys in every section, misspelt": lambda: repeated("  instance_typ{n}: 1\n", head="version: 1\nproject: {name: iris}\ndeployment:\n  config: http-fastapi\n"),
}  # fmt: skip


def _policies(files: int, rows: int, rule: str) -> dict[str, str]:
    """A project with rules of its own."""
    made = {f"rules/p{f}.yaml": RULES + "".join(f"  r{f}-{n}: {rule}\n" for n in range(rows)) for f in range(files)}
    return {"mlcc.yaml": HEAD + "policies: [./rules]\nenv: {A: b}\n", **made}


def _registry(text: str) -> dict[str, str]:
    """A project with a registry of its own."""
    return {"mlcc.yaml": HEAD + "registries: [./own]\n", "own/instances/a.yaml": text}


INSTANCES = "version: 1\nkind: instances\nsource: me\nrows:\n"
NESTED = '{"mlcc": ' + '{"a": ' * 400


# Other files of a project, by what is in them: all of them, and the values of the command line.
def _own_configs(count: int, text: str) -> Mapping[str, str]:
    """A project of as many models, each with the same config.pbtxt of its own."""
    models = "".join(f"    - {{name: m{n}, config_file: c{n}.pbtxt}}\n" for n in range(count))
    head = "version: 1\nproject: {name: iris}\ndeployment: {config: triton-python}\ntriton:\n  default_model: m0\n  models:\n"
    return {"mlcc.yaml": head + models} | {f"c{n}.pbtxt": text for n in range(count)}


def _own_ensemble(steps: int, step: Callable[[int], str]) -> Mapping[str, str]:
    """A model of many tensors, and an ensemble of as many steps, each in a config.pbtxt of its own."""
    tensors = "".join(f'input {{name: "i{n}" data_type: TYPE_FP32 dims: 4}}\n' for n in range(3_000))
    whole = 'platform: "ensemble"\nensemble_scheduling {\n' + "".join(map(step, range(steps))) + "}\n"
    models = "    - {name: m, config_file: m.pbtxt}\n    - {name: e, platform: ensemble, config_file: e.pbtxt}\n"
    head = "version: 1\nproject: {name: iris}\ndeployment: {config: triton-python}\ntriton:\n  models:\n"
    return {"mlcc.yaml": head + models, "m.pbtxt": f'backend: "python"\n{tensors}', "e.pbtxt": whole}


def _step(names: str, gives: str) -> str:
    return f'step {{model_name: "m" {names} output_map {{key: "o" value: "{gives}"}}}}\n'


PROJECTS: Mapping[str, Callable[[], Mapping[str, str | bytes]]] = {
    "config.pbtxt of nested messages": lambda: _own_configs(1, filled("", "input {", "")),
    "config.pbtxt of unknown fields": lambda: _own_configs(4, filled("", "inputt: 1 ", "", 150 * KIB)),
    "config.pbtxt of one long text": lambda: _own_configs(4, filled('name: "', "\\303", '"')),
    "config.pbtxt of one open quote": lambda: _own_configs(4, filled('name: "', '\\"', "")),
    "config.pbtxt of one long list": lambda: _own_configs(4, filled("input {dims: [", "1,", "1]}", 49_000)),
    "config.pbtxt of comments": lambda: _own_configs(4, filled("", "#\n", "")),
    "a hundred small config.pbtxt": lambda: _own_configs(100, filled("", "input {dims: 1}\n", "", 9 * KIB)),
    "an ensemble of 1,500 steps in the opposite order": lambda: _own_ensemble(1500, lambda n: _step(f'input_map {{key: "i0" value: "t{n + 1}"}}', f"t{n}")),
    "an ensemble of wrong names among many": lambda: _own_ensemble(1500, lambda n: _step(f'input_map {{key: "j{n}" value: "t{n}"}}', f"t{n}x")),
    "package.json of 60,000 keys": lambda: {"package.json": json.dumps({"mlcc": {f"k{n}": 1 for n in range(60_000)}})},
    "package.json of a MiB of empty lists": lambda: {"package.json": filled('{"mlcc": [', "[],", "[]]}", MIB)},
    "package.json of nested objects": lambda: {"package.json": NESTED + "1" + "}" * 401},
    "package.json nested without an end": lambda: {"package.json": filled('{"mlcc": ', "[", "", MIB)},
    "package.json of one long number": lambda: {"package.json": filled('{"mlcc": {"ttl": ', "9", "}}", MIB)},
    "package.json of repeated keys": lambda: {"package.json": filled('{"mlcc": {', '"a": 1,', '"a": 1}}', MIB)},
    "package.json of variables": lambda: {"package.json": json.dumps({"mlcc": {"env": {f"A{n}": "b" for n in range(9_000)}}})},
    "pyproject.toml of a key of 100,000 parts": lambda: {"pyproject.toml": "#mlcc\n" + ".".join(["a"] * 100_000) + " = 1"},
    "pyproject.toml of keys of 49 parts": lambda: {"pyproject.toml": repeated(".".join(["a"] * 48) + ".b{n} = 1\n", MIB, "[tool.mlcc]\n", nodes=1)},
    "pyproject.toml of 60,000 keys": lambda: {"pyproject.toml": "[tool.mlcc]\n" + "".join(f"k{n} = 1\n" for n in range(60_000))},
    "pyproject.toml of 40,000 tables": lambda: {"pyproject.toml": "".join(f"[tool.mlcc.t{n}]\n" for n in range(40_000))},
    "pyproject.toml of tables of tables": lambda: {"pyproject.toml": filled("", "[[tool.mlcc.a]]\n", "", MIB)},
    "pyproject.toml of nested lists": lambda: {"pyproject.toml": filled("[tool.mlcc]\na = ", "[", "", MIB)},
    "pyproject.toml of one long number": lambda: {"pyproject.toml": filled("[tool.mlcc]\na = ", "9", "\n", MIB)},
    "pyproject.toml of one long hexadecimal number": lambda: {"pyproject.toml": filled("[tool.mlcc]\na = 0x", "f", "\n", MIB)},
    "2,000 rules, each for every variable": lambda: _policies(1, 2000, "{path: 'env.*', forbidden: [x]}"),
    "60,000 rules in three files": lambda: _policies(3, 20_000, "{path: 'env.*', forbidden: [x]}"),
    "10,000 rules of 250 bytes": lambda: _policies(1, 10_000, "{path: '" + "*a" * 100 + "', forbidden: [x]}"),
    "7,000 rules of 250 bytes": lambda: _policies(1, 7_000, "{path: '" + "*a" * 100 + "', forbidden: [x]}"),
    "2,000 rules that are broken": lambda: _policies(1, 2000, "{path: env.A, forbidden: [b]}"),
    "20,000 rules that are no rules": lambda: _policies(1, 20_000, "1"),
    "400 files of rules": lambda: _policies(400, 1, "{path: env.A, forbidden: [x]}"),
    "rules and variables at their caps": lambda: _policies(1, 2000, "{path: 'env.*', forbidden: ['" + "*x" * 20 + "z']}") | {"mlcc.yaml": HEAD + "policies: [./rules]\nenv:\n" + "".join(f"  A{n}: {'x' * 2000}\n" for n in range(100))},
    "a registry of 20,000 instances that are none": lambda: _registry(INSTANCES + "".join(f"  i{n}: {{}}\n" for n in range(20_000))),
    "a registry of one row of 2 MB": lambda: _registry(INSTANCES + "  a: {x: '" + "y" * 2_000_000 + "'}\n"),
    "a registry of 200,000 numbers": lambda: _registry(filled(INSTANCES + "  a: [", "1 ,", "1]\n", 220_000)),
    "a registry of aliases": lambda: _registry("x: &a [" + "1," * 900 + "]\ny: [" + "*a," * 10_000 + "]\n"),
    "a registry of brackets": lambda: _registry("[" * MIB),
    "a lock of 250 KB of lists": lambda: {"mlcc.lock": filled("version: 1\nfiles: [", "[],", "]\n")},
    "a lock of 250 KB of braces": lambda: {"mlcc.lock": filled("", "{a: ", "")},
    "a lock of 250 KB of keys": lambda: {"mlcc.lock": repeated("k{n}: 1\n", head="")},
    "extends in a circle of 100 files": lambda: {"mlcc.yaml": HEAD + "extends: ./b0.yaml\n", **{f"b{n}.yaml": f"extends: ./b{(n + 1) % 100}.yaml\n" for n in range(100)}},
    "extends of 100 files of 15,000 values": lambda: {"mlcc.yaml": HEAD + "extends: ./b0.yaml\n", **{f"b{n}.yaml": filled(f"version: 1\nextends: ./b{n + 1}.yaml\nx-a: [", "1,", "]\n", 30 * KIB) for n in range(100)}},
}  # fmt: skip


def project(place: Path, files: Mapping[str, str | bytes]) -> Path:
    """A folder with these files, and the smallest mlcc.yaml unless they bring one."""
    return build_tree(place, {"mlcc.yaml": SMALLEST, **files})
