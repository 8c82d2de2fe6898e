"""mlcc init: a commented mlcc.yaml.  Asks only on a terminal, and only for what is missing."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from mlcc.cli import ci_files, complete, editor_files, examples, imports, mlcc_yaml
from mlcc.cli.options import SETTINGS, KeyCommand, directory_option, gathered, key_options, not_empty, output_options
from mlcc.cli.output import document, findings_document, print_document, print_findings
from mlcc.cli.session import Session, current
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import error, has_errors
from mlcc.core.nodes import Mark, node_of
from mlcc.core.paths import Path, format_path, parse_path
from mlcc.core.paths import sections as sections_of
from mlcc.core.records import NamedTuple
from mlcc.core.text import nearest, printable, quoted
from mlcc.core.tree import MAX_FILE_BYTES
from mlcc.io import plugins
from mlcc.io.disk.callers import make_folder
from mlcc.io.disk.reader import read_named
from mlcc.io.schema import keys
from mlcc.load import coerce, new_text
from mlcc.load.document import check_tree, load_document
from mlcc.lookups.pickers import Question
from mlcc.lookups.proposal import Proposal
from mlcc.registries import load
from mlcc.registries.loader import Registries
from mlcc.registries.rows import VALIDATION_LEVELS, DeploymentConfig

FILE = "mlcc.yaml"


class _CI(NamedTuple):
    """What is asked for continuous integration."""

    system: str
    install: str
    shown: bool


def _ci_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--ci, --ci-install, --print: the command has them as its argument `ci`."""
    command = gathered(command, "ci", _CI)
    for option in (
        click.option("--print", "shown", is_flag=True, help="With --ci: print the file; write nothing."),
        click.option(
            "--ci-install",
            "install",
            default="",
            metavar="REQUIREMENT",
            help="With --ci: what pip installs (default: as this mlcc was).",
        ),
        click.option(
            "--ci",
            "system",
            default="",
            metavar="SYSTEM",
            help="Write the checks of this repository for github or gitlab.",
            callback=not_empty,
            shell_complete=complete.entries("ci_systems"),
        ),
    ):
        command = option(command)
    return command


@click.command("init", cls=KeyCommand, epilog="Example: mlcc init iris --deployment-config http-fastapi")
@click.argument("name", required=False)
@directory_option("Where to write mlcc.yaml.")
@click.option("--pick", "picker", default="", metavar="NAME", help="Let a picker choose what is missing (a plugin).")
@click.option("--import", "older", default="", metavar="DIR", help="Take over a project of the older tool (do/config).")
@click.option("--import-endpoint", "endpoint", default="", metavar="NAME", help="Take over a running endpoint (AWS).")
@click.option("--model", default="", metavar="FILE", help="A model file of yours; what it says of itself is written.")
@click.option("--example", default="", metavar="NAME", help="Copy an example: its mlcc.yaml and its author's code.")
@_ci_options
@click.option("--force", is_flag=True, help="Replace an mlcc.yaml (with --ci: its file) that is there.")
@key_options
@output_options()
def command(name: str | None, directory: str, example: str, ci: _CI, force: bool, **options: Any) -> int:
    """Write a commented mlcc.yaml for a new project called NAME.

    On a terminal it asks for what is missing; elsewhere it takes the folder's name and a tested config, and never
    waits.  --example copies one of the examples instead; it needs no more than -C.  With --ci it writes the checks of
    continuous integration instead, for all projects of the repository.
    """
    given: dict[str, str] = dict(click.get_current_context().meta.get(SETTINGS, {}))
    if ci.system or ci.install or ci.shown:
        if not ci.system or name is not None or example or any((given, *options.values())):
            message = "--ci NAME, with --ci-install and --print, is for a repository, and takes no word about a project"
            raise UsageError([error("MLCC901", message, hint="mlcc init NAME and mlcc init --ci SYSTEM are two runs")])
        return ci_files.run(current(), directory, ci.system, ci.install, force, ci.shown)
    if example:
        further = {**options, "force": force}
        more = [word for word in (name, *given, *(key for key, value in further.items() if value)) if word]
        return _example(current(), example, directory, more)
    return _new(current(), name, directory, given, force=force, **options)


def _example(session: Session, example: str, directory: str, more: list[str]) -> int:
    """Copies an example.  more: what else the command line names."""
    if more:
        raise UsageError([error("MLCC901", f"--example copies what is there, and {quoted(more[0])} has no part in it")])
    files = examples.copy(example, directory)
    path = os.path.normpath(os.path.join(directory, FILE))
    if session.format in ("json", "yaml"):
        print_document(session, document(file=path))
    where = "" if path == FILE else f" -f {printable(shlex.quote(path), 200)}"
    session.say(f"wrote {', '.join(files)} into {printable(directory, 200)}; next: mlcc apply{where}")
    return 0


def _new(
    session: Session,
    name: str | None,
    directory: str,
    given: dict[str, str],
    force: bool,
    picker: str,
    older: str,
    endpoint: str,
    model: str,
) -> int:
    """Writes an mlcc.yaml of what is given, found and asked for."""
    path = os.path.normpath(os.path.join(directory, FILE))
    before = read_named(path, MAX_FILE_BYTES) if force and os.path.lexists(path) else None
    if os.path.lexists(path) and not force:
        where = printable(os.path.join(directory, FILE), 200)
        raise UserError(
            [error("MLCC217", f"{where} is there already", hint="mlcc set changes it; --force replaces it")]
        )
    registries = load()
    ask = sys.stdin.isatty() and sys.stderr.isatty()
    if name is not None:
        given["project.name"] = name
    wish = imports.Wish(older, endpoint, _own_model(model, given, directory), path)
    found = imports.found(session, registries, given, wish)
    _complete(given, found, registries, directory, ask, picker)
    row = _row(registries, _value("deployment.config", given, found))
    architecture = registries.architectures[row.architecture]
    hub = "hub" in architecture.model_kinds
    if hub and ask and not _value("model.name", given, found):
        given |= _model()
    text = _text(given, row, hub, found, editor_files.schema_from(directory))
    checked = load_document(text.encode(), "the new mlcc.yaml")
    if has_errors(checked.findings):
        raise UserError(checked.findings)
    make_folder(directory)
    mlcc_yaml.write(directory, {FILE: (text.encode(), before)}, 0o644)
    print_findings(found.findings, session)
    if session.format in ("json", "yaml"):
        listed = {"findings": findings_document(found.findings)["findings"]} if older or endpoint else {}
        print_document(session, document(file=path, **listed))
    where = "" if path == FILE else f" -f {printable(shlex.quote(path), 200)}"
    missing = hub and not architecture.sample and not _value("model.name", given, found)
    step = f"mlcc set{where} model.name ID (mlcc catalog models lists some), then mlcc apply{where}" if missing else ""
    wrong = imports.unsettled(wish, text, session)
    step = f"mlcc validate{where} finds {wrong}; settle that, then mlcc apply{where}" if wrong else step
    step = (step or f"mlcc apply{where}") + imports.comparison(wish, found)
    session.say(f"wrote {printable(path, 200)}; next: {step}")
    session.say(f"validation level of {row.name}: {row.validation_level}")
    return 0


def _own_model(model: str, given: dict[str, str], directory: str) -> str:
    """The model file that is looked into, empty for none; the name of any other model stays what was given.

    model: of --model, from where the command runs; given: --model-name stands in it as mlcc.yaml has it.
    """
    if model and not imports.is_file(model):
        given["model.name"] = model
    elif model:
        given.pop("model.name", None)
        return model
    beside = os.path.join(directory, given.get("model.name", ""))
    return beside if given.get("model.name", "").startswith("./") and os.path.exists(beside) else ""


def _complete(
    given: dict[str, str], found: Proposal, registries: Registries, directory: str, ask: bool, picker: str
) -> None:
    """What is needed, and neither given nor found: a name, what a picker chooses, a deployment config."""
    if not _value("project.name", given, found):
        given["project.name"] = _name(directory, ask)
    if picker:
        given |= _picked(picker, given, current()) | given
    if not _value("deployment.config", given, found):
        given["deployment.config"] = _config(registries, ask)
        if not ask:
            usual = given["deployment.config"]
            current().say(f"no deployment config was named: {usual} (--deployment-config takes another)")


def _value(path: str, given: Mapping[str, str], found: Proposal) -> str:
    """A value that was given, else the one that an import found."""
    return given.get(path) or str(found.values.get(parse_path(path) or (), ""))


def _picked(name: str, given: Mapping[str, str], session: Session) -> dict[str, str]:
    """What a picker answers.  Raises UserError when there is none of that name, or its answers are no values."""
    plugin = plugins.find(plugins.PICKERS, name, session.environ)
    if plugin is None:
        known = ", ".join(p.name for p in plugins.installed(session.environ, plugins.PICKERS)) or "none is installed"
        raise UserError([error("MLCC503", f"no picker is called {quoted(name)}", hint=f"known: {known}")])
    missing = tuple(p.name for p in keys.index().values() if p.name not in given and p.meta.get("option"))
    with plugin.guarded():
        answers = plugin.load()(Question(dict(given), missing))
        if not isinstance(answers, Mapping) or not all(isinstance(t, str) for pair in answers.items() for t in pair):
            raise TypeError("its answers are not texts by path")
        unknown = [path for path in answers if keys.find(parse_path(path) or ()) is None]
        if unknown:
            raise ValueError(f"{quoted(unknown[0])} is not a key of mlcc.yaml")
        answers = dict(answers)
    for path, text in answers.items():
        if path not in given:
            session.say(f"{name} picked {printable(path, 100)} = {printable(text, 100)}")
    return answers


def _name(directory: str, ask: bool) -> str:
    folder = os.path.basename(os.path.abspath(directory)).lower()
    guess = re.sub(r"[^a-z0-9]+", "-", folder).strip("-")[:40].strip("-") or "model"
    while ask:
        answer = str(click.prompt("Project name", default=guess, err=True))
        wrong = _wrong_name(answer)
        if not wrong:
            return answer
        click.echo(wrong, err=True)
    return guess


def _wrong_name(answer: str) -> str:
    """What is wrong with a project's name, or an empty text."""
    smallest = {"version": 1, "project": {"name": answer}, "deployment": {"config": "a-b"}}
    found = check_tree(node_of(smallest, Mark("the name")), "the name").findings
    return next((f"{f.message}; {f.hint}" for f in found if f.path == "project.name"), "")


def _model() -> dict[str, str]:
    """The model of an engine, which has no sample; an empty answer leaves it for later."""
    while True:
        words = "Model (an id of the Hugging Face Hub, or s3://bucket/prefix/; empty: later)"
        answer = str(click.prompt(words, default="", show_default=False, err=True)).strip()
        if not answer:
            return {}
        partial = node_of({"model": {"name": answer}}, Mark("the model"))
        wrong = [f for f in check_tree(partial, "the model", partial=True).findings if f.path == "model.name"]
        if not wrong:
            return {"model.name": answer}
        click.echo(click.wrap_text(f"{wrong[0].message}; {wrong[0].hint}", current().width), err=True)


def _usual(registries: Registries) -> str:
    """The config that is taken when nobody chooses: the first of the best tested ones."""
    levels = VALIDATION_LEVELS
    rows = registries.deployment_configs.values()
    return min(rows, key=lambda row: (levels.index(row.validation_level), row.name)).name


def _config(registries: Registries, ask: bool) -> str:
    names, usual = list(registries.deployment_configs), _usual(registries)
    if not ask:
        return usual
    for number, (key, row) in enumerate(registries.deployment_configs.items(), 1):
        click.echo(f"  {number:>2}  {key:<26} {row.title}", err=True)
    while True:
        answer = str(click.prompt("Deployment config (name or number)", default=usual, err=True)).strip()
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        if answer.isdecimal():
            click.echo(f"the numbers run from 1 to {len(names)}", err=True)
            continue
        try:
            return _row(registries, answer).name
        except UserError as problem:
            message = f"{problem.findings[0].message}; {problem.findings[0].hint}"
            click.echo(click.wrap_text(message, current().width), err=True)


def _row(registries: Registries, name: str) -> DeploymentConfig:
    canonical, _ = registries.canonical("deployment_configs", name)
    row = registries.deployment_configs.get(canonical)
    if row is None:
        near = nearest(name, registries.deployment_configs)
        hint = (f"did you mean {near}? " if near else "") + f"known: {', '.join(registries.deployment_configs)}"
        raise UserError([error("MLCC102", f"no deployment config is called {quoted(name)}", hint=hint)])
    return row


def _text(given: Mapping[str, str], row: DeploymentConfig, hub: bool, found: Proposal, schema: str) -> str:
    """The file: what an import found, and what was given over it.  schema: the copy that editors read."""
    values: dict[Path, Any] = dict(found.values) | coerce.coerce_all(given)
    clash = next((p for p in values if any(above in values for above in sections_of(p))), None)
    if clash is not None:
        shown = quoted(format_path(clash))
        message = f"{shown} is named, and what it stands in has a value that is no mapping"
        raise UserError([error("MLCC033", message, path=format_path(clash), hint="name one of the two")])
    return new_text.text(values, row, hub, found.comments, schema)
