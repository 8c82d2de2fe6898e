"""How this mlcc was installed.  Law: reads the installer's record (PEP 610); names what another machine can get."""

from __future__ import annotations

import json
import re
from importlib import metadata

# A distribution of an index in one version, or an archive or commit at an address without a name or password in it.
_HOST = r"https://[A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9._~/%+=-]+"
PINNED = re.compile(
    rf"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+]*|git\+{_HOST}@[0-9a-f]{{40}}"
    rf"|{_HOST}\.(?:whl|tar\.gz|zip)(?:#sha256=[0-9a-f]{{64}})?"
)


def requirement() -> str:
    """What pip installs to get this mlcc elsewhere; empty where it came from a folder or file of this machine."""
    # beside a checkout lies what its build left, which has no list of installed files
    installed = (found for found in metadata.distributions(name="mlcc") if found.read_text("RECORD") is not None)
    found = next(installed, None)
    return of_record(found.read_text("direct_url.json"), found.version) if found is not None else ""


def of_record(record: str | None, version: str) -> str:
    """The same of a record; None where the installer wrote none, which means that an index had it."""
    if record is None:
        return f"mlcc=={version}"
    try:
        document = json.loads(record)
        url, commit = str(document["url"]), document.get("vcs_info", {}).get("commit_id", "")
        digest = document.get("archive_info", {}).get("hashes", {}).get("sha256", "")
    except (ValueError, LookupError, AttributeError, TypeError):
        return ""
    text = f"git+{url}@{commit}" if commit else f"{url}#sha256={digest}" if digest else url
    return text if pinned(text) else ""


def pinned(text: str) -> bool:
    """Whether a requirement names one version of one place, with nothing in it that a shell or YAML could take."""
    return PINNED.fullmatch(text) is not None
