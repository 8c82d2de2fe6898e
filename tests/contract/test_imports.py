"""The house: which room may import what, and habits that no file breaks (docs/architecture.md)."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator

import pytest

from mlcc.registries import load
from tests.contract.house import FILES, MODULES, PACKAGE, arrows, floors, imports, modules_of, nodes, room, tree, within
from tests.helpers import ROOT

# From the ground up: a room imports only from the rooms before it.
ROOMS = (
    "core", "io", "registries", "load", "resolve", "checks", "render", "plan", "apply", "pipeline", "lookups",
    "lifecycle", "ci", "servers", "api", "diagnostics", "cli",
)  # fmt: skip
PURE = ("resolve", "checks", "plan")
MAX_ENTRIES, MAX_FLOORS, MAX_LINES, MAX_FUNCTION = 16, 12, 320, 50

# One outside library each.
LIBRARIES = {
    "ruamel": ("io.yaml.reader", "io.yaml.events", "io.yaml.round_trip"),
    "_ruamel_yaml": ("io.yaml.reader",),
    "jsonschema": ("io.schema.validator",),
    "cookiecutter": ("render.generator",),
    "subprocess": ("io.programs",),
    "click": ("cli",),
    "rich": ("cli",),
    "tabulate": ("cli",),
    "packaging": ("resolve.requirements",),
    "boto3": ("io.aws", "ci.lambda_handler"),
    "botocore": ("io.aws",),
    "importlib.metadata": ("io.plugins",),
    "http.client": ("io.web",),
    "ssl": ("io.web",),
    "tomli": ("load.manifests",),
    "tomllib": ("load.manifests",),
}
# What a pure module has no use for: files, programs, the network, clocks, chance.
IMPURE = (
    "os", "io", "pathlib", "shutil", "tempfile", "glob", "subprocess", "socket", "urllib", "http", "time", "datetime",
    "random", "secrets", "uuid", "threading", "signal", "fcntl", "getpass", "platform",
    *(f"mlcc.io.{m}" for m in ("aws", "container_engines", "disk", "git", "packaged", "plugins", "programs", "web")),
)  # fmt: skip


def below(name: str, libraries: tuple[str, ...]) -> bool:
    return any(name == i or name.startswith(i + ".") for i in libraries)


# ---------------------------------------------------------------- the rooms
def test_the_figures_of_the_house(record_property: pytest.RecordProperty) -> None:
    """At most 16 entries at the top, at most 12 floors, no circle, no import upwards."""
    entries = [p.name for p in PACKAGE.iterdir() if p.name not in ("__init__.py", "__pycache__", "py.typed", "data")]
    stands = floors()
    upwards = [(a, b) for a, found in arrows().items() for b in found if a and ROOMS.index(b) > ROOMS.index(a)]
    print(f"entries {len(entries)}, floors {max(stands.values())}, circles 0, imports upwards {len(upwards)}")
    assert len(entries) <= MAX_ENTRIES, sorted(entries)
    assert max(stands.values()) <= MAX_FLOORS, stands
    assert upwards == []


def test_every_module_stands_in_a_room() -> None:
    assert {room(m) for m in MODULES} - {""} <= set(ROOMS), "a new room: say in ROOMS where it stands"


def test_a_room_imports_only_rooms_before_it() -> None:
    """`mlcc` itself names what it exports, and no module imports it but for the version."""
    for module in MODULES:
        if room(module):
            later = {
                i
                for i in imports(module)
                if i in FILES and room(i) and ROOMS.index(room(i)) > ROOMS.index(room(module))
            }
            assert not later, f"{module} imports {later}"
            assert "mlcc" not in imports(module), f"{module} imports the package itself"


def test_no_module_needs_itself() -> None:
    """The graph of imports at module level has no circle, within rooms too."""
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        body = [n for n in tree(module).body if isinstance(n, (ast.Import, ast.ImportFrom))]
        named = {a.name for n in body if isinstance(n, ast.Import) for a in n.names}
        named |= {f"{n.module}.{a.name}" for n in body if isinstance(n, ast.ImportFrom) for a in n.names}
        named |= {n.module or "" for n in body if isinstance(n, ast.ImportFrom)}
        parents = {".".join(module.split(".")[:k]) for k in range(1, module.count(".") + 1)}
        graph[module] = {n for n in named if n in FILES} - {module} - parents
    while graph:
        leaves = {m for m, needs in graph.items() if not needs & set(graph)}
        assert leaves, f"a circle among {sorted(graph)}"
        graph = {m: needs for m, needs in graph.items() if m not in leaves}


# ---------------------------------------------------------------- the laws of the rooms
def test_core_needs_the_standard_library_alone() -> None:
    for module in modules_of("core"):
        foreign = {
            i for i in imports(module) if i.partition(".")[0] not in sys.stdlib_module_names and not within(i, "core")
        }
        assert not foreign, f"{module} imports {foreign}"


def test_outside_libraries_have_one_door_each() -> None:
    known = {library.partition(".")[0] for library in LIBRARIES} | {"mlcc"}
    for module in MODULES:
        for name in imports(module):
            for library, doors in LIBRARIES.items():
                if below(name, (library,)):
                    assert within(module, *doors), f"{module} imports {name}, which is the business of {doors}"
            top = name.partition(".")[0]
            assert top in sys.stdlib_module_names or top in known, f"{module} imports {name}"


def test_resolve_checks_and_plan_are_pure() -> None:
    for module in modules_of(*PURE):
        impure = {n for n in imports(module) if below(n, IMPURE)}
        assert not impure, f"{module} imports {impure}"


def test_render_judges_nothing_and_checks_render_nothing() -> None:
    assert not [m for m in modules_of("render") if any(within(i, "checks", "plan", "apply") for i in imports(m))]
    assert not [m for m in modules_of("checks") if any(within(i, "render") for i in imports(m))]


def test_no_command_imports_another_command() -> None:
    for module in modules_of("cli.commands"):
        others = {i for i in imports(module) if within(i, "cli.commands") and i not in (module, "mlcc.cli.commands")}
        assert not others, f"{module} imports {others}"


def test_cookiecutter_is_used_through_generate_files_alone_and_runs_no_hooks() -> None:
    names = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree("mlcc.render.generator"))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cookiecutter")
        for alias in node.names
    ]
    assert names == ["cookiecutter.generate.generate_files"]
    assert [n for n in imports("mlcc.render.generator") if n.startswith("cookiecutter")] == ["cookiecutter.generate"]
    calls = [
        n for n in nodes("mlcc.render.generator") if isinstance(n, ast.Call) and ast.unparse(n.func) == "generate_files"
    ]
    assert calls
    for call in calls:
        assert {k.arg: ast.unparse(k.value) for k in call.keywords}["accept_hooks"] == "False"


def test_only_those_who_are_asked_by_name_reach_the_network() -> None:
    """The steps of do/ and the servers use the same client, for servers of this machine."""
    users = {m for m in MODULES if imports(m) & {"mlcc.lookups.hub", "mlcc.io.web"}}
    users -= {
        "mlcc.io.http_stream",
        "mlcc.io.aws.quick_identity",
        "mlcc.lifecycle.targets.server_contract",
        *modules_of("servers"),
    }
    lookups = {"mlcc.lookups.hub", "mlcc.lookups.models", "mlcc.lookups.upgrade"}
    assert users == {*lookups, "mlcc.cli.commands.upgrade", "mlcc.cli.commands.validate"}


def test_what_lambda_and_scanner_run_needs_no_mlcc() -> None:
    for name in ("mlcc.ci.scanner", "mlcc.ci.lambda_handler"):
        if name in FILES:
            assert not [i for i in imports(name) if i.startswith("mlcc")]


# ---------------------------------------------------------------- habits
def calls(module: str) -> Iterator[str]:
    for node in nodes(module):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


# It prints again what was printed before, without the command line.
START = "mlcc.cli.start"


def test_nothing_prints() -> None:
    printing = ("print", "sys.stdout.write", "sys.stderr.write", "pprint", "input")
    assert {m for m in MODULES if {*calls(m)} & {*printing}} <= {START}


def test_the_environment_is_read_in_one_place() -> None:
    pattern = r"\bos\.(?:environ|getenv|environb)\b|\bexpanduser\b|\bPath\.home\b"
    readers = {m for m in MODULES if re.search(pattern, ast.unparse(tree(m)))}
    assert readers <= {"mlcc.cli.session", "mlcc.cli.home", START}


def test_nothing_is_evaluated_and_no_program_runs_through_a_shell() -> None:
    names = {
        "eval",
        "exec",
        "compile",
        "__import__",
        "os.system",
        "os.popen",
        "pickle.load",
        "pickle.loads",
        "marshal.loads",
    }
    for module in MODULES:
        assert not names & {*calls(module)}, module
        for node in nodes(module):
            assert not (isinstance(node, ast.Call) and any(k.arg == "shell" for k in node.keywords)), module


def test_exceptions_are_named() -> None:
    # where mlcc ends, where the code of plugins begins, and where a server that goes on answers a request
    ends = {"mlcc.cli.boundary", "mlcc.servers.devserver.web"}
    broad = {*ends, "mlcc.cli.plugged", "mlcc.cli.plugin_commands", "mlcc.io.plugins"}
    for module in MODULES:
        handlers = [n for n in nodes(module) if isinstance(n, ast.ExceptHandler)]
        assert not [h.lineno for h in handlers if h.type is None], f"a bare except in {module}"
        if any(h.type is not None and ast.unparse(h.type) == "Exception" for h in handlers):
            assert module in broad


def test_files_and_functions_do_one_thing() -> None:
    for module in MODULES:
        lines = FILES[module].read_text().count("\n")
        assert lines <= MAX_LINES, f"{module}: {lines} lines"
        functions = [n for n in ast.walk(tree(module)) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
        long = {f.name: n for f in functions if (n := (f.end_lineno or 0) - f.body[0].lineno + 1) > MAX_FUNCTION}
        assert not long, f"{module}: {long}"


def test_every_module_states_its_purpose() -> None:
    for module in MODULES:
        words = ast.get_docstring(tree(module))
        assert words, module
        assert words.partition("\n\n")[0].rstrip().endswith((".", ")")), module


def test_modules_and_functions_do_not_share_a_name() -> None:
    for module in MODULES:
        names = {n.name for n in tree(module).body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
        assert module.rpartition(".")[2] not in names, module


@functools.cache
def knowledge() -> frozenset[str]:
    known = load()
    rows = {*known.deployment_configs, *known.architectures, *known.frameworks, *known.instances, *known.models}
    return frozenset(rows | {c.backend for c in known.deployment_configs.values()})


def test_no_python_branches_on_a_row_s_name() -> None:
    names = knowledge()
    for module in MODULES:
        for node in nodes(module):
            if isinstance(node, (ast.Compare, ast.MatchValue)):
                words = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
                assert not words & names, f"{module}:{node.lineno}: {ast.unparse(node)}"
        source = FILES[module].read_text()
        assert not re.findall(r"if .*(?:backend|architecture)(?:\.name)? *(?:==|!=)", source), module
        assert not re.findall(r"match .*(?:backend|architecture)(?:\.name)?:", source), module


# ---------------------------------------------------------------- the tests themselves
TESTS = sorted(p for p in (ROOT / "tests").rglob("*.py") if "golden/trees" not in p.as_posix())


def test_tests_pass_fakes_as_arguments() -> None:
    forbidden = ("mock" + ".patch", "unittest" + ".mock", "Magic" + "Mock", "time" + ".sleep = ")
    for path in TESTS:
        source = path.read_text()
        assert not [word for word in forbidden if word in source], path


# Modules that have no file of tests of their own, and whose it is.
TESTED_IN = {
    "resolve.candidates": "resolver", "resolve.result": "resolver", "resolve.rows": "resolver", "resolve.project": "resolver",
    "resolve.engine.typed_keys": "variables", "resolve.engine.model_variables": "variables", "resolve.triton.complete": "models",
    "resolve.hardware.defaults": "instances", "resolve.hardware.hosts": "instances",
    "plan.changes": "decide", "plan.notes": "decide", "plan.line_ends": "decide",
    "checks.runner": "checks", "checks.subject": "checks", "checks.containers": "serving_checks",
    "checks.proposals": "costs", "checks.manifests": "manifest_checks", "resolve.hyperpod.manifests": "manifest_checks",
    "resolve.hyperpod.model_source": "manifest_checks", "resolve.hyperpod.pods": "manifest_checks",
    "resolve.hyperpod.clusters": "cluster_of_eks_alone", "resolve.hyperpod.scaling": "pod_scaling", "resolve.hyperpod.volumes": "pod_volumes",
}  # fmt: skip


def test_every_pure_module_has_a_file_of_tests() -> None:
    """A module of checks has its good and bad cases (tests/unit/test_checks.py)."""
    known = {p.stem.removeprefix("test_") for p in TESTS if p.is_relative_to(ROOT / "tests/unit")}
    for module in modules_of(*PURE):
        name = module.removeprefix("mlcc.")
        if (
            not within(module, "checks.common", "checks.engines", "checks.hyperpod", "checks.triton")
            and FILES[module].name != "__init__.py"
        ):
            assert TESTED_IN.get(name, name.rpartition(".")[2]) in known, f"{module} has no tests"
