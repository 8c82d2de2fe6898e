"""Progress of a step on stderr.  Law: it may be a program's or a stranger's, and is made safe."""

from __future__ import annotations

from collections.abc import Callable

from mlcc.cli.session import Session
from mlcc.core.text import printable


class Talk:
    """Lines of talk; details with -v."""

    def __init__(self, session: Session) -> None:
        """session: how to speak."""
        self.session = session
        # takes secrets out of a line that the session does not know
        self.clean: Callable[[str], str] = str

    def say(self, text: str) -> None:
        """A line of talk."""
        self.session.say(lines(self.clean(text)))

    def warn(self, text: str) -> None:
        """A line about something wrong: -q does not take it away."""
        self.session.say(lines(text), -1)

    def detail(self, text: str) -> None:
        """A line of a program's output."""
        self.session.say(lines(f"    {self.clean(text)}"), 1)


def lines(text: str) -> str:
    """A text line by line safe to print."""
    return "\n".join(printable(line, 0) for line in text.split("\n"))
