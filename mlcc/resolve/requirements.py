"""Python packages of an image: those of the registry rows and the user's, resolved together.  Law: pure; pip's rules.

A package is named once.  The user's exact version takes the place of a row's; a range that the row's version lies in
keeps that version, so that two builds of one commit install the same; a range that it does not lie in stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlcc.core.records import NamedTuple


class Requirement(NamedTuple):
    """One requirement.  text: as it is written; package: its name as pip compares names; version: of an exact one."""

    text: str
    package: str
    version: str = ""


class Joined(NamedTuple):
    """What is installed.

    lines: for pip, by name; replaced: the row's requirement and the user's that takes its place; kept: the user's range
    and the row's requirement that it allows.
    """

    lines: tuple[str, ...]
    replaced: tuple[tuple[Requirement, Requirement], ...] = ()
    kept: tuple[tuple[Requirement, Requirement], ...] = ()


def parsed(text: str) -> Requirement | None:
    """A requirement, or None for what pip does not take for one (`pandas=2.2`, `pandas==two`)."""
    from packaging import requirements, utils

    try:
        found = requirements.Requirement(text)
    except requirements.InvalidRequirement:
        return None
    exact = [one for one in found.specifier if one.operator in ("==", "===") and not one.version.endswith(".*")]
    return Requirement(text, utils.canonicalize_name(found.name), exact[0].version if exact else "")


def allows(text: str, version: str) -> bool:
    """Whether a requirement of pip's allows a version; pre-releases count, where they are asked for by name."""
    from packaging import requirements

    return requirements.Requirement(text).specifier.contains(version, prereleases=True)


def lowest(text: str) -> str:
    """The lowest version that a range names and allows, or nothing: `>=2.2,<3` is 2.2."""
    from packaging import requirements, version

    specifier = requirements.Requirement(text).specifier
    named = [one.version.removesuffix(".*") for one in specifier if one.operator in (">=", "~=", "==")]
    allowed = [one for one in named if specifier.contains(one, prereleases=True)]
    return min(allowed, key=version.Version) if allowed else ""


def is_empty(text: str) -> bool:
    """Whether no version satisfies a requirement: two exact ones, or a lower bound above the upper one."""
    from packaging import requirements, version

    specifier = requirements.Requirement(text).specifier
    exact = {one.version for one in specifier if one.operator == "==" and not one.version.endswith(".*")}
    if exact:
        return not any(specifier.contains(one, prereleases=True) for one in exact)
    lower = [version.Version(one.version) for one in specifier if one.operator in (">=", ">", "~=")]
    upper = [version.Version(one.version) for one in specifier if one.operator in ("<=", "<")]
    if not lower or not upper or max(lower) < min(upper):
        return False
    return max(lower) > min(upper) or not specifier.contains(str(max(lower)), prereleases=True)


def joined(rows: Iterable[str], users: Iterable[str]) -> Joined:
    """The requirements of rows and of the user in one list; what is no requirement stays as it is."""
    if not (wanted := list(users)):
        return Joined(tuple(sorted({*rows}, key=str.lower)))
    chosen, other = dict[str, Requirement](), set[str]()
    for text in rows:
        found = parsed(text)
        other |= {text} if found is None else set()
        if found is not None:
            chosen[found.package] = found
    ours, replaced, kept = {**chosen}, [], []
    for text in wanted:
        own = parsed(text)
        if own is None:
            other.add(text)
            continue
        row = ours.get(own.package)
        if row is None or own.version or not (row.version and allows(text, row.version)):
            replaced += [(row, own)] if row is not None and row.text != text else []
            chosen[own.package] = own
        else:
            chosen[own.package] = row._replace(text=_with_extras(own.text, row))
            kept.append((own, chosen[own.package]))
    texts = {*other, *(one.text for one in chosen.values())}
    return Joined(tuple(sorted(texts, key=str.lower)), tuple(replaced), tuple(kept))


def _with_extras(text: str, row: Requirement) -> str:
    """The row's version with the extras that the user wants: `uvicorn[standard]` -> `uvicorn[standard]==0.34.0`."""
    from packaging import requirements

    wanted, own = requirements.Requirement(text), requirements.Requirement(row.text)
    extras = sorted({*wanted.extras, *own.extras})
    return f"{own.name}[{','.join(extras)}]=={row.version}" if extras else row.text


def twice(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Two requirements of one package that are not the same, each pair once; the first, and the one after it."""
    seen = dict[str, str]()
    for text in texts:
        found = parsed(text)
        if found is None:
            continue
        if seen.setdefault(found.package, text) != text:
            yield seen[found.package], text
