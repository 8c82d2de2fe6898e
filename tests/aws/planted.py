"""Forty secrets, how they stand in texts, and how a leak of one is found.

The texts are made of pieces: no file of the repository holds what a scanner would take for a secret.
"""

from __future__ import annotations

import base64
import json
import random
import string
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

SOURCE = random.Random("planted")


def made(size: int, characters: str = string.ascii_letters + string.digits) -> str:
    """Random characters, the same in each run; upper and lower case and a digit among them where there may be."""
    return (
        "".join(SOURCE.choice(characters) for _ in range(size - 3))
        + characters[0]
        + characters[-1]
        + characters[30 % len(characters)]
    )


@dataclass(frozen=True)
class Secret:
    """One secret.  name: of a variable; value: as it is written; core: the part that must be seen nowhere; by_name:
    nothing but its name shows that it is one."""

    name: str
    value: str
    core: str
    by_name: bool

    def texts(self, known: bool) -> Iterator[str]:
        """Ways to write it in a line.  known: mlcc has it from a variable, so that it may stand there without a name."""
        if not self.by_name or known:
            yield f"tried {self.value} once"
        if self.by_name and "\n" not in self.value:
            option = "--" + self.name.lower().replace("_", "-")
            yield f"got {self.name}={self.value} here"
            yield json.dumps({"n": 1, self.name: self.value})
            yield json.dumps(json.dumps({self.name: self.value}))
            yield f"non-default args: {{'{self.name}': ['{self.value}'], 'x': 1}}"
            yield f"{self.name}: {self.value}"
            yield f"serve {option} {self.value} --port 80"
            yield f"serve {option}={self.value}"
            yield f"argv {['serve', option, self.value]}"
            yield f"login -u me -p {self.value} host"


NAMES = [
    "DB_PASSWORD",
    "PGPASSWORD",
    "HF_TOKEN",
    "OPENAI_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "CLIENT_SECRET",
    "JWT_SECRET",
    "SSH_PASSPHRASE",
    "SLACK_WEBHOOK",
    "MYSQL_PWD",
    "GITHUB_PAT",
    "DOCKER_AUTH_CONFIG",
    "SENTRY_DSN",
    "REDIS_AUTH",
    "SESSION_COOKIE",
    "ENCRYPTION_KEY",
    "GCP_CREDENTIALS",
    "dbPassword",
    "STORAGE_CONNECTION_STRING",
]
HEX = string.digits[:10] + "abcdef"
KEY = "PRIVATE " + "KEY"


def _formats() -> Iterator[tuple[str, str]]:
    """Value and core of secrets that have a format."""
    starts = [
        ("AKI" + "A", made(16, string.ascii_uppercase)), ("gh" + "p_", made(36)), ("github_" + "pat_", made(60)), ("gl" + "pat-", made(20)),
        ("h" + "f_", made(34)), ("sk" + "-proj-", made(44)), ("sk" + "-ant-api03-", made(60)), ("xox" + "b-", made(30)), ("sk" + "_live_", made(24)),
        ("np" + "m_", made(36)), ("pyp" + "i-", made(60)), ("AI" + "za", made(35)), ("nv" + "api-", made(40)), ("dap" + "i", made(32, HEX)),
        ("https://hooks." + "slack.com/services/", made(40)), ("Bea" + "rer ", made(40)), ("https://b.s3.amazonaws.com/k?X-Amz-" + "Signature=", made(64, HEX)),
    ]  # fmt: skip
    yield from ((start + end, end) for start, end in starts)
    header, body, end = (made(24) for _ in range(3))
    yield f"ey{'J'}{header}.{body}.{end}", body
    password = made(20)
    yield f"postgres{'://'}user:{password}@db.example.com:5432/x", password
    lines = [made(48) for _ in range(3)]
    yield "\n".join([f"-----BEGIN {KEY}-----", *lines, f"-----END {KEY}-----"]), lines[1]


SECRETS = [
    *(Secret(name, value, value, True) for name in NAMES for value in [made(22)]),
    *(Secret(f"NOTE_{number}", value, core, False) for number, (value, core) in enumerate(_formats())),
]
# Names with TOKEN or KEY in them that hold no secret.
HARMLESS = {
    "MAX_TOKENS": "8191", "TOKENIZER_PATH": "/opt/ml/tokenizer-17", "KEY_COLUMN": "petal-width-21", "PAD_TOKEN_ID": "150643",
    "TOKENIZERS_PARALLELISM": "false-19", "EOS_TOKEN": "im-end-23", "SORT_KEY": "created-at-29", "MAX_NUM_BATCHED_TOKENS": "16383",
    "PRIMARY_KEY": "order-id-31", "TOKEN_LIMIT": "40961", "PUBLIC_KEY": "id-of-the-team-37", "KEY_PATH": "/opt/ml/keys-41",
}  # fmt: skip
WINDOW = 9


def _needles(secret: Secret) -> Iterator[bytes]:
    raw = secret.core.encode()
    yield from (raw, raw[::-1], raw.lower(), raw.hex().encode(), urllib.parse.quote(secret.value, "").encode())
    yield from (base64.b64encode(secret.core[skip:].encode())[:12] for skip in range(3))
    yield from (raw[at : at + WINDOW] for at in range(len(raw) - WINDOW))


NEEDLES = {secret.name: sorted(set(_needles(secret))) for secret in SECRETS}


def leaked(*texts: str | bytes) -> list[str]:
    """The names of the secrets of which a part stands in a text, in whatever disguise."""
    whole = b"\0".join(text.encode() if isinstance(text, str) else text for text in texts)
    return [name for name, needles in NEEDLES.items() if any(needle in whole for needle in needles)]
