"""The commands by name: where each is defined and what help says of it."""

from __future__ import annotations

COMMANDS = {
    "apply": ("mlcc.cli.commands.apply", "Render the project beside mlcc.yaml."),
    "bootstrap": ("mlcc.cli.commands.bootstrap", "Set up an AWS account: profiles, role, buckets, secrets."),
    "catalog": ("mlcc.cli.commands.catalog", "Browse the registries."),
    "ci": ("mlcc.cli.commands.ci", "Register projects for continuous integration."),
    "completion": ("mlcc.cli.commands.completion", "Print the completion script of a shell."),
    "dev": ("mlcc.cli.commands.dev", "Start a SageMaker of this machine, without an account."),
    "diff": ("mlcc.cli.commands.diff", "Show what apply would change, line by line."),
    "do": ("mlcc.cli.commands.do", "Run a step of a rendered project."),
    "doctor": ("mlcc.cli.commands.doctor", "Check what this machine offers."),
    "explain": ("mlcc.cli.commands.explain", "Say where a value comes from."),
    "fmt": ("mlcc.cli.commands.fmt", "Lay mlcc.yaml out in the one canonical way."),
    "init": ("mlcc.cli.commands.init", "Write a commented mlcc.yaml."),
    "inspect": ("mlcc.cli.commands.inspect", "Look into a model file for triton.models."),
    "plan": ("mlcc.cli.commands.plan", "Show what apply would do."),
    "plugins": ("mlcc.cli.commands.plugins", "List installed plugins, their commands too."),
    "reap": ("mlcc.cli.commands.reap", "Take away deployments that are past their time."),
    "registry": ("mlcc.cli.commands.registry", "Show what was deployed (the deployment registry)."),
    "schema": ("mlcc.cli.commands.schema", "Print the schema of mlcc.yaml."),
    "set": ("mlcc.cli.commands.set", "Change a value in mlcc.yaml, keeping comments."),
    "show": ("mlcc.cli.commands.show", "Print the resolved configuration."),
    "upgrade": ("mlcc.cli.commands.upgrade", "Move what the registries chose; pin the model; fetch a chat template."),
    "validate": ("mlcc.cli.commands.validate", "Check mlcc.yaml."),
}
