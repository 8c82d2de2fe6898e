"""Keys in ~/.aws, before the SDK is loaded.  Law: the plainest form alone; whatever is not plain is the SDK's to read.

The plainest form is a profile whose keys stand in ~/.aws/credentials, and of which ~/.aws/config says no more than a
region and how `aws` prints: no role, no single sign-on, no program, no address.
"""

from __future__ import annotations

import os
import re

from mlcc.core.records import NamedTuple

CAP = 256 * 1024
KEY, SECRET, TOKEN = "aws_access_key_id", "aws_secret_access_key", "aws_session_token"
# What changes neither who asks nor where: the region is mlcc's own.
OF_PRINTING = re.compile(r"region|output|cli_[a-z_]+")
_SECTION, _SETTING = re.compile(r"\[([^\]]*)\]"), re.compile(r"([A-Za-z_]+)\s*=\s*(.*)")
_NAME = re.compile(r"[A-Za-z0-9_.@-]+")


class Credentials(NamedTuple):
    """A key, its secret, and the token of a session (empty: none)."""

    key: str
    secret: str
    token: str


class _Unplain(Exception):
    """A file or a profile that the SDK must read."""


def profile_keys(home: str, profile: str) -> Credentials | None:
    """The keys of a profile, or None where it is not of the plainest form.  home: of the user; profile: empty for
    `default`."""
    name = profile or "default"
    if not home or not _NAME.fullmatch(name):
        return None
    try:
        more = _settings(os.path.join(home, ".aws", "config"), "default" if name == "default" else f"profile {name}")
        own = _settings(os.path.join(home, ".aws", "credentials"), name)
    except _Unplain:
        return None
    rest = [key for key in (*more, *(own.keys() - {KEY, SECRET, TOKEN})) if not OF_PRINTING.fullmatch(key)]
    if rest or not own.get(KEY) or not own.get(SECRET):
        return None
    return Credentials(own[KEY], own[SECRET], own.get(TOKEN, ""))


def says_nothing(home: str) -> bool:
    """True where ~/.aws/config changes nothing for keys that stand in the environment."""
    try:
        return all(OF_PRINTING.fullmatch(key) for key in _settings(os.path.join(home, ".aws", "config"), "default"))
    except _Unplain:
        return False


def _settings(path: str, section: str) -> dict[str, str]:
    """The settings of one section, empty where it or the file is not there.  Raises _Unplain."""
    found: dict[str, str] = {}
    here, seen = "", set[str]()
    for line in _lines(path):
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        begins = _SECTION.fullmatch(text)
        if begins is not None and line[0] == "[":
            here = begins[1]
            # a name that is written in two ways, or twice, and one that every other section inherits from
            if here in seen or here in ("DEFAULT", "profile default") or here != " ".join(here.split()):
                raise _Unplain
            seen.add(here)
        elif begins is not None or not here:
            raise _Unplain
        elif here == section:
            setting = _SETTING.fullmatch(text)
            if setting is None or line[0].isspace() or setting[1].lower() in found:
                raise _Unplain
            found[setting[1].lower()] = setting[2]
    return found


def _lines(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            data = file.read(CAP + 1)
    except FileNotFoundError:
        # a link that leads nowhere is no file that is not there
        if os.path.lexists(path):
            raise _Unplain from None
        return []
    except OSError:
        raise _Unplain from None
    if len(data) > CAP or not data.isascii() or b"\0" in data:
        raise _Unplain
    return data.decode("ascii").split("\n")
