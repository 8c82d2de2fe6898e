"""The Hugging Face Hub.  Law: asked only when a command names the network; its answers are a stranger's text.

Two questions: what a model is at a revision, and the text of a small file of it.  An answer that is not the Hub's is
trouble, which the caller reports; it never ends a command.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from mlcc.core.json_data import read_json
from mlcc.core.records import NamedTuple
from mlcc.core.text import quoted
from mlcc.io.web import USUAL, Answer, Limits, TooLarge, Unreachable, Web, origin

ENDPOINT = "https://huggingface.co"
FOUND, NOT_FOUND, NO_REVISION, REFUSED = "found", "absent", "no revision", "refused"
TEMPLATE_FILE, TOKENIZER_FILE, CONFIG_FILE = "chat_template.jinja", "tokenizer_config.json", "config.json"
MAX_CARD, MAX_FILE = 16 << 20, 8 << 20
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


class Card(NamedTuple):
    """What the Hub says of a model at a revision.

    state: found, absent, no revision, or refused; commit: what the revision names now; files: names in the repository,
    None where the card does not name them; kind: what it is for (text-generation ...).
    """

    state: str
    commit: str = ""
    gated: bool = False
    files: tuple[str, ...] | None = None
    kind: str = ""


def is_commit(revision: str) -> bool:
    """True for a revision that can never name anything else."""
    return bool(_COMMIT.fullmatch(revision))


class Hub:
    """The Hub that the environment names.  It is asked once for each thing, and no more after the first trouble."""

    def __init__(self, environ: Mapping[str, str], limits: Limits = USUAL) -> None:
        """environ: HF_ENDPOINT, HF_TOKEN, proxies, HF_HUB_DOWNLOAD_TIMEOUT (seconds)."""
        self._web = Web(environ, _patience(environ, limits))
        self._kept: dict[tuple[str, ...], Any] = {}
        self._trouble = ""
        self.address = (environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
        self._token = (environ.get("HF_TOKEN") or environ.get("HUGGING_FACE_HUB_TOKEN") or "").strip()

    @property
    def has_token(self) -> bool:
        """True where a token is at hand."""
        return bool(self._token)

    # ---------------------------------------------------------------- questions
    def card(self, name: str, revision: str = "") -> Card:
        """What a model is.  revision: a commit, tag or branch; empty: the default branch.  Raises Unreachable."""
        if not _NAME.fullmatch(name):
            return Card(NOT_FOUND)
        key = ("card", name, revision)
        if key not in self._kept:
            path = f"/api/models/{quote(name)}" + (f"/revision/{quote(revision, safe='')}" if revision else "")
            self._kept[key] = self._card(self._ask(path, MAX_CARD))
        found: Card = self._kept[key]
        return found

    def text(self, name: str, commit: str, file: str) -> str | None:
        """A file of a model at a commit; None where it has no such file, or shows it to others only.

        Raises Unreachable.
        """
        key = ("text", name, commit, file)
        if key not in self._kept:
            answer = self._ask(f"/{quote(name)}/resolve/{quote(commit, safe='')}/{quote(file)}", MAX_FILE)
            if answer.status not in (200, 401, 403, 404):
                raise self._failed(f"answers {answer.status}")
            try:
                self._kept[key] = answer.body.decode("utf-8") if answer.status == 200 else None
            except UnicodeDecodeError:
                raise Unreachable(f"{quoted(file)} of {name} is not text") from None
        found: str | None = self._kept[key]
        return found

    def document(self, name: str, card: Card, file: str) -> dict[str, Any]:
        """A JSON file of a model as a mapping; empty where it is not there.  Raises Unreachable."""
        if card.files is not None and file not in card.files:
            return {}
        text = self.text(name, card.commit, file)
        return {} if text is None else _mapping(text, f"{quoted(file)} of {name}")

    def template(self, name: str, card: Card) -> tuple[str, str]:
        """The chat template of a model and the file that holds it; empty where it has none.  Raises Unreachable.

        The order is that of transformers: a file of its own stands over the tokenizer's configuration.
        """
        if card.files is None or TEMPLATE_FILE in card.files:
            own = self.text(name, card.commit, TEMPLATE_FILE)
            if own:
                return own, TEMPLATE_FILE
        for file in ("chat_template.json", TOKENIZER_FILE):
            found = _template(self.document(name, card, file).get("chat_template"))
            if found:
                return found, file
        return "", ""

    # ---------------------------------------------------------------- answers
    def _card(self, answer: Answer) -> Card:
        if answer.status == 200:
            return _read(answer.body)
        code = answer.headers.get("x-error-code", "")
        if code == "GatedRepo":
            return Card(REFUSED, gated=True)
        if code == "RevisionNotFound":
            return Card(NO_REVISION)
        if answer.status == 401 and answer.headers.get("x-error-message", "").startswith("Invalid credentials"):
            raise self._failed("refuses the token of HF_TOKEN")
        if answer.status in (401, 403, 404):
            # the Hub does not tell a private model from none at all
            return Card(NOT_FOUND)
        raise self._failed(f"answers {answer.status}")

    def _ask(self, path: str, cap: int) -> Answer:
        if self._trouble:
            raise Unreachable(self._trouble)
        try:
            return self._web.get(self.address + path, cap, self._token)
        except TooLarge as problem:
            raise Unreachable(f"{self.shown} {problem}") from None
        except Unreachable as problem:
            raise self._failed(str(problem)) from None

    @property
    def shown(self) -> str:
        """The Hub as messages name it: its origin, without what else may stand in an address."""
        found = origin(self.address)
        return quoted(f"{found.scheme}://{found.host}:{found.port}", 100) if found is not None else "HF_ENDPOINT"

    def _failed(self, why: str) -> Unreachable:
        """Trouble that the next question would meet too."""
        self._trouble = f"{self.shown} {why}"
        return Unreachable(self._trouble)


# ---------------------------------------------------------------- reading
def _read(body: bytes) -> Card:
    found = _mapping(body.decode("utf-8", "replace"), "the description of a model")
    commit = found.get("sha")
    if not isinstance(commit, str) or not is_commit(commit):
        raise Unreachable("the description of a model names no commit: this is not a Hub")
    siblings = found.get("siblings")
    files = None
    if isinstance(siblings, list):
        files = tuple(str(s.get("rfilename", "")) for s in siblings if isinstance(s, dict))
    kind = found.get("pipeline_tag")
    return Card(FOUND, commit, found.get("gated") not in (False, None), files, kind if isinstance(kind, str) else "")


def _mapping(text: str, what: str) -> dict[str, Any]:
    try:
        found = read_json(text)
    except ValueError:
        raise Unreachable(f"{what} is not JSON") from None
    if not isinstance(found, dict):
        raise Unreachable(f"{what} is not a mapping")
    return found


def _template(value: Any) -> str:
    """The text of `chat_template`: itself, or the default one of a list of named ones."""
    if isinstance(value, str):
        return value
    named = {}
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("template"), str):
            named[str(entry.get("name"))] = entry["template"]
    return str(named.get("default") or next(iter(named.values()), ""))


def _patience(environ: Mapping[str, str], limits: Limits) -> Limits:
    try:
        seconds = float(environ.get("HF_HUB_DOWNLOAD_TIMEOUT", ""))
    except ValueError:
        return limits
    return limits._replace(wait_s=seconds, total_s=4 * seconds) if 0.05 <= seconds <= 600 else limits
