"""The file of bootstrap profiles: mode 600, whole or not at all, and nothing hostile gets through it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mlcc.core.errors import MlccError, PreconditionError, UserError
from mlcc.lifecycle.bootstrap import older_config, profiles
from mlcc.lifecycle.bootstrap.profile import Benchmark, Buckets, Ci, Profile, document_of, profile_of

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
FULL = Profile(
    "dev", "us-east-1", ACCOUNT, "work", "acme", ROLE, "team/images", True, ("core",),
    Buckets(models="acme-models"), Benchmark("acme_ci", "acme"), Ci("acme-table"),
)  # fmt: skip


def slept(seconds: float) -> None:
    raise AssertionError("nobody waits here")


def add(home: Path, *found: Profile, active: str = "") -> profiles.Config:
    return profiles.add(str(home), slept, found, "a test", active)


def codes(problem: pytest.ExceptionInfo[MlccError]) -> set[str]:
    return {found.code for found in problem.value.findings}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    home = tmp_path / "made" / "home"
    config = add(home, FULL, Profile("eu", "eu-west-1"))
    assert profiles.read(str(home)) == config
    assert config.active == "dev", "the first one is in use at once"
    assert config.profiles["dev"] == FULL
    assert stat.S_IMODE((home / "config.yaml").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert os.listdir(home) == ["config.yaml"], "no temporary file is left"


@pytest.mark.parametrize("name", ["a", "0", "no", "1e3", "a-b", "X" * 40])
def test_a_profile_is_its_document(tmp_path: Path, name: str) -> None:
    """Also where YAML readers could take its name, or a number, for something else."""
    profile = FULL._replace(name=name, account_id="000000000012", aws_profile="on")
    assert profile_of(name, document_of(profile)) == profile
    add(tmp_path, profile)
    assert profiles.read(str(tmp_path)).profiles[name] == profile


def test_a_file_that_was_open_is_closed_by_the_next_write(tmp_path: Path) -> None:
    add(tmp_path, FULL)
    (tmp_path / "config.yaml").chmod(0o644)
    profiles.use(str(tmp_path), slept, "dev")
    assert stat.S_IMODE((tmp_path / "config.yaml").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    add(tmp_path, FULL)
    (tmp_path / "config.yaml").chmod(mode)
    for act in (lambda: profiles.read(str(tmp_path)), lambda: add(tmp_path, Profile("x", "eu-west-1"))):
        with pytest.raises(UserError) as refused:
            act()
        assert codes(refused) == {"MLCC341"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "version: 2\nprofiles: {}\n",
        "version: 1\nprofiles: {dev: {region: us-east-1, role_arn: 'x$(touch /tmp/pwned)'}}\n",
        'version: 1\nprofiles: {dev: {region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/r\\nx"}}\n',
        "version: 1\nprofiles: {dev: {region: us-east-1, secret: x}}\n",
        "version: 1\nprofiles: {'../dev': {region: us-east-1}}\n",
        "version: 1\nprofiles: {dev: {region: us-east-1, prefix: 'x-../y'}}\n",
        "version: 1\nprofiles: {dev: {region: us-east-1, account_id: 123456789012}}\n",
        "version: 1\nprofiles: {dev: !!python/object/apply:os.system [id]}\n",
        "a: &a [x]\nb: &b [*a,*a]\nversion: 1\nprofiles: {}\n",
        "version: 1\nprofiles: {dev: {region: us-east-1}}\n\x1b[2J",
    ],
)
def test_hostile_files_are_findings_and_stay_as_they_are(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    path.chmod(0o600)
    for act in (lambda: profiles.read(str(tmp_path)), lambda: add(tmp_path, FULL)):
        with pytest.raises(UserError) as refused:
            act()
        assert all(found.message.isprintable() and "config.yaml" in found.file for found in refused.value.findings)
    assert path.read_text() == text


def test_no_link_is_followed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    add(tmp_path / "theirs", FULL)
    home.mkdir()
    (home / "config.yaml").symlink_to(tmp_path / "theirs" / "config.yaml")
    with pytest.raises(UserError):
        profiles.read(str(home))
    with pytest.raises(UserError):
        add(home, FULL)


def test_a_failed_change_leaves_the_file(tmp_path: Path) -> None:
    add(tmp_path, FULL)
    before = (tmp_path / "config.yaml").read_bytes()
    for wrong in (Profile("x y", "us-east-1"), Profile("x", "mars"), FULL):
        with pytest.raises(UserError):
            add(tmp_path, Profile("good", "us-east-1"), wrong)
    assert (tmp_path / "config.yaml").read_bytes() == before


def test_which_profile_a_run_has(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    assert profiles.chosen(home, {}) is None
    with pytest.raises(PreconditionError) as missing:
        profiles.needed(home, {})
    assert codes(missing) == {"MLCC340"}
    profiles.add(home, slept, [FULL, Profile("eu", "eu-west-1")], "a test")
    assert profiles.needed(home, {}).name == "dev"
    assert profiles.needed(home, {"MLCC_PROFILE": "eu"}).name == "eu"
    profiles.use(home, slept, "eu")
    assert profiles.needed(home, {}).name == "eu"
    assert profiles.needed(home, {"MLCC_PROFILE": "eu"}, "dev").name == "dev"
    with pytest.raises(PreconditionError) as unknown:
        profiles.chosen(home, {"MLCC_PROFILE": "deev"})
    assert "did you mean dev?" in unknown.value.findings[0].hint


def test_the_environment_s_own_credentials_come_first() -> None:
    assert profiles.aws_profile(FULL, {}) == "work"
    assert profiles.aws_profile(FULL, {"AWS_PROFILE": "other"}) == ""
    assert profiles.aws_profile(FULL, {"AWS_ACCESS_KEY_ID": "x"}) == ""
    assert profiles.aws_profile(None, {}) == ""


def test_a_profile_whose_modules_are_deployed_is_kept(tmp_path: Path) -> None:
    add(tmp_path, FULL)
    with pytest.raises(UserError) as kept:
        profiles.remove(str(tmp_path), slept, "dev", force=False)
    assert codes(kept) == {"MLCC350"}
    assert profiles.remove(str(tmp_path), slept, "dev", force=True) == profiles.Config()


# ---------------------------------------------------------------- the older tool
OLDER = """{"activeProfile": "b", "profiles": {
  "a": {"awsRegion": "us-east-1", "accountId": "123456789012", "roleArn": "arn:aws:iam::123456789012:role/r",
        "awsProfile": "default", "ecrRepositoryName": "ml-container-creator", "provisionedModules": ["core"],
        "moduleOutputs": {"core": {}}, "secrets": {"hf": "arn"}},
  "b": {"awsRegion": "eu-west-1"}}}"""


def test_profiles_of_the_older_tool(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(OLDER)
    active, found = older_config.read(str(tmp_path / "config.json"))
    config = add(tmp_path / "home", *found.values(), active=active)
    assert config.active == "b"
    assert config.profiles["a"] == Profile("a", "us-east-1", ACCOUNT, "default", role_arn=ROLE)
    assert (tmp_path / "config.json").read_text() == OLDER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"profiles": []}',
        '{"profiles": {"a": {"awsRegion": "us-east-1", "roleArn": "x$(touch /tmp/x)"}}}',
        '{"profiles": {"a": {"accountId": "123456789012"}}}',
        '{"profiles": {"../../a": {"awsRegion": "us-east-1"}}}',
        '{"profiles": {"a": {"awsRegion": "us-east-1\\u001b[2J"}}}',
        "[" * 100_000,
    ],
)
def test_a_hostile_file_of_the_older_tool_imports_nothing(tmp_path: Path, text: str) -> None:
    path, home = tmp_path / "config.json", tmp_path / "home"
    path.write_text(text)
    with pytest.raises(UserError) as refused:
        add(home, *older_config.read(str(path))[1].values())
    assert all(found.message.isprintable() for found in refused.value.findings)
    assert not (home / "config.yaml").exists()
