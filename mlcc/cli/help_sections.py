"""Options under headings in the help of a command that has many.  Law: what many commands share stands apart.

First comes what is the command's own, then which project it is about, the values, the account, and how to print.
"""

from __future__ import annotations

import click

# So many options are still read as one list.
FEW = 8
PROJECT, VALUES, ACCOUNT, OUTPUT = "Project", "Values", "AWS account", "Output"
SHARED = {
    PROJECT: (
        "--file",
        "--directory",
        "--all",
        "--changed-since",
        "--dirty",
        "--allow-none",
        "--jobs",
        "--env",
        "--target",
    ),
    VALUES: ("--set", "--config", "--registry"),
    ACCOUNT: ("--profile",),
    OUTPUT: ("--output", "--json", "--quiet", "--verbose", "--no-color", "--offline", "--help"),
}
# The first column of an option's line; a longer one has a line of its own.
WIDEST = 26


class Command(click.Command):
    """A command whose help has its options under headings where they are many."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the options."""
        options = [one for one in self.get_params(ctx) if isinstance(one, click.Option) and not one.hidden]
        if len(options) <= FEW:
            super().format_options(ctx, formatter)
            return
        own = f"Options of {ctx.command_path.removeprefix('mlcc ')}"
        sections: dict[str, list[click.Option]] = {heading: [] for heading in (own, *SHARED)}
        for one in options:
            sections[_heading(one, own)].append(one)
        for heading, found in sections.items():
            rows = [one.get_help_record(ctx) for one in sorted(found, key=lambda one: _place(one, heading))]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl([(row[0].ljust(WIDEST), row[1]) for row in rows if row], col_max=WIDEST)


def _heading(option: click.Option, own: str) -> str:
    """Where an option stands; one that knows its heading has it as an attribute."""
    named: str = getattr(option, "heading", "")
    return named or next((heading for heading, names in SHARED.items() if {*names} & {*option.opts}), own)


def _place(option: click.Option, heading: str) -> int:
    """In the order of SHARED, whatever order a command was put together in; else as it comes."""
    names = SHARED.get(heading, ())
    return next((number for number, name in enumerate(names) if name in option.opts), len(names))
