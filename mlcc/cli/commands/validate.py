"""mlcc validate: every mistake of one or many mlcc.yaml files, at once, before anything is built or paid for."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from mlcc import pipeline
from mlcc.checks.runner import of_variables
from mlcc.cli.baselines import Baseline, baseline_options, beside_baseline
from mlcc.cli.fixes import mend_file
from mlcc.cli.options import KeyCommand, Values, env_option, finding_output, value_options
from mlcc.cli.outcomes import REFUSED, VALID, Outcome, within
from mlcc.cli.projects import Selection, jobs_option, project_options, read, target_of, warn_unfinished
from mlcc.cli.reports import Checked, print_checked
from mlcc.cli.runs import Scope, each, scope
from mlcc.cli.session import Session, current
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import Finding, error, has_errors
from mlcc.resolve.project import Project

# Switches that are also understood with a value behind them, and what the value makes of them.
SWITCHES = ("--validate-env-vars", "--validate-with-docker")
VALUES = {"true": "--", "false": "--no-"}


class _Switches(KeyCommand):
    """Understands `--validate-env-vars=false` beside `--no-validate-env-vars`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses the words, switches with a value spelt as switches."""
        return super().parse_args(ctx, [_spelt(word) for word in args])


def _spelt(word: str) -> str:
    name, _, value = word.partition("=")
    start = VALUES.get(value.lower(), "")
    return start + name.removeprefix("--") if name in SWITCHES and start else word


@click.command("validate", cls=_Switches, epilog="Example: mlcc validate --all -o github")
@click.option("--online", is_flag=True, help="Look the model up on the Hugging Face Hub.")
@click.option(
    "--validate-with-docker/--no-validate-with-docker",
    "inspect",
    default=False,
    help="Inspect the base image with the container engine here: runs it, without a network.",
)
@click.option("--pull", is_flag=True, help="With --validate-with-docker: fetch the image where it is not here.")
@click.option(
    "--validate-env-vars/--no-validate-env-vars",
    "env_vars",
    default=True,
    help="Judge container variables by the engine's options (the default).",
)
@baseline_options
@click.option("--fix", is_flag=True, help="Mend what can be mended in one way only; comments stay.")
@project_options
@jobs_option
@env_option
@value_options
@finding_output
def command(
    selection: Selection,
    env: str | None,
    values: Values,
    online: bool,
    inspect: bool,
    pull: bool,
    env_vars: bool,
    fix: bool,
    baseline: Baseline,
    jobs: int | None,
) -> int:
    """Check mlcc.yaml: syntax, keys, values, and whether they fit together; and that mlcc.lock can be read.

    All findings are shown at once.  Exits 1 when one of them is an error.
    """
    session = current()
    for asked, option in ((online, "--online"), (pull, "--pull")):
        if asked and session.offline:
            raise UsageError([error("MLCC901", f"{option} uses the network, and --offline forbids it")])
    if pull and not inspect:
        raise UsageError([error("MLCC901", "--pull fetches an image for --validate-with-docker: give both")])
    asked_for = _Asked(session, online, inspect, pull)
    skip, here = () if env_vars else of_variables(), os.getcwd()
    with scope(session, selection, values, see_hidden=True) as over:
        for path in session.counted(over.chosen, "mending") if fix else ():
            mend_file(session, path, over.values)

        def job(path: str) -> Outcome:
            return _checked(session, over, path, env, skip, asked_for)

        outcomes = tuple(each(session, over, "checking", job, 1 if online or inspect else jobs or 0))
        checked = beside_baseline(session, baseline.moved(here, over.root), Checked(outcomes, over.hidden), over)
        print_checked(checked, session, over)
    return 1 if has_errors(checked.findings) else 0


def _checked(
    session: Session, over: Scope, path: str, env: str | None, skip: Sequence[str], asked_for: _Asked
) -> Outcome:
    """The findings of one project."""
    where = target_of(path, over.selection.directory)
    found: list[Finding] = []
    try:
        project = read(path, over.values, env, skip, over.selection.directory, dated=True)
        planned = pipeline.recorded_findings(where)
        found += [*over.findings(path, project, planned), *asked_for(project)]
    except UserError as problem:
        found += (
            within(os.path.dirname(path), problem.findings, named_inside=False) if over.from_root else problem.findings
        )
    warn_unfinished(session, where)
    wrong = has_errors(found)
    return Outcome(path, REFUSED if wrong else VALID, int(wrong), findings=found)


class _Asked:
    """What is looked up beyond the files, where the command line asks for it."""

    def __init__(self, session: Session, online: bool, inspect: bool, pull: bool) -> None:
        self.session, self.online, self.inspect, self.pull = session, online, inspect, pull
        self._hub: object = None

    def __call__(self, project: Project) -> list[Finding]:
        """Findings about one project; what was looked up goes to stderr."""
        found: list[Finding] = []
        if self.online:
            found += self._looked_up(project)
        if self.inspect:
            found += self._inspected(project)
        return found

    def _looked_up(self, project: Project) -> list[Finding]:
        from mlcc.cli.session import silent
        from mlcc.io.web import Unreachable
        from mlcc.lookups import models
        from mlcc.lookups.hub import Hub

        if silent(self.session):
            return [models.trouble(Unreachable("HF_HUB_OFFLINE is set: nothing was looked up"))]
        if not isinstance(self._hub, Hub):
            self._hub = Hub(self.session.environ)
        seen = models.check(project, self._hub)
        self._say(seen.words)
        return list(seen.findings)

    def _inspected(self, project: Project) -> list[Finding]:
        from mlcc.lookups.base_image import check

        seen = check(project.resolved, self.session.environ, self.pull)
        self._say(seen.words)
        return list(seen.findings)

    def _say(self, words: tuple[str, ...]) -> None:
        for line in words if not self.session.machine else ():
            self.session.say(line)
