"""Steps and targets of plugins.  Law: what they answer is checked before anything of mlcc's uses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mlcc.io.plugins import Plugin
from mlcc.lifecycle.context import Context, Result


def checked(plugin: Plugin, run: Any) -> Callable[[Context], Result]:
    """A function of a plugin as a step runs it.  It raises UserError, naming the plugin, when that fails."""

    def checked_run(context: Context) -> Result:
        with plugin.guarded():
            return _sound(run(context))

    return checked_run


def _sound(result: Any) -> Result:
    """A plugin's result in plain values.  Raises TypeError or ValueError when it is none."""
    if not isinstance(result, Result):
        raise TypeError(f"a Result was expected, not {type(result).__name__}")
    lines = [result.lines] if isinstance(result.lines, str) else list(result.lines)
    wrong = next((line for line in lines if not isinstance(line, str)), None)
    if wrong is not None:
        raise TypeError(f"the lines of its Result hold no text but {type(wrong).__name__}")
    document = json.loads(json.dumps(dict(result.document), allow_nan=False))
    return Result(document, lines, bool(result.ok))
