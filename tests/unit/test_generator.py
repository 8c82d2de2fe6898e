"""A library without what nobody calls: the same results, and whole again where that is needed."""

from __future__ import annotations

import subprocess
import sys

import jinja2
import pytest

from mlcc.render import generator

IMPORT = """
import sys
from mlcc.render import generator
{before}
generator.import_with_stand_ins(generator.GENERATOR, {stand_ins}, packages=["cookiecutter"], lazy=["arrow"])
from cookiecutter.generate import generate_files
{after}
print(sorted(n for n in ("rich.console", "dateutil", "email.parser", "cookiecutter.prompt", "binaryornot.helpers", "slugify") if n in sys.modules))
"""


def run(stand_ins: str = "generator.STAND_INS", before: str = "", after: str = "") -> list[str]:
    """Last line printed by a fresh interpreter."""
    code = IMPORT.format(stand_ins=stand_ins, before=before, after=after)
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_generator_comes_without_its_questionnaire():
    assert run() == ["[]"]


def test_a_release_that_needs_other_names_is_imported_whole():
    assert run(stand_ins='{"rich.prompt": {}, "cookiecutter.prompt": {}}') == [
        "['binaryornot.helpers', 'cookiecutter.prompt', 'email.parser', 'rich.console']"
    ]


def test_what_is_there_already_stays():
    assert "cookiecutter.prompt" in run(before="import cookiecutter.prompt")[0]


def test_the_clock_is_imported_when_a_template_asks_for_it():
    after = "import cookiecutter.extensions as e; print(e.arrow.utcnow().tzinfo is not None)"
    assert run(after=after) == ["True", "['dateutil']"]


def test_a_slug_is_made_by_the_library_when_a_template_asks_for_one():
    after = (
        "import jinja2; env = jinja2.Environment(extensions=['cookiecutter.extensions.SlugifyExtension']); "
        "print(env.from_string('{{ \"Zo\u00eb & co\" | slugify }}').render())"
    )
    assert run(after=after) == ["zoe-co", "['slugify']"]


@pytest.mark.parametrize(
    ("data", "binary"), [(b"", False), (b"a\nb", False), ("é".encode("latin-1"), False), (b"a\0", True)]
)
def test_a_file_with_a_nul_byte_is_copied_as_it_is(tmp_path, data, binary):
    (tmp_path / "file").write_bytes(data)
    assert generator.is_binary_file(str(tmp_path / "file")) is binary


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("do/step", True), ("a%b#}}", True), ("{{x}}", False), ("{% if x %}a{% endif %}", False), ("a{#b#}c", False),
        ("a\n", False), ("a\r\nb", False), ("", True),
    ],
)  # fmt: skip
def test_only_a_name_with_something_to_render_is_compiled(name, plain):
    usual, quick = jinja2.Environment(), jinja2.Environment(extensions=[generator.PlainNames])
    template = quick.from_string(name)
    assert template.render(x="y") == usual.from_string(name).render(x="y")
    assert isinstance(template, generator.PlainName) == plain


def test_a_template_with_options_is_compiled():
    template = jinja2.Environment(extensions=[generator.PlainNames]).from_string("a", globals={"x": 1})
    assert isinstance(template, jinja2.Template)


def test_others_get_the_whole_module():
    after = "from rich.prompt import Prompt; import cookiecutter.prompt as p; print(p.YesNoPrompt.__mro__[1].__name__)"
    assert run(after=after)[0] == "Confirm"


def test_a_left_out_name_says_so_when_it_is_called():
    with pytest.raises(RuntimeError, match="was not imported"):
        generator.Missing("x")


def test_a_later_module_has_no_hidden_names():
    with pytest.raises(AttributeError):
        generator.Later("json").__path__  # noqa: B018
    assert generator.Later("json").loads("1") == 1


def test_an_absent_package_leaves_nothing_ready():
    before = set(sys.modules)
    generator.import_with_stand_ins(
        ["no_such_module"], {"no_such_questions": {"ask": None}}, packages=["no_such_package"]
    )
    assert set(sys.modules) == before
