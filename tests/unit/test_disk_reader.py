"""The one guard through which a checkout's files are opened."""

from __future__ import annotations

import os
import socket

import pytest

from mlcc.io.disk.reader import Directory, Refused, read_named
from tests.helpers import build_tree

CAP = 1000


@pytest.fixture
def folder(tmp_path):
    """A folder `in` with one of everything, beside a folder `out` that must never be reached."""
    build_tree(
        tmp_path, {"in/plain": "text", "in/sub/deep/file": "deep", "in/big": "x" * (CAP + 1), "out/secret": "secret"}
    )
    inside = tmp_path / "in"
    (inside / "link").symlink_to("plain")
    (inside / "out-link").symlink_to(tmp_path / "out" / "secret")
    (inside / "dangling").symlink_to("nowhere")
    (inside / "dir-link").symlink_to(tmp_path / "out")
    (inside / "loop").symlink_to("loop")
    (inside / "sub" / "up").symlink_to("..")
    os.link(tmp_path / "out" / "secret", inside / "hard")
    os.mkfifo(inside / "fifo")
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(inside)
    server.bind("socket")
    os.chdir(here)
    yield inside
    server.close()


REFUSED = [
    ("link", "a symbolic link stands there"),
    ("out-link", "a symbolic link stands there"),
    ("dangling", "a symbolic link stands there"),
    ("loop", "a symbolic link stands there"),
    ("dir-link/secret", "a file or a link stands where a directory belongs"),
    ("sub/up/plain", "a file or a link stands where a directory belongs"),
    ("plain/x", "a file or a link stands where a directory belongs"),
    ("hard", "more than one hard link"),
    ("fifo", "not a plain file"),
    ("socket", "not a plain file"),
    ("sub", "a directory stands where a file belongs"),
    ("big", "larger than 1,000 bytes"),
    ("n" * 300, "the name is too long"),
]


@pytest.mark.parametrize(("path", "why"), REFUSED, ids=[r[0][:20] for r in REFUSED])
def test_anything_but_a_plain_file_is_refused(folder, path, why):
    with Directory(str(folder)) as directory, pytest.raises(Refused) as caught:
        directory.read(path, CAP)
    finding = caught.value.findings[0]
    assert finding.code == "MLCC001"
    assert why in finding.message
    assert "secret" not in finding.message.replace("dir-link/secret", "")


@pytest.mark.parametrize("path", ["nope", "sub/nope", "no/such/folder"])
def test_what_is_absent_is_none(folder, path):
    with Directory(str(folder)) as directory:
        assert directory.read(path, CAP) is None
        assert not directory.exists(path)


def test_a_plain_file_is_read_with_its_mode(folder):
    (folder / "plain").chmod(0o751)
    with Directory(str(folder)) as directory:
        assert directory.read("plain", CAP) == (b"text", 0o751)
        assert directory.read("sub/deep/file", CAP)[0] == b"deep"
        assert directory.read("hard", CAP, single_link=False)[0] == b"secret"


@pytest.mark.parametrize(("size", "fits"), [(CAP - 1, True), (CAP, True), (CAP + 1, False)])
def test_the_cap_is_exact(tmp_path, size, fits):
    (tmp_path / "f").write_bytes(b"x" * size)
    with Directory(str(tmp_path)) as directory:
        if fits:
            assert len(directory.read("f", CAP)[0]) == size
        else:
            with pytest.raises(Refused):
                directory.read("f", CAP)


@pytest.mark.parametrize("path", [r[0] for r in REFUSED if r[0] not in ("n" * 300,)])
def test_whatever_stands_there_exists(folder, path):
    with Directory(str(folder)) as directory:
        assert directory.exists(path)


def test_a_walk_is_in_order_and_follows_no_link(folder):
    with Directory(str(folder)) as directory:
        found = list(directory.walk())
    assert "dir-link" in found, "a link is a thing that is there"
    assert not [p for p in found if p.startswith(("dir-link/", "sub/up/"))]
    assert "sub/deep/file" in found
    assert list(Directory(str(folder)).walk("nope")) == []


def test_a_walk_ends_at_a_limit(folder):
    with Directory(str(folder)) as directory, pytest.raises(Refused):
        list(directory.walk(limit=3))


@pytest.mark.parametrize("path", ["dir-link", "plain", "fifo", "sub/up"])
def test_a_walk_below_something_else_is_refused(folder, path):
    with Directory(str(folder)) as directory, pytest.raises(Refused):
        list(directory.walk(path))


# ---------------------------------------------------------------- names that the operator gave
def test_a_named_file_may_lie_behind_links_but_not_be_one(folder):
    assert read_named(str(folder / "dir-link" / "secret"), CAP) == b"secret"
    with pytest.raises(Refused, match="symbolic link"):
        read_named(str(folder / "link"), CAP)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nope", "no such file"),
        ("sub", "a directory"),
        ("fifo", "not a plain file"),
        ("big", "larger than"),
        ("a\0b", "not a file name"),
        ("n" * 300, "too long"),
    ],
)
def test_a_named_file_must_be_a_plain_one(folder, name, why):
    with pytest.raises(Refused, match=why):
        read_named(str(folder) + "/" + name, CAP)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(Refused) as caught:
        read_named(str(tmp_path / "mlcc.yaml"), CAP)
    assert "mlcc init" in caught.value.findings[0].hint


@pytest.mark.parametrize(
    ("name", "why"), [("nope", "no such directory"), ("plain", "a file or a link"), ("a\0b", "not a directory")]
)
def test_a_directory_must_be_one(folder, name, why):
    with pytest.raises(Refused, match=why):
        Directory(str(folder) + "/" + name)


def test_a_directory_is_followed_only_where_that_is_meant(folder):
    Directory(str(folder / "dir-link")).close()
    with pytest.raises(Refused):
        Directory(str(folder / "dir-link"), follow=False)
    with pytest.raises(Refused):
        Directory(str(folder / "dir-link") + "/", follow=False)


def test_every_descriptor_is_closed(folder):
    def open_now() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = open_now()
    with Directory(str(folder)) as directory:
        for path in ["plain", "nope", "no/such", "sub/deep/file", *[r[0] for r in REFUSED]]:
            try:
                directory.read(path, CAP)
                directory.exists(path)
            except Refused:
                continue
        list(directory.walk())
    assert open_now() == before


def test_names_in_refusals_are_printable(tmp_path):
    evil = "a\x1b[31m\n::error::b"
    (tmp_path / evil).symlink_to("x")
    with Directory(str(tmp_path)) as directory, pytest.raises(Refused) as caught:
        directory.read(evil, CAP)
    finding = caught.value.findings[0]
    assert not [c for c in finding.message + finding.file if ord(c) < 0x20]


def test_a_file_that_cannot_be_read_is_named():
    with pytest.raises(Refused) as caught:
        read_named("/proc/self/mem", 100)
    finding = caught.value.findings[0]
    assert (finding.code, finding.file) == ("MLCC001", "/proc/self/mem")
    assert finding.message.startswith("cannot be read: ")
