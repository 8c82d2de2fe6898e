"""mlcc completion: the script that teaches a shell mlcc's commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from mlcc.cli.session import current

SHELLS = ("bash", "fish", "zsh")


@click.command("completion", epilog='Example: eval "$(mlcc completion bash)"')
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> int:
    """Print the completion script of a shell.

    bash, zsh: eval "$(mlcc completion bash)" in the shell's start file; fish: mlcc completion fish | source.
    """
    root = click.get_current_context().find_root()
    kind = get_completion_class(shell)
    assert kind is not None
    current().out(kind(root.command, {}, "mlcc", "_MLCC_COMPLETE").source(), whole=True)
    return 0
