"""mlcc's table in pyproject.toml and package.json: read, absent, or refused with a reason."""

from __future__ import annotations

import pytest

from mlcc.load.manifests import read_table

DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("pyproject.toml", "[tool.mlcc]\nttl = '1h'\n", {"ttl": "1h"}),
        ("pyproject.toml", "tool.mlcc.deployment.region = 'eu-west-1'\n", {"deployment": {"region": "eu-west-1"}}),
        ("pyproject.toml", "# mlcc\n[tool.other]\na = 1\n", None),
        ("pyproject.toml", "[project]\nversion = '1.2.3'\nmlcc = [1.5, 2.5]\n", None),
        ("pyproject.toml", "[project]\ntext = 'mlcc " + "One sentence. " * 60 + "'\n", None),
        ("pyproject.toml", "[project]\ndependencies = [" + '"mlcc.a.b==1.2.3", ' * 60 + "]\n", None),
        ("pyproject.toml", '[project]\ntext = """\nmlcc\n' + "a." * 60 + '\n"""\n', None),
        ("pyproject.toml", "[project]\nx = 1 # mlcc " + "a." * 60 + "\n", None),
        ("pyproject.toml", "this is no TOML", None),
        ("package.json", '{"mlcc": {"ttl": "1h"}}', {"ttl": "1h"}),
        ("package.json", '{"name": "mlcc", "a": 1, "a": 2}', None),
        ("package.json", '["mlcc"]', None),
        ("package.json", "this is no JSON", None),
    ],
)
def test_the_table_or_none(name: str, text: str, value: object) -> None:
    found = read_table(name, text.encode())
    assert found.problem == ""
    assert found.value == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("pyproject.toml", "tool = 'mlcc'\n", "is no table"),
        ("pyproject.toml", "mlcc = [", "cannot be read"),
        ("pyproject.toml", "mlcc = " + DEEP, "cannot be read"),
        ("pyproject.toml", "\n#mlcc\n" + ".".join(["a"] * 60) + " = 1", "a key in line 3 has more than 50 parts"),
        ("pyproject.toml", "#mlcc\n[" + " . ".join(["'a'"] * 60) + "]", "a key in line 2 has more than 50 parts"),
        ("pyproject.toml", "#mlcc\nx = {b = 1, " + "a." * 60 + "a = 1}", "a key in line 2 has more than 50 parts"),
        ("pyproject.toml", "#mlcc\n" + "a." * 60, "a key in line 2 has more than 50 parts"),
        *(
            (
                "pyproject.toml",
                f"#mlcc\n{'.'.join([*['a'] * 30, part, *['b'] * 30])} = 1",
                "a key in line 2 has more than",
            )
            for part in ('"é"', '"\u2028"', '":"', "'# x'", '"\\""', "''", "'\"'")
        ),
        ("pyproject.toml", '#mlcc\ns = """\n" it\'s\n"""\n' + "a." * 60, "a key in line 5 has more than 50 parts"),
        (
            "pyproject.toml",
            '#mlcc\nx = {s = """\n""", ' + "a." * 60 + '"b" = 1}',
            "a key in line 3 has more than 50 parts",
        ),
        ("package.json", '{"mlcc": ', "cannot be read"),
        ("package.json", '{"mlcc": ' + DEEP, "cannot be read"),
        ("package.json", '{"mlcc": {"a": NaN}}', "cannot be read"),
        ("package.json", '{"mlcc": 1, "mlcc": 2}', "the key 'mlcc' stands twice"),
        (
            "package.json",
            '{"mlcc": {"env": [{"A": 1, "A": 2}]}}',
            "the key 'A' stands twice in mlcc.env of package.json",
        ),
    ],
)
def test_what_cannot_be_used_has_a_reason(name: str, text: str, words: str) -> None:
    found = read_table(name, text.encode())
    assert found.value is None
    assert words in found.problem


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "a " * 500_000, "a." * 500_000, ". " * 500_000, '"' * 1_000_000, "a" + " " * 999_999]
)
def test_a_long_text_is_read_once(text: str) -> None:
    assert read_table("pyproject.toml", b"#mlcc\n" + text.encode()).value is None
