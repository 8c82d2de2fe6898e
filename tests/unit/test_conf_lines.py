"""The .conf files: which variables, how they are quoted for bash, and what is refused when they are read."""

from __future__ import annotations

import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcc.core.paths import Item
from mlcc.render import conf_lines, conf_values
from tests.fakes import resolved
from tests.helpers import only

# What an environment variable can hold.
VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
AWKWARD = [
    "",
    " ",
    "'",
    '"',
    "\\",
    "a'b\"c",
    "$(id)",
    "`id`",
    "${HOME}",
    "!!",
    "a\nb",
    "\n",
    "a\r\nb",
    "\t",
    "#x",
    "~",
    "*",
    "{a,b}",
    "ü日🙂",
    "-n",
    "a=b",
    "'\n'",
    "\u2028",
]
VARIABLES = st.dictionaries(
    st.text("AMZ_059", max_size=8).map("IC_ENV_B{}".format),
    st.one_of(VALUE, st.sampled_from(AWKWARD)),
    max_size=12,
)


def sourced(data: bytes, names: list[str], tmp_path) -> dict[str, str]:
    """What bash has in the variables after it sourced the file."""
    file = tmp_path / "x.conf"
    file.write_bytes(data)
    script = '. "$1" || exit 9; shift; for n; do printf "%s=%s\\0" "$n" "${!n}"; done'
    done = subprocess.run(
        ["bash", "--norc", "-u", "-c", script, "bash", str(file), *names],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8"},
    )
    assert done.stderr == b""
    pairs = [(p.partition("=")[0], p.partition("=")[2]) for p in done.stdout.decode().split("\0") if p]
    return dict(pairs)


@given(VARIABLES)
def test_what_is_rendered_is_parsed_back(variables):
    assert conf_lines.parse_conf(conf_lines.conf_text(variables), "do/config") == (variables, [])


@settings(max_examples=40)
@given(VARIABLES)
def test_what_is_rendered_is_what_bash_reads(tmp_path, variables):
    assert sourced(conf_lines.conf_text(variables), list(variables), tmp_path) == variables


@pytest.mark.parametrize("value", AWKWARD)
def test_awkward_values_come_back_from_bash_and_from_parse(value, tmp_path):
    data = conf_lines.conf_text({"A": value})
    assert sourced(data, ["A"], tmp_path) == {"A": value}
    assert conf_lines.parse_conf(data, "f") == ({"A": value}, [])


def test_a_file_looks_like_this():
    assert (
        conf_lines.conf_text({"B": "it's", "A": "1"})
        == (conf_lines.HEADER + "export A='1'\nexport B='it'\"'\"'s'\n").encode()
    )
    assert conf_lines.HEADER.startswith("# ")


# ---------------------------------------------------------------- what is read
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("export A='x'\n", "x"),
        ("export A='x'", "x"),
        ("export A=x\n", "x"),
        ("export A=\n", ""),
        ("export A=''\n", ""),
        ('export A="x y"\n', "x y"),
        ("export A=a'b'\"c\"d\n", "abcd"),
        ("export A='x' # why\n", "x"),
        ("export A='x'   \n", "x"),
        ("export A='a\nb'\n", "a\nb"),
        ("# note\n\n  \n\t# more\nexport A='x'\n", "x"),
        ("export A='1'\nexport A='2'\n", "2"),
        ("export A=s3://b/k-1_2.tar.gz\n", "s3://b/k-1_2.tar.gz"),
        ("export A='$(id)'\n", "$(id)"),
    ],
)
def test_plain_words_are_read_as_bash_reads_them(text, value, tmp_path):
    assert conf_lines.parse_conf(text.encode(), "f") == ({"A": value}, [])
    assert sourced(text.encode(), ["A"], tmp_path) == {"A": value}


REFUSED = [
    ("A='x'", 1),
    ("export A", 1),
    ("export A = x", 1),
    ("export A='x' B='y'", 1),
    ("export A='x'; rm -rf /", 1),
    ("export A='x' && id", 1),
    ("export A=$(id)", 1),
    ("export A=`id`", 1),
    ("export A=$HOME", 1),
    ("export A=${HOME}", 1),
    ('export A="$HOME"', 1),
    ('export A="`id`"', 1),
    ('export A="a\\nb"', 1),
    ('export A="!x"', 1),
    ("export A=a\\ b", 1),
    ("export A=~", 1),
    ("export A=*", 1),
    ("export A=(a b)", 1),
    ("export A+=x", 1),
    ("export A[0]=x", 1),
    ("export -n A=x", 1),
    ("export 1A=x", 1),
    ("export  A=x", 1),
    (" export A=x", 1),
    ("\texport A=x", 1),
    ("export A=x\\", 1),
    ("export A='x", 1),
    ('export A="x', 1),
    ("export A='x'\r", 1),
    ("export A=x|id", 1),
    ("export A=x>y", 1),
    ("export A='x' B", 1),
    ("export A='x'#y", 1),
    ("unset A", 1),
    (". other", 1),
    ("source other", 1),
    ("declare -x A=x", 1),
    ("export Ä=x", 1),
    ("export A=ä", 1),
    ("\u00a0# note", 1),
    ("\x0bexport A=x", 1),
    ("# fine\nexport A='1'\n\nexport B='a\nb'\nid\n", 6),
    ("export A='1'\nB=2\nexport C='3'\n", 2),
    ("#x\r\nid\n", 2),
    ("export A=x\\\nid", 1),
]


@pytest.mark.parametrize(("text", "line"), REFUSED)
def test_any_other_form_is_refused_with_its_place(text, line):
    _, findings = conf_lines.parse_conf(text.encode(), "do/config")
    finding = only(findings)
    assert (finding.code, finding.file, finding.line, finding.column) == ("MLCC301", "do/config", line, 1)


@pytest.mark.parametrize("mark", ["<<<<<<< HEAD", "=======", ">>>>>>> other"])
def test_marks_of_a_merge_are_settled_by_an_apply(mark):
    _, findings = conf_lines.parse_conf(f"{mark}\nexport A='1'\n".encode(), "do/config")
    assert "settle mlcc.yaml, run mlcc apply" in only(findings).hint


def test_bytes_that_are_no_text_are_refused():
    assert only(conf_lines.parse_conf(b"export A='\xff'\n", "f")[1]).code == "MLCC301"


@settings(max_examples=60)
@given(st.text("export A='\"\\$`#;\n\r\t =()x~*{}!|&<>", max_size=30))
def test_whatever_is_accepted_means_the_same_to_bash(tmp_path, text):
    variables, findings = conf_lines.parse_conf(text.encode(), "f")
    if not findings:
        assert sourced(text.encode(), list(variables), tmp_path) == variables


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data):
    variables, findings = conf_lines.parse_conf(data, "f")
    assert len(findings) <= 1
    assert all(isinstance(v, str) for v in variables.values())


def test_a_long_file_is_parsed_quickly():
    data = b"".join(b"export A%d='%s'\n" % (n, b"x" * 80) for n in range(3_000))
    before = time.perf_counter()
    assert len(conf_lines.parse_conf(data, "f")[0]) == 3_000
    assert time.perf_counter() - before < 2


# ---------------------------------------------------------------- which variables
BASE = "version: 1\nproject: {name: iris}\ndeployment: {config: web-one, region: us-east-1}\nframework: {name: trees}\n"


def values(text: str) -> dict:
    return {p: v.value for p, v in resolved(BASE + text).values.items()}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (0.5, "0.5"),
        ("x", "x"),
        (("a", "b"), "a,b"),
        ((), ""),
        ((1, True), "1,true"),
        (({"a": 1},), '[{"a":1}]'),
        ({"b": 1, "a": "ü"}, '{"a":"ü","b":1}'),
    ],
)
def test_values_as_text(value, text):
    assert conf_values.text(value) == text


def test_config_has_the_variables_that_the_schema_names():
    found = conf_values.config(
        values("tags: {b: x, a: y}\nnetwork: {subnets: [subnet-1, subnet-2]}\nbatch: {env: {Q: 1}}\n"), ["WEB_"]
    )
    assert found["PROJECT_NAME"] == "iris"
    assert found["AWS_REGION"] == "us-east-1"
    assert found["TAGS"] == '{"a":"y","b":"x","row":"framework"}'
    assert found["SUBNETS"] == "subnet-1,subnet-2"
    assert found["BATCH_ENV_Q"] == "1"
    assert not [name for name in found if name.startswith("IC_") and not name.startswith("IC_ENV_")]


def test_a_mapping_travels_as_json():
    found = conf_values.config(values("secrets: {A: {secretsmanager: x, phase: build}}\ntags: {team: a}\n"))
    assert found["SECRETS"] == '{"A":{"phase":"build","secretsmanager":"x"}}'
    assert found["TAGS"] == '{"row":"framework","team":"a"}'


def test_container_variables_keep_their_name_only_where_the_prefix_is_harmless():
    text = "env: {PATH: /evil, LD_PRELOAD: x, BASH_ENV: y, WEB_A: '1', WEBX: z}\n"
    found = conf_values.config(values(text), ["WEB_"])
    assert {"WEB_A", "IC_ENV_PATH", "IC_ENV_LD_PRELOAD", "IC_ENV_BASH_ENV", "IC_ENV_WEBX"} <= set(found)
    assert not {"PATH", "LD_PRELOAD", "BASH_ENV", "WEBX"} & set(found)
    assert "IC_ENV_WEB_A" in conf_values.config(values(text), [])


def test_a_component_has_its_own_file():
    text = "inference_components: [{name: chat, copy_count: 2, env: {A: b}, engine: {max_num_seqs: 4}}]\n"
    found = conf_values.component(values(text), "chat", ["WEB_"])
    assert (found["IC_NAME"], found["IC_COPY_COUNT"], found["IC_ENV_A"]) == ("chat", "2", "b")
    assert conf_values.component(values(text), "other") == {}


def test_an_adapter_has_its_own_file():
    text = "adapters: [{name: legal, artifact_url: 's3://bucket/a.tar.gz'}]\n"
    assert conf_values.adapter(values(text), "legal") == {
        "ADAPTER_NAME": "legal",
        "ADAPTER_ENABLED": "true",
        "ADAPTER_BASE": "chat",
        "ADAPTER_ARTIFACT_URL": "s3://bucket/a.tar.gz",
    }


@pytest.mark.parametrize(
    ("kind", "name", "variable", "scoped"),
    [
        ("IC", "chat", "IC_COPY_COUNT", "IC__CHAT__COPY_COUNT"),
        ("IC", "chat", "WEB_A", "IC__CHAT__WEB_A"),
        ("ADAPTER", "a-b", "ADAPTER_BASE", "ADAPTER__A_B__BASE"),
    ],
)
def test_scoped_names(kind, name, variable, scoped):
    assert conf_values.scoped(kind, name, variable) == scoped


def test_an_environment_s_file_holds_what_differs():
    text = "env: {A: a, B: b}\ninference_components: [{name: chat, copy_count: 1}, {name: rank}]\n"
    before = values(text)
    after = {**before, ("env", "A"): "z", ("inference_components", Item("chat"), "copy_count"): 3, ("env", "NEW"): "n"}
    del after[("env", "B")]
    after = {p: v for p, v in after.items() if p[:2] != ("inference_components", Item("rank"))}
    assert conf_values.overlay(before, after) == {
        "IC_ENV_A": "z",
        "IC_ENV_NEW": "n",
        "IC__CHAT__COPY_COUNT": "3",
        "IC__RANK__ENABLED": "false",
        "MLCC_UNSET": "IC_ENV_B",
    }
    assert conf_values.overlay(before, before) == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("export A='x'\r\n", 1),
        ("# comment\r\nexport A='x'\r\nexport B='y'\r\n", 2),
        ("export A=x\r\n", 1),
        ("\r\n", 1),
        ("export A='x'\nexport B='y'\r\n", 2),
    ],
)
def test_windows_line_endings_are_called_so(text, line):
    finding = only(conf_lines.parse_conf(text.encode(), "do/config")[1])
    assert (finding.code, finding.line) == ("MLCC301", line)
    assert "Windows line endings" in finding.message
    assert "do/config" in finding.hint


def test_a_carriage_return_inside_quotes_is_a_part_of_the_value():
    assert conf_lines.parse_conf(b"export A='x\r\ny'\n", "do/config") == ({"A": "x\r\ny"}, [])
