"""What a target is.  Law: the same verbs on every target; what a verb cannot do there it says with exit 3."""

from __future__ import annotations

from typing import Protocol

from mlcc.lifecycle.context import Context, Result

# Lines of a log that do/logs shows where nobody names a number (AWS and clusters keep days of them), and that
# do/status --why shows.
SHOWN_LINES, WHY_LINES = 1000, 20


class TargetActions(Protocol):
    """The verbs of a deployed project."""

    def deploy(self, context: Context) -> Result:
        """Makes it serve, and waits until it does."""

    def status(self, context: Context) -> Result:
        """Says whether it serves, and where."""

    def test(self, context: Context) -> Result:
        """Sends real requests and checks the answers."""

    def logs(self, context: Context) -> Result:
        """Shows what the server printed."""

    def clean(self, context: Context) -> Result:
        """Takes away all that deploy and build made, and proves it."""

    def run(self, context: Context) -> Result:
        """Serves in the foreground until interrupted."""
