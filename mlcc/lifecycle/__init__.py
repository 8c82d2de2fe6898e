"""The do/ steps.  Law: one table of steps; each is a function from a Context to a Result; no click, no print, no boto3.

A step that this version does not have yet is in the table too, so that its shim answers with a plain sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from mlcc.core.errors import MlccError, PreconditionError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io import plugins
from mlcc.io.plugins import Plugin
from mlcc.lifecycle import plugin_steps
from mlcc.lifecycle.context import Completed, Context, Result, calls


class Step(NamedTuple):
    """A step.

    title: what help says; run: None where this version does not have it; alone: whether it runs alone; confirms: its
    lines only confirm what was done, so that with -q a run that went well prints none (a document it prints always);
    example: options with which help shows it; formats: how its result may be printed, the usual one first.
    """

    title: str
    run: Callable[[Context], Result] | None = None
    alone: bool = False
    confirms: bool = False
    example: str = "--dry-run"
    formats: tuple[str, ...] = ("table", "json", "yaml")


def _build(context: Context) -> Result:
    from mlcc.lifecycle.steps import build

    return build.run(context)


def _push(context: Context) -> Result:
    from mlcc.lifecycle.steps import push

    return push.run(context)


def _submit(context: Context) -> Result:
    from mlcc.lifecycle.steps import submit

    return submit.run(context)


def _register(context: Context) -> Result:
    from mlcc.lifecycle.steps import register

    return register.run(context)


def _verb(name: str) -> Callable[[Context], Result]:
    def run(context: Context) -> Result:
        from mlcc.lifecycle import targets

        targets.need(context.project.target, name, context.project.registries.targets)
        targets.refuse(context, name)
        return targets.verb(context.project.target.name, name, context.environ)(context)

    return run


def _asset(name: str) -> Callable[[Context], Result]:
    def run(context: Context) -> Result:
        from mlcc.lifecycle.steps import reports

        if name == "export" and context.argument("cloudformation"):
            reports.need_resources(context)
        if context.argument("dry_run") and not context.argument("live"):
            return calls([])  # the files of the project are read, and nobody is called
        found: Mapping[str, Callable[[Context], Result]] = {
            "config": reports.config,
            "export": reports.export,
            "manifest": reports.manifest,
            "validate": reports.validate,
        }
        return found[name](context)

    return run


STEPS: Mapping[str, Step] = {
    "adapter": Step("Add, list, update and remove adapters.", _verb("adapter"), alone=True, confirms=True),
    "benchmark": Step("Measure a deployment under a workload."),
    "build": Step("Build the image, or the local environment.", _build, alone=True, confirms=True),
    "ci": Step("Work with the continuous integration table."),
    "clean": Step("Take away all that build and deploy made, and prove it.", _verb("clean"), alone=True, confirms=True),
    "config": Step("Print the values that the steps use.", _asset("config")),
    "deploy": Step("Make it serve, and wait until it does.", _verb("deploy"), alone=True, confirms=True),
    "export": Step(
        "Print the resolved configuration, or a CloudFormation template.",
        _asset("export"),
        example="-o shell",
        formats=("json", "yaml", "shell"),
    ),
    "invoke": Step("Send one request, and print the answer.", _verb("invoke")),
    "logs": Step("Show what the server printed.", _verb("logs")),
    "manifest": Step("List what of the project exists.", _asset("manifest")),
    "optimize": Step("Search for better engine options."),
    "push": Step("Push the image to its registry.", _push, alone=True, confirms=True),
    "register": Step("Record a deployment.", _register, confirms=True),
    "run": Step("Serve in the foreground.", _verb("run"), example="--target local"),
    "status": Step("Say whether it serves, and where.", _verb("status")),
    "submit": Step("Build and push the image with AWS CodeBuild.", _submit, alone=True, confirms=True),
    "test": Step("Send real requests and check the answers.", _verb("test"), confirms=True),
    "tune": Step("Fine-tune the model."),
    "validate": Step("Compare the files with mlcc.lock.", _asset("validate"), confirms=True),
}


def step_of(name: str, environ: Mapping[str, str]) -> Step | None:
    """A step by its name, built in or a plugin's; None when nobody has it.  Raises UserError for a plugin's failure."""
    if name in STEPS:
        return STEPS[name]
    plugin = plugins.find(plugins.STEPS, name, environ, {plugins.STEPS: STEPS})
    return _plugin_step(plugin) if plugin is not None else None


def _plugin_step(plugin: Plugin) -> Step:
    """A plugin's step, checked.  Raises UserError when there is none in it."""
    with plugin.guarded():
        loaded = plugin.load()
        if not isinstance(loaded, Step) or not isinstance(loaded.title, str):
            raise TypeError(f"a Step with a title was expected, not {type(loaded).__name__}")
        run = plugin_steps.checked(plugin, loaded.run) if loaded.run is not None else None
        return Step(printable(loaded.title, 200), run, bool(loaded.alone), bool(loaded.confirms))


def names(environ: Mapping[str, str]) -> list[str]:
    """Every step's name, in order."""
    return sorted([*STEPS, *(p.name for p in plugins.installed(environ, plugins.STEPS, {plugins.STEPS: STEPS}))])


def confirms(step: Step, context: Context, result: Result) -> bool:
    """Whether the lines of a result only say that all went well: `--plan` and `list` ask, and a failure is no such."""
    asked = context.argument("plan") or context.argument("action") == "list"
    return step.confirms and result.ok and not asked


def run(name: str, step: Step, context: Context) -> Result:
    """Runs a step; known secrets are in none of its findings, and steps that its talk and hints name act where it did.

    Raises PreconditionError for one that is not there.
    """
    try:
        return _run(name, step, replace(context, progress=Completed(context.progress, context.completed)))
    except MlccError as problem:
        problem.findings = tuple(
            f._replace(message=context.clean(f.message), hint=context.completed(context.clean(f.hint)))
            for f in problem.findings
        )
        raise


def _run(name: str, step: Step, context: Context) -> Result:
    if step.run is None:
        message = f"do/{name} is not there in this version of mlcc"
        raise PreconditionError([error("MLCC311", message, hint="mlcc do --help lists what is")])
    if not step.alone or context.argument("dry_run") or context.argument("plan"):
        return step.run(context)
    from mlcc.lifecycle import step_lock

    with step_lock.held(context):
        return step.run(context)
