"""The house: which module may import what, and habits that no file breaks (DESIGN section 3)."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcc.registries import load
from tests.helpers import ROOT

PACKAGE = ROOT / "mlcc"
FILES = {
    p.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): p
    for p in sorted(PACKAGE.rglob("*.py"))
}
MODULES = sorted(FILES)
MAX_LINES, MAX_FUNCTION = 320, 50

# Rows from the ground up: a module imports from its own row and the rows before it, never from a later one.
ROWS: tuple[tuple[str, ...], ...] = (
    (
        "mlcc._version",
        "mlcc.errors",
        "mlcc.diagnostics",
        "mlcc.values",
        "mlcc.tree",
        "mlcc.scalars",
        "mlcc.guard",
        "mlcc.marks",
        "mlcc.yamltext",
        "mlcc.acceptor",
        "mlcc.nodes",
        "mlcc.yamlevents",
        "mlcc.lean",
        "mlcc.compiled",
        "mlcc",
    ),
    (
        "mlcc.resources",
        "mlcc.yamlio",
        "mlcc.schema",
        "mlcc.keys",
        "mlcc.proc",
        "mlcc.files",
        "mlcc.machine",
        "mlcc.writing",
        "mlcc.hold",
        "mlcc.plugins",
        "mlcc.memo",
        "mlcc.replay",
        "mlcc.web",
        "mlcc.hub",
    ),
    ("mlcc.config", "mlcc.registries", "mlcc.deployments", "mlcc.edit"),
    (
        "mlcc.candidates",
        "mlcc.spelling",
        "mlcc.secret_refs",
        "mlcc.switches",
        "mlcc.variables",
        "mlcc.options",
        "mlcc.fit",
        "mlcc.placement",
        "mlcc.sizing",
        "mlcc.policy",
        "mlcc.selection",
        "mlcc.resolve",
        "mlcc.checks",
        "mlcc.merge",
        "mlcc.plan",
        "mlcc.conf",
        "mlcc.pbtxt",
        "mlcc.triton",
        "mlcc.journal",
    ),
    ("mlcc.context", "mlcc.render"),
    ("mlcc.settings", "mlcc.workspace", "mlcc.absent", "mlcc.lock", "mlcc.recorded", "mlcc.apply", "mlcc.aws"),
    ("mlcc.pipeline",),
    ("mlcc.api", "mlcc.lookups", "mlcc.upgrade"),
    (
        "mlcc.lifecycle",
        "mlcc.bootstrap",
        "mlcc.ci",
        "mlcc.e2e",
        "mlcc.benchmark",
        "mlcc.pickers",
        "mlcc.dashboard",
        "mlcc.inspect",
        "mlcc.mcp",
        "mlcc.devserver",
    ),
    ("mlcc.cli", "mlcc.start"),
)
PURE = ROWS[3]
# One outside library each.
LIBRARIES = {
    "ruamel": ("mlcc.yamlio",),
    "_ruamel_yaml": ("mlcc.yamlio",),
    "jsonschema": ("mlcc.schema",),
    "cookiecutter": ("mlcc.render",),
    "subprocess": ("mlcc.proc",),
    "click": ("mlcc.cli",),
    "rich": ("mlcc.cli",),
    "tabulate": ("mlcc.cli",),
    "boto3": ("mlcc.aws", "mlcc.ci.lambda_handler"),
    "botocore": ("mlcc.aws",),
    "importlib.metadata": ("mlcc.plugins",),
    "http.client": ("mlcc.web", "mlcc.lifecycle.contract"),
    "ssl": ("mlcc.web",),
    "tomli": ("mlcc.workspace", "mlcc.settings"),
    "tomllib": ("mlcc.workspace", "mlcc.settings"),
}
# What a pure module has no use for: files, programs, the network, clocks, chance.
IMPURE = {
    "os",
    "io",
    "pathlib",
    "shutil",
    "tempfile",
    "glob",
    "subprocess",
    "socket",
    "urllib",
    "http",
    "time",
    "datetime",
    "random",
    "secrets",
    "uuid",
    "threading",
    "signal",
    "fcntl",
    "getpass",
    "platform",
    "mlcc.files",
    "mlcc.writing",
    "mlcc.proc",
    "mlcc.resources",
    "mlcc.apply",
    "mlcc.aws",
    "mlcc.web",
    "mlcc.hub",
}


@functools.cache
def tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


def _typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if not _typing_only(child):
            yield child
            yield from walk(child)


@functools.cache
def imports(module: str) -> frozenset[str]:
    """Modules that a module imports, anywhere in it; names of ours are resolved to modules."""
    found = set()
    for node in walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            name = node.module or ""
            below = {f"{name}.{alias.name}" for alias in node.names}
            ours = {b for b in below if b in FILES}
            found |= ours
            if len(ours) < len(below) or not ours:
                found.add(name)
    return frozenset(found)


def within(module: str, names: tuple[str, ...]) -> bool:
    return any(module == n or module.startswith(n + ".") for n in names if n != "mlcc") or (
        module == "mlcc" and "mlcc" in names
    )


def row(module: str) -> int:
    found = [n for n, names in enumerate(ROWS) if within(module, names)]
    assert len(found) == 1, f"{module} stands in {len(found)} rows of the table"
    return found[0]


# ---------------------------------------------------------------- the table
@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_its_row(module):
    assert row(module) >= 0, "a new module: say in ROWS where it stands"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_its_row_and_those_before(module):
    later = {i for i in imports(module) if i in FILES and row(i) > row(module)}
    assert not later


@pytest.mark.parametrize("module", MODULES)
def test_outside_libraries_have_one_door_each(module):
    for name in imports(module):
        for library, doors in LIBRARIES.items():
            if name == library or name.startswith(library + "."):
                assert within(module, doors), f"{module} imports {name}, which is the business of {doors}"


@pytest.mark.parametrize("module", MODULES)
def test_nothing_else_is_imported(module):
    known = {library.partition(".")[0] for library in LIBRARIES} | {"mlcc"}
    foreign = {
        n for n in imports(module) if (top := n.partition(".")[0]) not in sys.stdlib_module_names and top not in known
    }
    assert not foreign


@pytest.mark.parametrize("module", [m for m in MODULES if within(m, PURE)])
def test_the_middle_is_pure(module):
    impure = {n for n in imports(module) if any(n == i or n.startswith(i + ".") for i in IMPURE)}
    assert not impure


@pytest.mark.parametrize("module", [m for m in MODULES if within(m, ROWS[0])])
def test_the_ground_imports_nothing_of_mlcc_s_beyond_itself(module):
    assert {n for n in imports(module) if n in FILES} <= set(ROWS[0])


def test_cookiecutter_is_used_through_generate_files_alone():
    names = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree("mlcc.render"))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cookiecutter")
        for alias in node.names
    ]
    assert names == ["cookiecutter.generate.generate_files"]
    assert not [n for n in imports("mlcc.render") if n.startswith("cookiecutter") and n != "cookiecutter.generate"]


def test_cookiecutter_runs_no_hooks():
    made = [n for n in walk(tree("mlcc.render")) if isinstance(n, ast.Call) and ast.unparse(n.func) == "generate_files"]
    assert made
    for call in made:
        assert {k.arg: ast.unparse(k.value) for k in call.keywords}["accept_hooks"] == "False"


def test_no_module_needs_itself():
    """The graph of imports at module level has no circle."""
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


def test_only_those_who_are_asked_by_name_know_the_hub():
    users = {m for m in MODULES if imports(m) & {"mlcc.hub", "mlcc.web"}}
    assert users == {"mlcc.hub", "mlcc.lookups", "mlcc.upgrade", "mlcc.cli.upgrade", "mlcc.cli.validate"}


def test_what_lambda_and_scanner_run_needs_no_mlcc():
    for name in ("mlcc.ci.scanner", "mlcc.ci.lambda_handler"):
        if name in FILES:
            assert not [i for i in imports(name) if i.startswith("mlcc")]


# ---------------------------------------------------------------- habits
def calls(module: str) -> Iterator[str]:
    for node in walk(tree(module)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("module", MODULES)
def test_nothing_prints(module):
    if module == "mlcc.start":
        return  # it says again what was said before, without the command line
    assert not [c for c in calls(module) if c in ("print", "sys.stdout.write", "sys.stderr.write", "pprint", "input")]


@pytest.mark.parametrize("module", MODULES)
def test_the_environment_is_read_in_one_place(module):
    source = ast.unparse(tree(module))
    found = re.findall(r"\bos\.(?:environ|getenv|environb)\b|\bexpanduser\b|\bPath\.home\b", source)
    assert not found or module in ("mlcc.cli.session", "mlcc.start")


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_evaluated(module):
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
    assert not [c for c in calls(module) if c in names]


@pytest.mark.parametrize("module", MODULES)
def test_no_program_runs_through_a_shell(module):
    for node in walk(tree(module)):
        if isinstance(node, ast.Call):
            assert not [k for k in node.keywords if k.arg == "shell"]


@pytest.mark.parametrize("module", MODULES)
def test_exceptions_are_named(module):
    handlers = [n for n in walk(tree(module)) if isinstance(n, ast.ExceptHandler)]
    assert not [h.lineno for h in handlers if h.type is None], "a bare except"
    broad = [h.lineno for h in handlers if h.type is not None and ast.unparse(h.type) == "Exception"]
    # where mlcc ends, and where the code of plugins begins
    assert not broad or module in ("mlcc.cli.boundary", "mlcc.cli.plugged", "mlcc.plugins")


@pytest.mark.parametrize("module", MODULES)
def test_files_and_functions_do_one_thing(module):
    lines = FILES[module].read_text().count("\n")
    assert lines <= MAX_LINES, f"{lines} lines"
    functions = [n for n in ast.walk(tree(module)) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    long = {f.name: n for f in functions if (n := (f.end_lineno or 0) - f.body[0].lineno + 1) > MAX_FUNCTION}
    assert not long


@pytest.mark.parametrize("module", MODULES)
def test_every_module_states_its_purpose(module):
    words = ast.get_docstring(tree(module))
    assert words or FILES[module].stat().st_size < 10
    assert (words or "x.").partition("\n\n")[0].rstrip().endswith((".", ")"))


@functools.cache
def knowledge() -> frozenset[str]:
    known = load()
    rows = {*known.deployment_configs, *known.architectures, *known.frameworks, *known.instances, *known.models}
    return frozenset(rows | {c.backend for c in known.deployment_configs.values()})


@pytest.mark.parametrize("module", MODULES)
def test_no_python_branches_on_a_row_s_name(module):
    names = knowledge()
    for node in walk(tree(module)):
        if isinstance(node, (ast.Compare, ast.MatchValue)):
            words = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
            assert not words & names, f"{module}:{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("module", MODULES)
def test_no_python_compares_a_backend_or_an_architecture(module):
    source = FILES[module].read_text()
    assert not re.findall(r"if .*(?:backend|architecture)(?:\.name)? *(?:==|!=)", source)
    assert not re.findall(r"match .*(?:backend|architecture)(?:\.name)?:", source)


# ---------------------------------------------------------------- the tests themselves
TESTS = sorted((ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("path", TESTS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_tests_pass_fakes_as_arguments(path: Path):
    source = path.read_text()
    forbidden = ("mock" + ".patch", "unittest" + ".mock", "Magic" + "Mock", "time" + ".sleep = ")
    assert not [word for word in forbidden if word in source]


def test_every_pure_module_has_a_file_of_tests():
    tested = {p.stem.removeprefix("test_") for p in TESTS}
    known = {
        "candidates": "resolve",
        "selection": "resolve",
        "sizing": "placement",
        "switches": "variables",
        "scalars": "yamlio",
        "yamltext": "yamlio",
    }
    pure = [m.removeprefix("mlcc.") for m in MODULES if within(m, PURE) and m.count(".") == 1]
    assert not [m for m in pure if known.get(m, m) not in tested]
