"""What a shell offers after TAB: commands, options, keys, values, rows, overlays, and its own files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import SMALLEST, build_tree, run_mlcc

HERE = Path()


def offered(line: str, shell: str = "bash") -> list[str]:
    """The words that mlcc offers for the last word of a line (which may be empty)."""
    words = line.split(" ")
    environ = {"_MLCC_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    if shell == "fish":
        environ["COMP_CWORD"] = words[-1]
    result = run_mlcc(env=environ)
    assert result.code == 0, result.stderr
    assert result.stderr == ""
    return [li for li in result.stdout.splitlines() if li]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("mlcc va", "plain,validate"),
        ("mlcc up", "plain,upgrade"),
        ("mlcc upgrade --rev", "plain,--revision"),
        ("mlcc validate --onl", "plain,--online"),
        ("mlcc validate --validate-with", "plain,--validate-with-docker"),
        ("mlcc validate --no-validate-e", "plain,--no-validate-env-vars"),
        ("mlcc validate --out", "plain,--output"),
        ("mlcc init --deployment-t", "plain,--deployment-target"),
        ("mlcc plan --deployment-t", "plain,--deployment-target"),
        ("mlcc init iris --", "plain,--deployment-config"),
        ("mlcc init --", "plain,--region"),
        ("mlcc apply --", "plain,--instance-type"),
        ("mlcc apply --region us-east-1 --instance-t", "plain,--instance-type"),
        ("mlcc show --engine-max-m", "plain,--engine-max-model-len"),
        ("mlcc apply --deployment-config http-f", "plain,http-flask"),
        ("mlcc plan --instance-type ml.g5.x", "plain,ml.g5.xlarge"),
        ("mlcc validate --region us-ea", "plain,us-east-1"),
        ("mlcc init iris --deployment-target loc", "plain,local"),
        ("mlcc explain deployment.inst", "plain,deployment.instance_type"),
        ("mlcc explain MLCC10", "plain,MLCC108"),
        ("mlcc explain mlcc10", "plain,MLCC108"),
        ("mlcc set deployment.target real", "plain,realtime-inference"),
        ("mlcc set build.platform linux/a", "plain,linux/arm64"),
        ("mlcc set seed_files.tests f", "plain,false"),
        ("mlcc validate --set deployment.reg", "plain,deployment.region="),
        ("mlcc validate --set deployment.region=eu-c", "plain,deployment.region=eu-central-1"),
        ("mlcc catalog inst", "plain,instances"),
        ("mlcc catalog instances ml.inf2.x", "plain,ml.inf2.xlarge"),
        ("mlcc do buil", "plain,build"),
        ("mlcc do deploy --target loc", "plain,local"),
        ("mlcc explain -f ml", "file,ml"),
        ("mlcc apply -C so", "dir,so"),
        ("mlcc validate my", "file,my"),
        ("mlcc plan --env pr", "plain,prod"),
        ("mlcc set --env pr", "plain,prod"),
        ("mlcc explain ttl -f other.yaml --env st", "plain,stage"),
        ("mlcc do -C sub deploy --env te", "plain,test"),
    ],
)
def test_what_is_offered(line: str, word: str) -> None:
    build_tree(
        HERE,
        {
            "mlcc.yaml": SMALLEST + "environments: {prod: {ttl: 1d}}\n",
            "other.yaml": SMALLEST + "environments: {stage: {ttl: 1d}}\n",
            "sub/mlcc.yaml": SMALLEST + "environments: {test: {ttl: 1d}}\n",
        },
    )
    assert word in offered(line)


@pytest.mark.parametrize(
    "line", ["mlcc plan --env ", "mlcc set nope x", "mlcc set nope[ x", "mlcc catalog nope x", "mlcc nope "]
)
def test_nothing_is_offered_where_nothing_is_known(line: str) -> None:
    assert offered(line) == []


def test_a_broken_file_is_no_obstacle() -> None:
    build_tree(HERE, {"mlcc.yaml": "a: [\n"})
    assert offered("mlcc plan --env ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_is_given_it(shell: str) -> None:
    assert any("validate" in line for line in offered("mlcc va", shell))


def test_options_that_help_does_not_show_are_offered_once_a_letter_is_typed() -> None:
    assert "plain,--ttl" not in offered("mlcc init --")
    assert "plain,--ttl" in offered("mlcc init --t")
    assert not [word for word in offered("mlcc init --") if "--keys" in word]


def test_every_option_of_a_key_is_offered_once() -> None:
    from mlcc.io.schema import keys

    known = [str(p.meta["option"]) for p in keys.index().values() if p.meta.get("option")]
    found = [w for letter in sorted({name[2] for name in known}) for w in offered(f"mlcc plan --{letter}")]
    assert [found.count(f"plain,{name}") for name in known] == [1] * len(known)


def test_words_of_one_table_only() -> None:
    assert "plain,ml.g5.xlarge" not in offered("mlcc catalog regions ")
