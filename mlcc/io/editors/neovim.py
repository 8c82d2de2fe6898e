"""Neovim: a marked block in .nvim.lua, which `exrc` reads.  Law: the block is ours, all else in the file is not."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mlcc.io.editors.mappings import Mapping, Unmergeable, line_end

BEGIN, END = "-- mlcc: begin, written by mlcc schema --install nvim", "-- mlcc: end"
HEAD = 'vim.lsp.config("yamlls", { settings = { yaml = { schemas = {'
TAIL = "} } } })"


def merged(before: str | None, mappings: Sequence[Mapping]) -> str:
    """The file with our block.  Raises Unmergeable where its marks are not one pair."""
    text = before or ""
    newline = line_end(text)
    block = newline.join([BEGIN, HEAD, *map(_line, mappings), TAIL, END])
    lines = text.splitlines()
    if (lines.count(BEGIN), lines.count(END)) == (0, 0):
        gap = "" if not text else newline if text.endswith("\n") else newline * 2
        return f"{text}{gap}{block}{newline}"
    if (lines.count(BEGIN), lines.count(END)) != (1, 1) or lines.index(BEGIN) > lines.index(END):
        raise Unmergeable(f"the lines `{BEGIN}` and `{END}` are not one pair")
    start, end = text.index(BEGIN), text.index(END)
    return text[:start] + block + text[end + len(END) :]


def _line(one: Mapping) -> str:
    patterns = ", ".join(map(json.dumps, one.globs))
    return f'  [vim.fn.getcwd() .. "/{one.path}"] = {{ {patterns} }},'
