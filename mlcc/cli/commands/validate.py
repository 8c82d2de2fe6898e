"""mlcc validate: every mistake of one or many mlcc.yaml files, at once, before anything is built or paid for."""

from __future__ import annotations

import click

from mlcc import pipeline
from mlcc.checks.runner import of_variables
from mlcc.cli.baselines import Baseline, baseline_options, beside_baseline
from mlcc.cli.fixes import mend_file
from mlcc.cli.formats import print_report
from mlcc.cli.options import KeyCommand, Values, env_option, finding_output, value_options
from mlcc.cli.output import count_line
from mlcc.cli.projects import Selection, files, project_options, read, target_of, warn_unfinished
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
    by_project: dict[str, list[Finding]] = {"": []}
    chosen = files(selection, session, by_project[""])
    for path in session.counted(chosen, "mending") if fix else ():
        mend_file(session, path, values)
    asked_for = _Asked(session, online, inspect, pull)
    for path in session.counted(chosen, "checking"):
        found = by_project[path] = []
        try:
            project = read(path, values, env, () if env_vars else of_variables(), selection.directory, dated=True)
            found.extend([*project.findings, *asked_for(project)])
            found.extend(pipeline.recorded_findings(target_of(path, selection.directory)))
        except UserError as problem:
            found.extend(problem.findings)
    found, known = beside_baseline(session, baseline, by_project, selection.every and not selection.since)
    print_report(found, session, chosen, {"known": known} if baseline.known else {})
    for path in chosen:
        warn_unfinished(session, target_of(path, selection.directory))
    if not session.machine:
        count = count_line(found)
        what = f"{len(chosen)} files" if len(chosen) != 1 else chosen[0]
        session.say(f"{what}: {count}" if count else f"{what}: nothing wrong")
    return 1 if has_errors(found) else 0


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
