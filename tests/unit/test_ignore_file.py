"""Patterns of .dockerignore, with the answers of Docker's documentation."""

from __future__ import annotations

import pytest

from mlcc.core.ignore_file import IgnoreFile


@pytest.mark.parametrize(
    ("lines", "path", "ignored"),
    [
        (["*/temp*"], "somedir/temporary.txt", True),
        (["*/temp*"], "somedir/temp/file", True),
        (["*/temp*"], "a/b/temporary.txt", False),
        (["*/*/temp*"], "somedir/subdir/temporary.txt", True),
        (["temp?"], "tempa", True),
        (["temp?"], "temp", False),
        (["temp?"], "a/tempa", False),
        (["**/*.go"], "main.go", True),
        (["**/*.go"], "a/b/main.go", True),
        (["a/**"], "a/b/c", True),
        (["a/**"], "a", False),
        (["*.md", "!README.md"], "README.md", False),
        (["*.md", "!README*.md", "README-secret.md"], "README-secret.md", True),
        (["*.md", "README-secret.md", "!README*.md"], "README-secret.md", False),
        (["# do", "", "  "], "do", False),
        (["/do/"], "do/build", True),
        ([".git"], ".gitignore", False),
        ([".git"], ".git/config", True),
        (["**/.env.*"], ".env.local", True),
        (["a+b(c"], "a+b(c", True),
        (["a[bc]d"], "abd", True),
        (["a[^bc]d"], "abd", False),
        ([r"a\*b"], "axb", False),
        ([r"a\*b"], "a*b", True),
        (["*", "!code"], "code/serve", False),
    ],
)
def test_a_path(lines: list[str], path: str, ignored: bool) -> None:
    assert IgnoreFile(lines)(path) is ignored
