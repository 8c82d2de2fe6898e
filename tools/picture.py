"""Draws docs/terminal.svg: a session on a terminal of 80 columns, from a real run of its commands.

    python tools/picture.py --write    runs the commands and draws what they print
    python tools/picture.py --check    exits 1 when the picture is stale

Law: nothing is typed that a command prints; no time, port or path of a machine is in it, and no font or link from
elsewhere.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from mlcc.core.text_columns import columns

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/terminal.svg"
CONFIG = """\
version: 1
project: {name: chat}
deployment: {config: transformers-vllm, instance_type: ml.g4dn.xlarge}
model: {name: Qwen/Qwen3-4B}
env: {VLLM_MAX_NUM_SEQ: "8"}
"""
COMMANDS = (
    "cat mlcc.yaml",
    "mlcc validate",
    "mlcc set env.VLLM_MAX_NUM_SEQ --unset",
    "mlcc set deployment.instance_type ml.g5.xlarge",
    "mlcc set engine.max_model_len 16384",
    "mlcc apply -q",
    "mlcc explain engine.max_num_seqs",
    "mlcc plan --set engine.max_model_len=8192",
    "do/deploy --dry-run | grep operation",
)
WIDTH, CELL, LINE, EDGE, SIZE = 80, 8.4, 18, 16, 14
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
GROUND, TEXT, PROMPT = "#1c1f26", "#d7dae0", "#7fb4ff"
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#7fb4ff", "35": "#d2a8ff", "36": "#76e3ea"}
# Viewers join spaces that stand together, and differ about the attribute that forbids it.
NO_BREAK = "\u00a0"
SGR = re.compile(r"\x1b\[([0-9;]*)m")


def run(command: str, folder: Path, programs: Path) -> str:
    """What a shell shows of a command on a terminal: both streams, in colour."""
    master, slave = pty.openpty()
    environ = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(programs),
        "MLCC_HOME": str(programs / "home"),
        "MLCC_ENGINE": "none",
        "MLCC_PLUGINS": "none",
        "TERM": "xterm-256color",
        "COLUMNS": str(WIDTH),
        "LC_ALL": "C.UTF-8",
    }
    started = subprocess.Popen(
        ["bash", "-c", command], cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave
    )
    os.close(slave)
    printed = b"".join(_chunks(master))
    os.close(master)
    started.wait(60)
    return printed.decode().replace("\r\n", "\n")


def _chunks(master: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the last writer closed the terminal
            return
        if not chunk:
            return
        yield chunk


def session() -> list[str]:
    """The lines of the terminal: a prompt for each command, and what it prints."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        folder, programs = Path(place, "chat"), Path(place, "programs")
        folder.mkdir()
        programs.mkdir()
        (programs / "mlcc").symlink_to(Path(sys.executable).with_name("mlcc"))
        (folder / "mlcc.yaml").write_text(CONFIG)
        for command in COMMANDS:
            printed = run(command, folder, programs).rstrip("\n")
            assert place not in printed, f"{command} prints where it was run"
            lines += [f"\x1b[34m$\x1b[0m \x1b[1m{command}\x1b[0m", *(printed.split("\n") if printed else []), ""]
    return lines[:-1]


def spans(line: str) -> Iterator[tuple[str, set[str]]]:
    """Parts of a line with the codes of colour and weight that hold for each."""
    codes: set[str] = set()
    at = 0
    for found in SGR.finditer(line):
        if found.start() > at:
            yield line[at : found.start()], {*codes}
        at = found.end()
        for code in found[1].split(";"):
            codes = set() if code in ("", "0") else codes | {code}
    if at < len(line):
        yield line[at:], {*codes}


def drawn(lines: list[str]) -> str:
    """The picture.  Each part has its place and length, so that columns stand whatever font there is."""
    width, height = WIDTH * CELL + 2 * EDGE, len(lines) * LINE + 2 * EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">',
        "<title>A session with mlcc on a terminal</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>',
        f'<g font-family="{FONTS}" font-size="{SIZE}" fill="{TEXT}">',
    ]
    for number, line in enumerate(lines):
        y, column = EDGE + number * LINE + SIZE, 0
        for text, codes in spans(line):
            word = text.strip(" ")
            if word:
                x = EDGE + (column + len(text) - len(text.lstrip(" "))) * CELL
                place = f'x="{x:g}" y="{y}" textLength="{columns(word) * CELL:g}"'
                parts.append(f"<text {place}{_look(codes)}>{escape(word.replace(' ', NO_BREAK))}</text>")
            column += columns(text)
        assert column <= WIDTH, line
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _look(codes: set[str]) -> str:
    """The attributes for codes of colour and weight."""
    colour = next((f' fill="{COLOURS[code]}"' for code in sorted(codes) if code in COLOURS), "")
    weight = ' font-weight="bold"' if "1" in codes else ""
    return colour + weight + (' opacity="0.7"' if "2" in codes else "")


def main() -> int:
    """Draws the picture, or compares it with the one that is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--write", action="store_true", help="draw it anew")
    group.add_argument("--check", action="store_true", help="exit 1 when it is stale")
    arguments = parser.parse_args()
    made = drawn(session())
    if arguments.write:
        PICTURE.write_text(made)
        return 0
    if not PICTURE.exists() or PICTURE.read_text() != made:
        print(f"{PICTURE.relative_to(ROOT)} is stale: make picture", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
