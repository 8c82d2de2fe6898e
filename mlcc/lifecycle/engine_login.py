"""A container engine signed in to ECR.  Law: the sign-in is private, and is taken away.

The password reaches the engine by its standard input, and lies in a private folder of this run; what a killed run has
left there the next command of mlcc removes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io import programs
from mlcc.io.aws.ecr import Login
from mlcc.io.container_engines import Engine
from mlcc.io.disk.staging import staging_folder
from mlcc.lifecycle.context import Context

STAGING = ("/tmp", "/var/tmp", "/dev/shm")
LOGIN_S = 120.0


@contextmanager
def signed_in(context: Context, engine: Engine, login: Login) -> Iterator[dict[str, str]]:
    """An environment in which the engine is signed in, for as long as the block lasts.  Raises UserError."""
    with staging_folder((context.environ.get("TMPDIR", ""), *STAGING)) as folder:
        environ = engine.signed_out(folder, context.environ)
        argv = [engine.program, "login", "--username", login.user, "--password-stdin", login.registry]
        done = programs.run(argv, environ=environ, timeout_s=LOGIN_S, stdin=login.password.encode())
        if done.code:
            raise failed(context, engine, "login", done, login.password)
        yield environ


def failed(context: Context, engine: Engine, what: str, done: programs.Finished, secret: str = "") -> UserError:
    """What an engine's failure is to the user.  what: its command; secret: a value that is never shown."""
    text = (done.stderr or done.stdout).decode("utf-8", "replace")
    words = context.clean_printed(text.replace(secret, "***REDACTED***") if secret else text).strip()
    last = printable(words.rpartition("\n")[2], 300)
    return UserError([error("MLCC306", f"{engine.name} {what} failed ({done.code}): {last}", hint="do it again")])
