"""The readers of tools/engine_options on small sources of each form; no network."""

from __future__ import annotations

import ast
import io
import textwrap
import zipfile

import pytest
import yaml

from tools.engine_options import packages
from tools.engine_options.arguments import Found, click_options
from tools.engine_options.engines import SGLANG, VLLM, registered
from tools.engine_options.source import UNKNOWN, Code
from tools.engine_options.table import choices, document, opened, row, rows, span, spelled
from tools.engine_options.walk import Walk, top_level


def code(**files: str) -> Code:
    """Modules by name, `__` for a dot."""
    texts = {name.replace("__", "."): textwrap.dedent(text) for name, text in files.items()}
    return Code(lambda name: (texts[name], False) if name in texts else None)


def added(text: str, **more: str) -> dict[str, object]:
    """The rows of a function `add(parser)`."""
    found = code(m=text, **more)
    walk = Walk(found)
    walk.function(found.find(found.module("m"), "add"))
    return {name: line for name, (_, line) in spelled(walk.found).items()}


# ---------------------------------------------------------------- add_argument
@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("", {"type": "text"}),
        ("type=str", {"type": "text"}),
        ("type=int, default=3", {"type": "integer"}),
        ("type=float", {"type": "number"}),
        ("type=json.loads", {"type": "json"}),
        ("type=optional_type(int)", {"type": "integer"}),
        ("type=human_readable_int", {"type": "integer", "note": "also sizes such as 8k or 1G"}),
        ("type=human_readable_int_or_auto", {"type": "integer", "note": "also sizes such as 8k or 1G, or auto"}),
        ("type=union_dict_and_str", {"type": "json", "note": "also plain text"}),
        ("type=share", {"type": "number"}),
        ("type=lambda s: s.lower()", {"type": "text"}),
        ("type=bool", {"type": "boolean"}),
        ("action='store_true'", {"type": "flag"}),
        ("action=argparse.BooleanOptionalAction", {"type": "switch"}),
        ("action='append', type=str", {"type": "text", "repeat": True}),
        ("action=Gone", {"type": "flag"}),
        ("action=Moved, type=int", {"type": "integer"}),
        ("type=int, nargs='+'", {"type": "list", "items": "integer"}),
        ("type=str, nargs='*'", {"type": "list"}),
        ("type=str, nargs='?', const=True", {"type": "text", "optional": True}),
        ("choices=['a', 'b']", {"type": "text", "choices": ["a", "b"]}),
        ("choices=KNOWN + ['c']", {"type": "text", "choices": ["a", "b", "c"]}),
        ("choices=list(Parser.table.keys())", {"type": "text", "choices": ["x", "y"]}),
        ("choices=[k.value for k in Kind]", {"type": "text", "choices": ["one", "two"]}),
        ("choices=[k.name.lower() for k in Kind]", {"type": "text", "choices": ["first", "second"]}),
        ("choices=asked()", {"type": "text"}),
        ("**{**base['x'], 'default': None}", {"type": "integer"}),
    ],
)
def test_add_argument(argument, expected):
    text = f"""
    KNOWN = ["a", "b"]
    class Parser:
        table = {{"x": 1, "y": 2}}
    class Kind(str, Enum):
        FIRST = "one"
        SECOND = "two"
    class Gone(argparse.Action):
        def __init__(self, option_strings, dest, nargs=0, **kwargs): pass
    class Moved(argparse.Action):
        def __call__(self, *given): pass
    def share(text: str) -> float: pass
    @dataclass
    class Base:
        x: int = 1
    def add(parser):
        base = get_kwargs(Base)
        parser.add_argument("--it", {argument})
    """
    assert added(text) == {"it": expected}


def test_spellings_groups_branches_and_other_functions():
    text = """
    from other import more
    def add(parser):
        parser.add_argument("model_tag", nargs="?")
        group = parser.add_argument_group("g")
        group.add_argument("--tensor-parallel-size", "-tp", "-t", "--tp-size", type=int)
        if platform():
            group.add_argument("--a", action="store_true")
        else:
            group.add_argument("--b", action="store_true")
        parser = more(parser)
    """
    found = added(text, other="def more(p):\n    p.add_argument('--c', type=int)\n    return p\n")
    assert sorted(found) == ["a", "b", "c", "tensor-parallel-size", "tp-size"]


def test_a_parser_made_inside():
    assert added("def add():\n    p = argparse.ArgumentParser()\n    p.add_argument('--x')\n    return p") == {
        "x": {"type": "text"}
    }


def test_a_module_s_own_statements():
    text = "p = argparse.ArgumentParser()\nq = p.add_mutually_exclusive_group()\nq.add_argument('--x', type=int)\n"
    found = top_level(code(m=text), "m", ast.parse(text).body)
    assert spelled(found) == {"x": ("x", {"type": "integer"})}


# ---------------------------------------------------------------- fields, vLLM's style
FIELDS = """
from typing import Literal, Optional
from kinds import DType, Other
class Sub(dict): pass
@config
class Inner:
    a: int = 1
class Base:
    inherited: bool = False
@config
class C(Base):
    flag: bool = False
    size: Optional[int] = None
    size2: int | None = None
    max_model_len: int = 0
    share: float = 0.5
    name: str | None = None
    mode: Literal["b", "a"] = "a"
    dtype: DType = "auto"
    open_mode: Literal["a"] | str = "a"
    names: list[str] | None = None
    sizes: tuple[int, ...] = ()
    kinds: list[Literal["p", "q"]] | None = None
    inner: Inner = None
    table: dict[str, int] | None = None
    either: dict | str = ""
    sub: Sub = None
    token: bool | str | None = None
    worker: Other = None
    skipped: ClassVar[int] = 1
    def method(self): pass
"""
KINDS = (
    'from typing import Literal\nHalf = Literal["half"]\nDType = Literal["auto", Half, "float"]\nclass Other: pass\n'
)


def test_fields():
    text = textwrap.dedent(FIELDS) + textwrap.dedent("""
    def add(parser):
        table = get_kwargs(C)
        for key, value in table.items():
            parser.add_argument(f"--{key.replace('_', '-')}", **value)
    """)
    assert added(text, kinds=KINDS) == {
        "inherited": {"type": "switch"},
        "flag": {"type": "switch"},
        "size": {"type": "integer"},
        "size2": {"type": "integer"},
        "max-model-len": {"type": "integer", "note": "also sizes such as 8k or 1G, or auto"},
        "share": {"type": "number"},
        "name": {"type": "text"},
        "mode": {"type": "text", "choices": ["a", "b"]},
        "dtype": {"type": "text", "choices": ["auto", "float", "half"]},
        "open-mode": {"type": "text", "choices": ["a"], "open": True},
        "names": {"type": "list"},
        "sizes": {"type": "list", "items": "integer"},
        "kinds": {"type": "list", "choices": ["p", "q"]},
        "inner": {"type": "json"},
        "table": {"type": "json"},
        "either": {"type": "json", "note": "also plain text"},
        "sub": {"type": "json"},
        "token": {"type": "text", "optional": True},
        "worker": {"type": "text"},
    }


def test_changes_of_the_keywords_of_fields():
    text = textwrap.dedent(FIELDS) + textwrap.dedent("""
    def add(parser):
        table = get_kwargs(C)
        table["names"]["type"] = json.loads
        del table["names"]["nargs"]
        table["mode"]["choices"].remove("b")
        table["name"].update({"choices": ["n"]})
        other = table["size"]
        other["type"] = lambda s: s
        parser.add_argument("--names", **table["names"])
        parser.add_argument("--mode", **table["mode"])
        parser.add_argument("--name", **table["name"])
        parser.add_argument("--size", **other)
    """)
    assert added(text, kinds=KINDS) == {
        "names": {"type": "json"},
        "mode": {"type": "text", "choices": ["a"]},
        "name": {"type": "text", "choices": ["n"]},
        "size": {"type": "text"},
    }


def test_a_frontend_with_a_hook_of_its_own():
    text = """
    @config
    class Base:
        a: int = 1
        @classmethod
        def customize(cls, table):
            table["a"]["type"] = float
            return table
        @classmethod
        def add_cli_args(cls, parser):
            table = get_kwargs(cls)
            table = cls.customize(table)
            for key, value in table.items():
                parser.add_argument(f"--{key}", **value)
            return parser
    @config
    class Front(Base):
        b: list[str] = None
        @classmethod
        def customize(cls, table):
            table = super().customize(table)
            del table["b"]["nargs"]
            return table
    def make_arg_parser(parser):
        parser = Front.add_cli_args(parser)
        return parser
    """
    found = VLLM.read(code(vllm__entrypoints__cli__serve=text))
    assert spelled(found) == {"a": ("a", {"type": "number"}), "b": ("b", {"type": "text"})}


# ---------------------------------------------------------------- fields, SGLang's style
def test_annotated_fields():
    server = """
    from sglang.srt.arg_groups.fields.lora import Lora
    class ServerArgs:
        model_path: A[str, Arg(help="x", aliases=["--model"])]
        tp_size: A[int, Arg(help="x", aliases=["--tensor-parallel-size"])] = 1
        device: A[Optional[str], "help"] = None
        trust: A[bool, "help"] = False
        both: A[bool, Arg(help="x", action=argparse.BooleanOptionalAction)] = False
        mode: A[Literal["b", "a"], "help"] = "a"
        pick: A[str, Arg(help="x", choices=PICKS)] = "p"
        sizes: A[Optional[List[int]], "help"] = None
        table: A[Optional[dict], Arg(help="x", type_parser=json.loads)] = None
        extra: A[Optional[str], Arg(help="x", nargs="?", const="")] = None
        hidden: A[int, Arg(help="x", no_cli=True)] = 1
        plain: int = 1
        @staticmethod
        def add_cli_args(parser):
            add_cli_args_from_dataclass(parser, ServerArgs)
            parser.add_argument("--config", type=str)
    PICKS = ["p", "q"]
    """
    lora = """
    class Lora:
        lora_paths: A[Optional[List[str]], Arg(help="x", action=Act, action_kwargs={"type": str, "nargs": "*"})] = None
    """
    found = spelled(SGLANG.read(code(sglang__srt__server_args=server, sglang__srt__arg_groups__fields__lora=lora)))
    assert {name: line for name, (_, line) in found.items()} == {
        "model-path": {"type": "text"},
        "model": {"type": "text"},
        "tp-size": {"type": "integer"},
        "tensor-parallel-size": {"type": "integer"},
        "device": {"type": "text"},
        "trust": {"type": "flag"},
        "both": {"type": "switch"},
        "mode": {"type": "text", "choices": ["a", "b"]},
        "pick": {"type": "text", "choices": ["p", "q"]},
        "sizes": {"type": "list", "items": "integer"},
        "table": {"type": "json"},
        "extra": {"type": "text", "optional": True},
        "lora-paths": {"type": "list"},
        "config": {"type": "text"},
    }
    assert found["tensor-parallel-size"][0] == "tp-size"


# ---------------------------------------------------------------- click
def test_click():
    text = """
    LEVELS = {"info": 1, "error": 2}
    @click.command("serve")
    @click.argument("model", type=str)
    @click.option("--tp_size", "--tp", "tensor_parallel_size", type=int, default=1)
    @click.option("--share", type=float)
    @click.option("--trust_remote_code", is_flag=True, default=False)
    @click.option("--log_level", type=click.Choice(LEVELS.keys()))
    @click.option("--backend", type=ChoiceWithAlias(["a", "b"], {"c": "a"}))
    @click.option("--count", type=click.IntRange(0, 3))
    @click.option("--telemetry/--no-telemetry", default=True)
    @click.option("--dir", type=click.Path(), multiple=True)
    @optgroup.option("--name")
    def serve(): pass
    """
    found = code(m=text)
    read = spelled(click_options(found, found.find(found.module("m"), "serve")))
    assert {name: line for name, (_, line) in read.items()} == {
        "tp_size": {"type": "integer"},
        "tp": {"type": "integer"},
        "share": {"type": "number"},
        "trust_remote_code": {"type": "flag"},
        "log_level": {"type": "text", "choices": ["info", "error"]},
        "backend": {"type": "text", "choices": ["a", "b", "c"]},
        "count": {"type": "integer"},
        "telemetry": {"type": "switch"},
        "dir": {"type": "text", "repeat": True},
        "name": {"type": "text"},
    }


# ---------------------------------------------------------------- names
def test_names_are_followed_through_imports_and_type_checking_is_not_run():
    found = code(
        a="from b import X as Y\nfrom d import *\nif TYPE_CHECKING:\n    from c import Z\nelse:\n    Z = str\n",
        b="from c import X\n",
        c='X = ["1"]\nZ = Literal["no"]\n',
        d="def made():\n    if loaded():\n        return list(known)\n    from c import X\n    return list(X)\n",
    )
    module = found.module("a")
    assert found.value(ast.parse("made()", mode="eval").body, module) == ["1"]
    assert found.value(ast.parse("Y", mode="eval").body, module) == ["1"]
    assert ast.unparse(found.find(module, "Z").node) == "str"
    assert found.value(ast.parse("nowhere", mode="eval").body, module) is UNKNOWN


def test_names_that_lead_in_a_circle():
    found = code(a="from b import X\n", b="from a import X\n")
    assert found.find(found.module("a"), "X") is None


# ---------------------------------------------------------------- the table
def table(**versions: dict[str, object]) -> dict[str, dict[str, object]]:
    return rows({v.removeprefix("v"): {n: (n, line) for n, line in t.items()} for v, t in versions.items()})


def test_from_and_until():
    text, number = {"type": "text"}, {"type": "number"}
    found = table(
        v1={"old": text, "all": text, "gap": text}, v2={"all": text}, v3={"all": number, "new": text, "gap": text}
    )
    assert found == {
        "all": {"type": "number", "note": "text up to 2"},
        "gap": {"type": "text", "note": "not in 2"},
        "new": {"type": "text", "from": "3"},
        "old": {"type": "text", "until": "1"},
    }
    assert span("x", ["2"], ["1", "2", "3"]) == {"from": "2", "until": "2"}


def test_aliases_stand_with_the_option_for_as_long_as_it_does():
    line = {"type": "integer"}
    first = {"tp": ("tp", line), "size": ("tp", line)}
    second = {"tp": ("tp", line), "size": ("tp", line), "t2": ("tp", line)}
    assert rows({"1": first, "2": second}) == {
        "tp": {"type": "integer", "aliases": ["size"]},
        "t2": {"type": "integer", "same_as": "tp", "from": "2"},
    }


def test_choices_say_since_when_and_until_when():
    assert choices([("1", ["a", "b"]), ("2", None), ("3", ["b", "c"])]) == {
        "choices": ["a", "b", "c"],
        "choices_from": {"c": "3"},
        "choices_until": {"a": "1"},
    }
    assert choices([("1", [64, 8, None])]) == {"choices": [8, 64]}


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        ([False, False, False], {}),
        ([True, True, True], {"open_from": "1"}),
        ([False, True, True], {"open_from": "2"}),
        ([True, False, True], {"open_from": "3"}),
        ([True, True, False], {"open_until": "2"}),
    ],
)
def test_a_list_of_words_says_which_versions_take_others(free, expected):
    assert opened(list(zip("123", free, strict=True))) == expected
    read = {
        v: {"x": ("x", {"type": "text", "choices": ["a"], **({"open": True} if f else {})})}
        for v, f in zip("123", free, strict=True)
    }
    assert rows(read) == {"x": {"type": "text", "choices": ["a"], **expected}}


REGISTRY = """
from typing import Literal
QuantizationMethods = Literal["awq", "fp8"]
"""


def test_the_words_of_an_option_that_a_registry_holds_are_read_there():
    modules = {"vllm.model_executor.layers.quantization": (REGISTRY, True)}
    code = Code(modules.get)
    open_one = Found(("--quantization", "-q"), {"type": "str"})
    assert registered(code, open_one).argument == {"type": "str", "words": ["awq", "fp8"]}
    strict = Found(("--quantization", "-q"), {"type": "str", "choices": ["awq"]})
    assert registered(code, strict) is strict
    other = Found(("--load-format",), {"type": "str"})
    assert registered(code, other) is other


def test_the_yaml_says_the_same():
    long = {f"value_{n}": "0.1.0" for n in range(30)}
    given = {
        "plain": {"type": "text", "choices": ["no", "a b", "1", 2, True, "x"]},
        "long": {"type": "text", "choices": list(long), "choices_from": long},
        "0.5": {"type": "integer", "from": "0.5", "note": 'says "x": y'},
    }
    text = document({"name": "x", "title": "X: y"}, rows=given, variables={"V": {}})
    assert yaml.safe_load(text) == {
        "version": 1,
        "kind": "options",
        "name": "x",
        "title": "X: y",
        "rows": given,
        "variables": {"V": {}},
    }
    assert max(map(len, text.splitlines())) <= 120
    assert row({"type": "int"}) == {"type": "integer"}


def test_variables():
    found = code(vllm__envs='if TYPE_CHECKING:\n    VLLM_A: int = 1\nx = {"VLLM_B": 1, "VLLM_": 2, "NO": 3}\n')
    assert VLLM.variables(found) == {"VLLM_A", "VLLM_B"}
    assert VLLM.variables(code(a="")) is None


# ---------------------------------------------------------------- wheels
class Address(packages.Remote):
    """Bytes in memory instead of an index."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked = 0
        super().__init__("memory")

    def _ask(self, span: str, most: int) -> tuple[bytes, str]:
        self.asked += 1
        start, _, end = span.removeprefix("bytes=").partition("-")
        part = self.content[-int(end) :] if not start else self.content[int(start) : int(end) + 1]
        assert part, "nothing is asked beyond the end"
        return part[:most], str(len(self.content))


def test_members_of_a_wheel_are_read_by_range():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("big.so", bytes(1 << 20))
        archive.writestr("p/__init__.py", "x = 1\n")
        archive.writestr("p/m.py", "y = 2\n")
    remote = Address(made.getvalue())
    opened = packages.Wheel.__new__(packages.Wheel)
    opened.zip = zipfile.ZipFile(remote)
    opened.names = tuple(opened.zip.namelist())
    assert opened.text("p") == ("x = 1\n", True)
    assert opened.text("p.m") == ("y = 2\n", False)
    assert opened.text("q") is None
    assert remote.asked < 12
    remote.seek(0, 2)
    assert remote.read(10) == b""


def test_the_wheel_that_is_read():
    names = ["v-1.0-cp38-abi3-manylinux_aarch64.whl", "v-1.0-cp38-abi3-manylinux_x86_64.whl", "v-1.0.tar.gz"]
    assert packages.wheel(dict.fromkeys(names, ("", "")), "1.0") == names[1]
    assert (
        packages.wheel(dict.fromkeys([*names, "v-1.0-py3-none-any.whl"], ("", "")), "1.0") == "v-1.0-py3-none-any.whl"
    )
    with pytest.raises(LookupError, match="no wheel"):
        packages.wheel({"v-1.0.tar.gz": ("", "")}, "1.0")


def test_the_index_is_the_configured_one(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    assert packages.index() == "https://index.example/simple/"
