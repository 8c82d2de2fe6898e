"""How a step speaks while it works: on stderr, safe to print, whatever it says."""

from __future__ import annotations

from mlcc.cli.session import Session
from mlcc.core.text import printable


class Talk:
    """Progress on stderr; details with -v."""

    def __init__(self, session: Session) -> None:
        """session: how to speak."""
        self.session = session

    def say(self, text: str) -> None:
        """A line of talk."""
        self.session.say(_lines(text))

    def detail(self, text: str) -> None:
        """A line of a program's output."""
        self.session.say(_lines(f"    {text}"), 1)


def _lines(text: str) -> str:
    """What a step says, which may be a plugin's, line by line safe to print."""
    return "\n".join(printable(line, 0) for line in text.split("\n"))
