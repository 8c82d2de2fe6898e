"""Steps that a text names, as they must be typed to act where this run acted.  Law: pure; other words stay as they are.

`do/clean takes it away` is no help to somebody whose run had `--env prod`: typed as shown it acts on another
environment.  What stands in quotes is somebody's own, and so is a line that is indented as the output of programs is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

# Behind a quote that opens: one behind a letter is an apostrophe.
QUOTED = r"""(?<!\w)'[^'\n]*'|"[^"\n]*"|`[^`\n]*`"""
# How talk shows lines of a program.
INDENT = "    "


def completed(text: str, steps: Iterable[str], env: str = "", target: str = "") -> str:
    """A text in which each `do/STEP` carries the options of the run.

    steps: names of steps that are commands for sure (`do/config` is a file); env, target: what the run had, empty where
    it had none.  A line that names an option already is not given that option.
    """
    if not (env or target):
        return text
    pattern = _pattern(tuple(steps))
    return "\n".join(_line(pattern, line, env, target) for line in text.split("\n"))


def _line(pattern: re.Pattern[str], line: str, env: str, target: str) -> str:
    wanted = [("--env", env), ("--target", target)]
    options = "".join(f" {name} {value}" for name, value in wanted if value and not re.search(rf"{name}[ =]", line))
    if line.startswith(INDENT):
        return line
    return pattern.sub(lambda found: found[0] + options if found["step"] else found[0], line)


@lru_cache(maxsize=4)
def _pattern(steps: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(map(re.escape, steps))
    return re.compile(rf"{QUOTED}|(?P<step>(?<![\w/.-])do/(?:{names})(?![\w/-]|\.\w))")
