"""What the Hub says about the models of a project.  Law: reports and changes nothing; trouble on the way is a finding.

A model that is not found may be private, or the machine may be offline: that is a note and forbids nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlcc.checks.containers import serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity, error, has_errors, ordered
from mlcc.core.model_names import kind
from mlcc.core.paths import Item, Path
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable, quoted
from mlcc.io.web import Unreachable
from mlcc.lookups.hub import CONFIG_FILE, NO_REVISION, NOT_FOUND, REFUSED, Card, Hub
from mlcc.resolve.project import Project
from mlcc.resolve.result import Resolved

NAME: Path = ("model", "name")
REVISION: Path = ("model", "revision")
MAX_TOKENS = 1 << 31


class Seen(NamedTuple):
    """What was found, and what was learned, in sentences."""

    findings: tuple[Finding, ...] = ()
    words: tuple[str, ...] = ()


def trouble(problem: Unreachable, severity: Severity = Severity.WARNING) -> Finding:
    """The finding for a Hub that could not be asked."""
    found = error("MLCC184", str(problem), hint="HF_ENDPOINT, HTTPS_PROXY and NO_PROXY say how the Hub is reached")
    return found._replace(severity=severity)


def ids(resolved: Resolved) -> Iterator[tuple[Path, str, str]]:
    """Every Hub id of a configuration: where it stands, the id, and the revision that is wanted of it."""
    for path, value in resolved.values.items():
        of_component = path[0] == "inference_components" and path[-1] == "model" and isinstance(path[-2], Item)
        if path == NAME or of_component or path[-2:] == ("speculative", "model"):
            name = str(value.value)
            if kind(name) == "hub":
                yield path, name, str(resolved.get("model.revision", "")) if path == NAME else ""


def check(project: Project, hub: Hub) -> Seen:
    """Looks every model of a project up.  Sound environments only; one that has errors names who knows what."""
    findings: list[Finding] = []
    words: list[str] = []
    root = project.inputs.config.root if project.inputs.config.ok else project.inputs.config.sound
    for resolved in (project.default, *project.environments.values()):
        if not project.inputs.config.readable or has_errors(resolved.findings):
            continue
        subject = Subject(resolved, project.registries, root)
        for path, name, revision in ids(resolved):
            try:
                seen = model(subject, path, name, revision, hub)
            except Unreachable as problem:
                seen = Seen((trouble(problem),))
            findings += seen.findings
            words += seen.words
    if not findings and not words:
        words.append("no model of the Hub is named: nothing was looked up")
    return Seen(tuple(ordered(findings)), tuple(dict.fromkeys(words)))


def model(subject: Subject, path: Path, name: str, revision: str, hub: Hub) -> Seen:
    """Looks one model up.  path: where its id stands; revision: empty for the default branch.  Raises Unreachable."""
    card = hub.card(name, revision)
    shown, where = quoted(name, 100), hub.shown
    if card.state == NOT_FOUND:
        message = f"{shown} is not found at {where} (it may be private, or misspelt)"
        hint = "" if hub.has_token else "set HF_TOKEN to look private models up"
        return Seen((subject.finding("MLCC180", path, message, hint, Severity.NOTE),))
    if card.state == NO_REVISION:
        message = f"{shown} has no revision {quoted(revision, 60)} at {where}"
        return Seen((subject.finding("MLCC182", REVISION, message, "name a branch, a tag or a commit of it"),))
    findings = list(_gate(subject, path, name, card, hub))
    words = [f"{printable(name, 100)}: {_in_words(card)}"]
    if path == NAME and not findings:
        facts = hub.document(name, card, CONFIG_FILE)
        findings += [*_lengths(subject, name, facts), *_templates(subject, name, card, hub)]
        words += _facts(subject, name, facts)
    return Seen(tuple(findings), tuple(words))


def _in_words(card: Card) -> str:
    return f"commit {card.commit or 'not shown'}{', gated' if card.gated else ''}"


def _gate(subject: Subject, path: Path, name: str, card: Card, hub: Hub) -> Iterator[Finding]:
    """A gated model takes a token of somebody who has been let in; without, the container cannot download it either."""
    if not card.gated:
        return
    if not hub.has_token:
        message = f"{quoted(name, 100)} is gated, and there is no HF_TOKEN here"
        hint = "accept its licence on the Hub, set HF_TOKEN here, and give the container one in secrets:"
    elif card.state == REFUSED or hub.text(name, card.commit, CONFIG_FILE) is None:
        message = f"{quoted(name, 100)} is gated, and the owner of HF_TOKEN has not been let in"
        hint = "accept its licence on the Hub with the account of the token"
    else:
        return
    yield subject.finding("MLCC181", path, message, hint, Severity.WARNING)


# ---------------------------------------------------------------- facts of config.json
def longest(facts: dict[str, Any]) -> int | None:
    """How many tokens a model was made for, as its config.json says."""
    for table in (facts, facts.get("text_config")):
        found = table.get("max_position_embeddings") if isinstance(table, dict) else None
        if isinstance(found, int) and not isinstance(found, bool) and 0 < found < MAX_TOKENS:
            return found
    return None


def _known(subject: Subject, fact: str) -> bool:
    model = subject.rows.model
    return model is not None and bool(model.facts.get(fact))


def _lengths(subject: Subject, name: str, facts: dict[str, Any]) -> Iterator[Finding]:
    """The registries' own fact is checked without the network; here it is the model's, where they have none."""
    native = longest(facts)
    if native is None or _known(subject, "max_position_embeddings"):
        return
    for place in serving_containers(subject):
        length = place.get("max_model_len")
        if isinstance(length, int) and length > native:
            message = f"config.json of {quoted(name, 100)} says {native:,} tokens, and {length:,} are asked for"
            path = place.path("max_model_len")
            yield subject.finding("MLCC185", path, f"{message}{place.words}", f"lower it to {native}", Severity.WARNING)


def _facts(subject: Subject, name: str, facts: dict[str, Any]) -> Iterator[str]:
    native, classes = longest(facts), facts.get("architectures")
    if native is not None and not _known(subject, "max_position_embeddings"):
        yield f"{printable(name, 100)}: {native:,} tokens at most (config.json)"
    model = subject.rows.model
    if isinstance(classes, list) and classes and not (model is not None and model.architecture):
        yield f"{printable(name, 100)}: architecture {printable(str(classes[0]), 60)} (config.json)"


# ---------------------------------------------------------------- chat templates
def takes_template(subject: Subject) -> bool:
    """True where the engine has an option for a chat template."""
    engine = subject.rows.engine
    return engine is not None and "model.chat_template" in engine.model_variables


def has_template(subject: Subject) -> bool:
    """True where the configuration or the registries give the model a template."""
    row, resolved = subject.rows.model, subject.resolved
    own = resolved.get("model.chat_template") or resolved.get("model.chat_template_file")
    return bool(own) or (row is not None and row.requires_template and bool(row.chat_template))


def _templates(subject: Subject, name: str, card: Card, hub: Hub) -> Iterator[Finding]:
    model = subject.rows.model
    if not takes_template(subject) or has_template(subject):
        return
    required = model is not None and model.requires_template
    text, file = hub.template(name, card)
    if text and required:
        message = f"{quoted(name, 100)} needs a chat template; the Hub has one in {file}"
        hint = "mlcc upgrade writes it into the project"
    elif not text and (required or card.kind == "text-generation"):
        message = f"{quoted(name, 100)} has no chat template, here or on the Hub: chat requests would be refused"
        hint = "model: {chat_template_file: ./template.jinja}, unless it only completes texts"
    else:
        return
    yield subject.finding("MLCC183", ("model", "chat_template"), message, hint, Severity.NOTE)
