"""The precedence level by level, merging, defaults, and what a configuration selects from the registries."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core.paths import Item, format_path, nested, parse_path
from mlcc.core.values import Source
from mlcc.load.layers import node_layer
from mlcc.registries import load
from mlcc.resolve.candidates import Candidate, Table
from mlcc.resolve.resolver import STEPS, resolve_layers
from mlcc.resolve.result import Resolved
from mlcc.resolve.rows import newest
from tests.fakes import CONFIGS, FILES, TREES, MemoryRegistries, layer, read, registries, resolved
from tests.helpers import codes, only

BASE = "version: 1\nproject: {name: iris}\ndeployment: {config: web-one}\n"
WITH = BASE + "framework: {name: trees}\n"


# ---------------------------------------------------------------- nine levels
def chain(path: str) -> list[tuple[str, object]]:
    """The winner and all that it beat, strongest first, in a configuration where every level has a value."""
    found = everything().value(path)
    assert found is not None
    return [(found.source.label, found.value), *((b.source.label, b.value) for b in found.beaten)]


MAIN = """\
version: 1
project: {name: iris}
deployment: {config: web-one, region: us-file-1}
framework: {name: trees, version: "2.0", profile: fast}
model: {name: acme/big, profile: tuned}
tags: {row: file}
env: {WEB_WORKERS: "50"}
environments:
  prod:
    deployment: {region: us-overlay-1}
    tags: {row: overlay}
"""
ABOVE = (
    layer(Source.OPTION, "tags: {row: option}", "--set tags.row"),
    layer(Source.ARGUMENT, "tags: {row: argument}", "init NAME"),
    layer(Source.ENVIRONMENT, "tags: {row: environment}", "$ML_X"),
    layer(Source.CONFIG_FILE, "tags: {row: config-file}"),
    layer(Source.BASE, "tags: {row: base}"),
    layer(Source.MANIFEST, "tags: {row: manifest}", "pyproject.toml"),
    layer(Source.PICKER, "tags: {row: picker}", "picker"),
)


def everything() -> Resolved:
    return resolved(MAIN, *ABOVE, env="prod")


ORDER = [
    "option",
    "argument",
    "environment",
    "config-file",
    "overlay",
    "file",
    "base",
    "manifest",
    "picker",
    "model-profile",
    "model",
    "framework-profile",
    "framework",
    "deployment-config",
]
SAYS = {"deployment-config": "config"}


def test_all_levels_stand_in_order_and_nothing_is_forgotten():
    assert chain("tags.row") == [(label, SAYS.get(label, label)) for label in ORDER]


@pytest.mark.parametrize("number", range(len(ORDER)))
def test_each_level_wins_when_those_above_it_have_no_value(number):
    gone = set(ORDER[:number])
    above = [la for la in ABOVE if la.source.label not in gone]
    text = MAIN
    if "file" in gone:
        text = text.replace("tags: {row: file}\n", "", 1)
    if "model-profile" in gone:
        text = text.replace(", profile: tuned", "")
    if "model" in gone:
        text = text.replace("model: {name: acme/big}\n", "")
    if "framework-profile" in gone:
        text = text.replace(", profile: fast", "")
    if "framework" in gone:
        text = text.replace('version: "2.0"', 'version: "1.0"')
    env = None if "overlay" in gone else "prod"
    found = resolved(text, *above, env=env).value("tags.row")
    assert found is not None
    assert found.source.label == ORDER[number]


@pytest.mark.parametrize("layers", [*itertools.islice(itertools.permutations(ABOVE), 0, 5040, 700)])
def test_the_order_in_which_layers_arrive_does_not_matter(layers):
    assert resolved(MAIN, *layers, env="prod").values == everything().values


def test_built_in_defaults_are_the_ninth_level():
    found = resolved(WITH)
    ttl = found.value("ttl")
    assert (ttl.value, ttl.source, ttl.origin) == ("8h", Source.DEFAULT, "built-in default")
    beaten = resolved(WITH + "ttl: 2d\n").value("ttl")
    assert (beaten.value, [(b.value, b.source) for b in beaten.beaten]) == ("2d", [("8h", Source.DEFAULT)])


def test_values_know_their_file_and_line():
    found = everything()
    assert found.value("project.name").origin == "mlcc.yaml:2"
    assert found.value("deployment.region").origin == "mlcc.yaml:10"
    assert found.value("tags.row").origin == "--set tags.row"
    assert found.value("deployment.instance_type").origin.startswith("test0:deployment_configs.yaml:")
    assert (found.value("project.name").mark.line, found.value("project.name").mark.column) == (2, 17)


def test_sources_and_uncommitted():
    found = everything()
    assert found.sources[0] is Source.OPTION
    assert [format_path(p) for p in found.uncommitted] == ["tags.row"]
    assert resolved(WITH).uncommitted == ()


# ---------------------------------------------------------------- merging
def test_mappings_merge_key_by_key():
    found = resolved(BASE + "env: {A: file, B: file}\n", layer(Source.BASE, "env: {B: base, C: base}"))
    assert {k: v for k, v in found.below("env").items() if k in "ABC"} == {"A": "file", "B": "file", "C": "base"}


def test_named_lists_merge_by_name():
    text = WITH + "inference_components:\n  - {name: rank, copy_count: 3}\n  - {name: chat, gpu_count: 1}\n"
    above = layer(Source.OPTION, "inference_components: [{name: chat, gpu_count: 2}]", "--set")
    found = resolved(text, above)
    assert found.names("inference_components") == ("chat", "rank")
    assert found.get("inference_components[chat].gpu_count") == 2
    assert found.get("inference_components[rank].copy_count") == 3
    assert found.value("inference_components[chat].memory_mb").source is Source.DEPLOYMENT_CONFIG


def test_other_lists_replace():
    above = layer(Source.BASE, "network: {subnets: [subnet-3, subnet-4]}")
    found = resolved(WITH + "network: {subnets: [subnet-1]}\n", above).value("network.subnets")
    assert found.value == ("subnet-1",)
    assert [b.value for b in found.beaten] == [("subnet-3", "subnet-4")]


def test_a_scalar_hides_the_values_of_weaker_sources_below_it():
    over = node_layer(Source.OPTION, {"engine": {"lora": "off"}}, "--set")
    under = node_layer(Source.BASE, {"engine": {"lora": {"enabled": True}}}, "base")
    strong = resolve_layers((*[layer(Source.FILE, BASE)], over, under), registries())
    assert strong.get("engine.lora") == "off"
    assert strong.get("engine.lora.enabled") is None
    weak = resolve_layers(
        (
            layer(Source.FILE, BASE),
            node_layer(Source.BASE, {"engine": {"lora": "off"}}, "b"),
            node_layer(Source.OPTION, {"engine": {"lora": {"enabled": True}}}, "o"),
        ),
        registries(),
    )
    assert weak.get("engine.lora") is None
    assert weak.get("engine.lora.enabled") is True


WORDS = st.sampled_from("abc")
FLAT = st.dictionaries(WORDS, WORDS, max_size=3)


@given(
    st.dictionaries(
        st.sampled_from([Source.OPTION, Source.ENVIRONMENT, Source.CONFIG_FILE, Source.BASE, Source.MANIFEST]), FLAT
    )
)
def test_every_key_has_the_value_of_its_strongest_source(output_text):
    layers = [node_layer(source, {"tags": tags}, source.label) for source, tags in output_text.items()]
    found = resolve_layers((layer(Source.FILE, BASE), *layers), registries())
    for key in "abc":
        says = sorted((s, tags[key]) for s, tags in output_text.items() if key in tags)
        value = found.value(f"tags.{key}")
        assert (value is None) == (not says)
        if says:
            assert (value.source, value.value) == says[0]
            assert [(b.source, b.value) for b in value.beaten] == says[1:]


# ---------------------------------------------------------------- env_unset
def test_env_unset_takes_registry_defaults_away():
    found = resolved(WITH + "env_unset: [WEB_DROP, OMP_NUM_THREADS]\n")
    assert set(found.below("env")) == {"WEB_WORKERS"}


def test_env_unset_leaves_what_the_user_gave():
    found = resolved(WITH + "env_unset: [WEB_WORKERS]\nenv: {WEB_WORKERS: '9'}\n").value("env.WEB_WORKERS")
    assert (found.value, found.beaten) == ("9", ())


def test_env_unset_of_what_is_not_there_is_no_mistake():
    assert resolved(WITH + "env_unset: [NOPE]\n").findings == ()


# ---------------------------------------------------------------- elements
def test_an_absent_list_means_one_component_where_the_target_serves_them():
    known = registries(
        deployment_configs=CONFIGS.replace("      inference_components:\n        - {name: chat, memory_mb: 1111}\n", "")
    )
    found = resolved(WITH, known=known)
    assert found.names("inference_components") == ("default",)
    assert found.value("inference_components[default].name").source is Source.DEFAULT
    assert found.get("inference_components[default].copy_count") == 1
    local = resolved(WITH.replace("web-one", "web-one, target: local"), known=known)
    assert local.names("inference_components") == ()


def test_elements_get_their_own_defaults():
    found = resolved(WITH + "inference_components: [{name: a}, {name: b, copy_count: 5}]\n")
    assert [found.get(f"inference_components[{n}].copy_count") for n in "ab"] == [1, 5]
    assert [found.get(f"inference_components[{n}].enabled") for n in "ab"] == [True, True]
    assert [b.value for b in found.value("inference_components[b].copy_count").beaten] == [1]


ADAPTER = "adapters: [{name: legal, artifact_url: 's3://bucket/a.tar.gz'}]\n"


@pytest.mark.parametrize(
    ("components", "base"),
    [
        ("", "chat"),
        ("inference_components: [{name: chat}]\n", "chat"),
        ("inference_components: [{name: rank}]\n", None),
    ],
)
def test_the_base_of_an_adapter_is_the_only_component(components, base):
    assert resolved(WITH + ADAPTER + components).get("adapters[legal].base") == base


def test_an_adapter_s_own_base_stays():
    text = WITH + ADAPTER.replace("name: legal", "name: legal, base: rank")
    assert resolved(text).get("adapters[legal].base") == "rank"


# ---------------------------------------------------------------- rows
def test_rows_are_selected():
    rows = everything().rows
    assert (rows.config.name, rows.architecture.name, rows.target.name) == ("web-one", "web", "realtime-inference")
    assert (rows.framework.name, rows.version.name, rows.model.name) == ("trees", "2.0", "acme/big")
    assert rows.instance.name == "ml.c1.large"


@pytest.mark.parametrize(
    ("text", "code", "path", "line", "hint"),
    [
        (BASE.replace("web-one", "web-oen"), "MLCC102", "deployment.config", 3, "did you mean web-one?"),
        (BASE.replace("web-one", "lost-one"), "MLCC102", "deployment.config", 3, "deployment_configs.yaml"),
        (BASE + "framework: {name: nope}\n", "MLCC105", "framework.name", 4, "web-one serves: nets, trees"),
        (BASE, "MLCC105", "framework.name", 3, "nets, trees"),
        (WITH.replace("trees", "trees, version: '9'"), "MLCC106", "framework.version", 4, "2.0 (tested)"),
        (WITH.replace("trees", "trees, profile: slow"), "MLCC107", "framework.profile", 4, "known: default, fast"),
        (
            WITH + "model: {name: acme/big, profile: no}\n".replace(" no", " nope"),
            "MLCC107",
            "model.profile",
            5,
            "known: default, tuned",
        ),
    ],
)
def test_what_no_row_has_is_a_finding_with_its_place(text, code, path, line, hint):
    finding = only(resolved(text).findings)
    assert (finding.code, finding.path, finding.file, finding.line) == (code, path, "mlcc.yaml", line)
    assert hint in finding.hint


def test_an_unknown_target_is_a_finding():
    above = node_layer(Source.OPTION, {"deployment": {"target": "realtime"}}, "--set deployment.target")
    finding = only(resolved(WITH, above).findings)
    assert (finding.code, finding.file) == ("MLCC103", "--set deployment.target")
    assert "did you mean realtime-inference?" in finding.hint


@pytest.mark.parametrize(
    ("old", "new", "path", "name"),
    [
        ("web-one", "web-first", "deployment.config", "web-one"),
        ("web-one", "web-one, target: managed-inference", "deployment.target", "realtime-inference"),
    ],
)
def test_old_names_are_read_with_a_warning(old, new, path, name):
    found = resolved(WITH.replace(old, new))
    finding = only(found.findings)
    assert (finding.code, finding.severity.label, finding.path) == ("MLCC110", "warning", path)
    assert found.get(path) == name
    assert found.value(path).origin == "mlcc.yaml:3"


def test_a_name_and_a_config_are_required_and_nothing_else():
    assert [(f.code, f.path) for f in resolved("version: 1\n").findings] == [
        ("MLCC027", "project.name"),
        ("MLCC027", "deployment.config"),
    ]
    assert resolve_layers((), registries()).findings[0].file == "mlcc.yaml"


# ---------------------------------------------------------------- frameworks
@pytest.mark.parametrize(("form", "framework"), [("joblib", "trees"), ("json", "trees"), ("onnx", "nets")])
def test_the_framework_is_inferred_where_only_one_loads_the_format(form, framework):
    found = resolved(f"{BASE}model: {{format: {form}}}\n")
    value = found.value("framework.name")
    assert (value.value, value.source) == (framework, Source.FILE)
    assert value.origin == f"mlcc.yaml:4 (the framework that loads {form})"
    assert found.findings == ()


def test_nothing_is_inferred_where_two_load_the_format():
    known = registries(
        frameworks_nets=FILES["frameworks/nets.yaml"].replace("onnx: {file: model.onnx}", "joblib: {file: x.joblib}")
    )
    found = resolved(BASE + "model: {format: joblib}\n", known=known)
    assert found.get("framework.name") is None
    assert codes(found.findings) == ["MLCC105"]


def test_a_named_framework_is_not_inferred_away():
    found = resolved(WITH + "model: {format: onnx}\n")
    assert found.get("framework.name") == "trees"


def test_the_default_format_comes_from_the_framework():
    found = resolved(WITH).value("model.format")
    assert (found.value, found.source) == ("joblib", Source.FRAMEWORK)


def test_the_best_tested_version_is_taken_then_the_newest():
    known = registries()
    assert newest(known.framework("trees")).name == "2.0"
    untested = registries(frameworks_trees=TREES.replace("validation_level: tested", "validation_level: experimental"))
    assert newest(untested.framework("trees")).name == "3.0"
    found = resolved(WITH).value("framework.version")
    assert (found.value, found.source) == ("2.0", Source.FRAMEWORK)


def test_a_framework_without_versions_gives_none():
    bare = "version: 1\nkind: framework\nname: nets\nsource: test\nformats: {onnx: {file: m.onnx}}\nversions: {}\n"
    found = resolved(BASE + "framework: {name: nets}\n", known=registries(frameworks_nets=bare))
    assert found.rows.version is None
    assert found.get("framework.version") is None


def test_the_profile_called_default_is_none():
    found = resolved(MAIN.replace("profile: fast", "profile: default").replace("profile: tuned", "profile: default"))
    assert found.findings == ()
    assert [b.source.label for b in found.value("tags.row").beaten] == ["model", "framework", "deployment-config"]


def test_the_platform_follows_the_instance():
    found = resolved(WITH).value("build.platform")
    assert (found.value, found.origin) == ("linux/arm64", "platform of ml.c1.large")
    assert resolved(WITH + "build: {platform: linux/amd64}\n").get("build.platform") == "linux/amd64"


def test_an_instance_of_no_row_is_kept_for_the_checks():
    found = resolved(WITH.replace("web-one", "web-one, instance_type: ml.zz.large"))
    assert found.rows.instance is None
    assert found.get("deployment.instance_type") == "ml.zz.large"


# ---------------------------------------------------------------- registries
def test_later_roots_override_rows_of_earlier_ones():
    own = CONFIGS.replace("row: config", "row: own")
    known = MemoryRegistries(FILES, {"deployment_configs.yaml": own})
    assert resolved(BASE + "framework: {name: nets}\n", known=known).get("tags.row") == "own"


def test_versions_of_later_roots_join_those_of_earlier_ones():
    more = 'version: 1\nkind: framework\nname: trees\nversions: {"4.0": {validation_level: tested, source: mine}}\n'
    framework = MemoryRegistries(FILES, {"frameworks/trees.yaml": more}).framework("trees")
    assert set(framework.versions) == {"1.0", "2.0", "3.0", "4.0"}
    assert framework.default_format == "joblib"
    assert framework.formats["json"] == "model.json"


HOSTILE_DEFAULTS = [
    "{deployment: 5}",
    "{env: [1, 2]}",
    "{inference_components: [{copy_count: 1}]}",
    "{inference_components: [1]}",
    "{inference_components: {a: 1}}",
    "{model: {format: {a: b}}}",
    "{nonsense: {a: 1}}",
    '{project: {name: "x\\ny"}}',
    '{framework: {base_image: "x\\nRUN evil"}}',
]


@pytest.mark.parametrize("defaults", HOSTILE_DEFAULTS)
def test_a_row_s_defaults_obey_the_schema_like_any_document(defaults):
    facts = "title: x, architecture: web, backend: one, source: x, validation_level: unknown, frameworks: [trees]"
    row = f"  web-one: {{{facts}, defaults: {defaults}}}\n"
    own = f"version: 1\nkind: deployment_configs\nrows:\n{row}"
    known = MemoryRegistries(FILES, {"deployment_configs.yaml": own})
    assert [f for f in resolved(WITH, known=known).findings if f.severity.label == "error"]


# ---------------------------------------------------------------- trees
@given(
    st.dictionaries(
        st.one_of(
            st.tuples(st.just("env"), WORDS),
            st.tuples(st.just("project"), WORDS),
            st.tuples(st.just("inference_components"), st.builds(Item, WORDS), WORDS.map(lambda w: f"k{w}")),
        ),
        st.integers(),
    )
)
def test_tree_puts_leaves_back_where_they_were(values):
    shape = nested(values)
    for path, value in values.items():
        here = shape
        for segment in path:
            here = next(e for e in here if e["name"] == segment.name) if isinstance(segment, Item) else here[segment]
        assert here == value


def test_tree_is_in_mlcc_yaml_s_shape():
    shape = nested({p: v.value for p, v in resolved(WITH + "network: {subnets: [subnet-1]}\n").values.items()})
    assert shape["network"] == {"subnets": ["subnet-1"]}
    assert shape["inference_components"] == [{"copy_count": 1, "enabled": True, "memory_mb": 1111, "name": "chat"}]
    assert read("version: 1\n", partial=True).ok


def test_look_ups_by_dotted_path():
    found = resolved(WITH)
    assert found.get("nope.nothing", 3) == 3
    assert found.get("not a path") is None
    assert found.below("project") == {"name": "iris"}
    assert found.names("adapters") == ()
    assert list(found.values) == sorted(
        found.values, key=lambda p: [str(s) if isinstance(s, str) else "~" + s.name for s in p]
    )
    assert parse_path("project.name") in found.values


# ---------------------------------------------------------------- the table of candidates
def table(**sources: Source) -> Table:
    """A table with one value for each dotted path (`__` for a dot): the name of its source."""
    made = Table()
    for name, source in sources.items():
        made.put(tuple(name.split("__")), source.label, source, "test")
    return made


def test_the_strongest_source_wins_whatever_the_order():
    made = table(env__A=Source.DEFAULT)
    made.put(("env", "A"), "file", Source.FILE, "test")
    made.put(("env", "A"), "model", Source.MODEL, "test")
    assert made.text("env.A") == made.text(("env", "A")) == "file"
    assert [c.source for c in made.all_for(("env", "A"))] == [Source.DEFAULT, Source.FILE, Source.MODEL]
    assert made.best("env.B") is None
    assert made.text("env.B") == ""


def test_a_source_offers_one_value_for_a_path():
    made = table(env__A=Source.FILE)
    made.offer(("env", "A"), Candidate("again", Source.FILE, "test"))
    made.offer(("env", "A"), Candidate("option", Source.OPTION, "test"))
    assert [c.value for c in made.all_for(("env", "A"))] == ["file", "option"]


def test_the_table_knows_what_is_below_a_section():
    made = table(env__A=Source.FILE, env__B=Source.FILE, tags__x=Source.FILE)
    made.put(("adapters", Item("legal"), "base"), "chat", Source.FILE, "test")
    made.put(("adapters", Item("legal"), "name"), "legal", Source.FILE, "test")
    assert made.keys("env") == (("env", "A"), ("env", "B"))
    assert made.names("adapters") == ("legal",)
    assert made.keys("adapters") == ()
    assert [*made.below("adapters")] == [("adapters", Item("legal"), "base"), ("adapters", Item("legal"), "name")]
    assert made.has_below(("adapters",))
    assert not made.has_below(("env", "A"))


def test_what_is_dropped_is_nowhere_any_more():
    made = table(env__A=Source.FILE, env__B=Source.MODEL)
    made.drop(("env", "A"), lambda candidate: candidate.source is Source.OPTION)
    assert ("env", "A") in made
    made.drop(("env", "A"))
    made.drop(("env", "A"))
    assert ("env", "A") not in made
    assert made.keys("env") == (("env", "B"),)
    made.drop(("env", "B"))
    assert not made.has_below(("env",))
    assert made.settle() == {}


def test_a_replaced_candidate_is_the_only_one():
    made = table(env__A=Source.FILE)
    made.replace(("env", "A"), Candidate("new", Source.DEFAULT, "test"))
    assert [c.value for c in made.all_for(("env", "A"))] == ["new"]


@pytest.mark.parametrize(
    ("keys", "kept"),
    [
        ({"env": Source.FILE, "secretsmanager": Source.BASE, "json_key": Source.BASE}, {"env"}),
        ({"env": Source.BASE, "secretsmanager": Source.FILE, "json_key": Source.BASE}, {"secretsmanager", "json_key"}),
        ({"env": Source.FILE, "secretsmanager": Source.FILE}, {"env", "secretsmanager"}),
        ({"env": Source.FILE, "phase": Source.BASE}, {"env", "phase"}),
        ({"json_key": Source.FILE}, {"json_key"}),
    ],
)
def test_of_keys_that_exclude_one_another_those_of_the_strongest_source_stay(keys, kept):
    made = table(**{f"secrets__A__{key}": source for key, source in keys.items()})
    made.keep_strongest(
        ("secrets", "A"), {"secretsmanager": "secretsmanager", "json_key": "secretsmanager", "env": "env"}
    )
    assert {path[-1] for path in made.keys("secrets", "A")} == kept


def test_every_step_states_what_it_does():
    assert len(STEPS) == len(set(STEPS))
    assert all(step.__doc__ for step in STEPS)


# ---------------------------------------------------------------- the largest request
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("deployment: {config: http-flask, target: async-inference}", "1024"),
        ("deployment: {config: http-nginx, target: async-inference}\nenv: {MLCC_MAX_PAYLOAD_MB: '9'}", "9"),
        ("deployment: {config: http-flask}", None),
        ("deployment: {config: transformers-vllm, target: async-inference}\nmodel: {name: a/b}", None),
    ],
)
def test_a_server_learns_of_large_requests(text: str, value: str | None) -> None:
    found = resolve_layers([layer(Source.FILE, f"version: 1\n{text}\n")], load())
    assert found.get("env.MLCC_MAX_PAYLOAD_MB") == value
