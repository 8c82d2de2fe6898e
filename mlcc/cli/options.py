"""Options that commands share.  Law: generated from the schema where a key has one; values are read elsewhere."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from mlcc.cli import complete
from mlcc.cli.help_sections import VALUES, Command
from mlcc.cli.session import FINDING_FORMATS, FORMATS, Session, current
from mlcc.core.records import NamedTuple
from mlcc.load.request import Request

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


Decorated = TypeVar("Decorated", bound=Callable[..., Any])
SETTINGS = "mlcc.settings"
# Words that are no key's option.
COMMON = ("-q", "-v", "-f", "-C", "-o", "--json", "--all", "--env")
# Generated options that help shows; the others work too, and `mlcc schema --options` lists them all.
SHOWN = (
    "--project-name",
    "--deployment-config",
    "--deployment-target",
    "--region",
    "--instance-type",
    "--instance-count",
    "--model-name",
    "--model-format",
    "--framework-version",
    "--framework-profile",
    "--role-arn",
)


def _keep(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None and isinstance(param, KeyOption):
        ctx.meta.setdefault(SETTINGS, {})[param.key] = value


class KeyOption(click.Option):
    """An option that sets one key of mlcc.yaml."""

    heading = VALUES

    def __init__(self, name: str, path: str, words: str, metavar: str) -> None:
        """path: the dotted key."""
        super().__init__(
            [name],
            metavar=metavar,
            help=words,
            hidden=name not in SHOWN,
            expose_value=False,
            callback=_keep,
            shell_complete=complete.of_key(path),
        )
        self.key = path


class _Keys(click.Option):
    """Stands for the options of all keys, until one could be meant."""


class KeyCommand(Command):
    """A command with an option for each key of the schema; they are made only when a word could be one of them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses the words, and remembers whether one could name a key; one that a shell completes always could."""
        possible = any(a.startswith("-") and a not in COMMON for a in args)
        ctx.meta[_Keys.__name__] = possible or ctx.resilient_parsing
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Words for the shell: of the options of keys those that help shows, and the others once a letter is typed."""
        found = super().shell_complete(ctx, incomplete)
        if len(incomplete) > len("--") and incomplete.startswith("--"):
            names = [p.opts[0] for p in self.get_params(ctx) if isinstance(p, KeyOption) and p.hidden]
            found += complete.items(name for name in names if name.startswith(incomplete))
        return found

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """All parameters, those of the keys in their place."""
        found: list[click.Parameter] = []
        for parameter in super().get_params(ctx):
            if isinstance(parameter, _Keys):
                found += _options_of_keys() if ctx.meta.get(_Keys.__name__, True) else []
            else:
                found.append(parameter)
        return found


@functools.cache
def _options_of_keys() -> list[click.Parameter]:
    from mlcc.io.schema import keys

    found = [p for p in keys.index().values() if p.meta.get("option")]
    options: list[click.Parameter] = []
    for prop in sorted(found, key=lambda p: str(p.meta["option"])):
        words = str(prop.schema.get("description", "")).partition(". ")[0].rstrip(".") + "."
        options.append(KeyOption(str(prop.meta["option"]), prop.name, words, _metavar(prop.types)))
    return options


def _metavar(types: Iterable[str]) -> str:
    kinds = {"integer": "N", "number": "N", "boolean": "true|false", "array": "A,B"}
    return next((kinds[k] for k in types if k in kinds), "TEXT")


def key_options(command: Decorated) -> Decorated:
    """Adds an option for each key of the schema that has one (the command's class must be KeyCommand)."""
    return click.option("--keys", cls=_Keys, expose_value=False, hidden=True)(command)


def _format(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    session = ctx.find_root().obj
    if isinstance(session, Session) and value:
        session.format = value


def _as_json(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        _format(ctx, param, "json")


def _quiet(ctx: click.Context, param: click.Parameter, value: int) -> None:
    session = ctx.find_root().obj
    if isinstance(session, Session) and value:
        session.verbosity = -1 if param.name == "quiet" else value


def _plain(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    session = ctx.find_root().obj
    if isinstance(session, Session) and value:
        session.colour = False


def _offline(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    session = ctx.find_root().obj
    if isinstance(session, Session) and value:
        session.offline = True


def output_options(formats: Sequence[str] = FORMATS) -> Callable[[Decorated], Decorated]:
    """-o, --json, -q, -v, --no-color, --offline."""

    def decorate(command: Decorated) -> Decorated:
        for option in (
            click.option(
                "--offline",
                is_flag=True,
                expose_value=False,
                callback=_offline,
                help="Never use the network, also where a command asks the Hub or AWS.",
            ),
            click.option("--no-color", is_flag=True, expose_value=False, callback=_plain, help="No colour."),
            click.option("-v", "--verbose", count=True, expose_value=False, callback=_quiet, help="Say more."),
            click.option(
                "-q", "--quiet", is_flag=True, expose_value=False, callback=_quiet, help="Say only what is wrong."
            ),
            click.option(
                "--json",
                is_flag=True,
                expose_value=False,
                callback=_as_json,
                is_eager=True,
                help="The same as -o json.",
            ),
            click.option(
                "-o",
                "--output",
                type=click.Choice(list(formats)),
                expose_value=False,
                is_eager=True,
                callback=_format,
                metavar="FORMAT",
                help=f"How to print the result: {', '.join(formats)}.",
            ),
        ):
            command = option(command)
        return command

    return decorate


finding_output = output_options(FINDING_FORMATS)


class Values(NamedTuple):
    """What the command line names as sources of values."""

    settings: Sequence[str]
    extra: str
    registries: Sequence[str]


def gathered(command: Decorated, name: str, kind: Callable[..., Any]) -> Decorated:
    """A command that takes several options as one argument.  kind: a NamedTuple whose fields are the options' names."""
    fields: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]

    @functools.wraps(command)
    def taking(**options: Any) -> Any:
        return command(**{name: kind(*(options.pop(field) for field in fields))}, **options)

    return cast("Decorated", taking)


def value_options(command: Decorated) -> Decorated:
    """Where values come from: --set, --config, --registry, and the generated options.

    A command has the three as its argument `values`.
    """
    command = key_options(gathered(command, "values", Values))
    for option in (
        click.option(
            "--registry",
            "registries",
            multiple=True,
            metavar="DIR",
            help="A folder of registry rows over the packaged ones.",
            shell_complete=complete.folders,
        ),
        click.option(
            "--config",
            "extra",
            default="",
            metavar="FILE",
            help="A file of values over mlcc.yaml.",
            callback=not_empty,
            shell_complete=complete.paths,
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="PATH=VALUE",
            help="Set a value for this run (see mlcc set).",
            shell_complete=complete.settings,
        ),
    ):
        command = option(command)
    return command


def not_empty(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Refuses an option that is given and names nothing: a variable of a script that was never set."""
    if value == "" and ctx.get_parameter_source(str(param.name)) is click.core.ParameterSource.COMMANDLINE:
        raise click.BadParameter("the name is empty", ctx, param)
    return value


def env_option(command: Decorated) -> Decorated:
    """--env NAME."""
    words = "An overlay under environments:."
    shown = click.option("--env", "env", default=None, metavar="NAME", help=words, shell_complete=complete.environments)
    return shown(command)


def directory_option(words: str, default: str = ".") -> Callable[[Decorated], Decorated]:
    """-C DIR.  words: what the folder is for."""
    return click.option(
        "-C",
        "--directory",
        "directory",
        default=default,
        metavar="DIR",
        help=words,
        callback=not_empty,
        shell_complete=complete.folders,
    )


def file_option(command: Decorated) -> Decorated:
    """-f FILE."""
    words = "mlcc.yaml (default: here or above)."
    shown = click.option(
        "-f",
        "--file",
        "file",
        default="",
        metavar="FILE",
        help=words,
        callback=not_empty,
        shell_complete=complete.paths,
    )
    return shown(command)


def request(values: Values) -> Request:
    """What the command line asks for, as the pipeline takes it."""
    from mlcc.cli.plugin_parts import plugged

    context = click.get_current_context()
    session = current()
    options = dict(context.meta.get(SETTINGS, {}))
    settings, registries = tuple(values.settings), tuple(values.registries)
    return Request(settings, options, session.environ, values.extra, registries, plugged(session))
