"""What a pickled estimator of scikit-learn's kind says of itself.  Law: read by `pickles`; nothing of it is run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mlcc.lookups.model_files.found import MAX_NAME, Unreadable, number
from mlcc.lookups.model_files.pickled_values import Array, Thing
from mlcc.lookups.model_files.pickles import read

MAX_COLUMNS, MAX_DEPTH = 4096, 6
VERSION, COLUMNS, FEATURES = "_sklearn_version", "feature_names_in_", "n_features_in_"
# Encoders that hold the values they know, a list for each column, and vectorizers, which take texts.
CATEGORIES, VOCABULARY = "categories_", "vocabulary_"
# Modules that any image of scikit-learn has.
USUAL = {
    "__builtin__", "_codecs", "builtins", "collections", "copy_reg", "copyreg", "datetime", "functools", "joblib",
    "numpy", "scipy", "sklearn",
}  # fmt: skip


class Estimator(NamedTuple):
    """name: of its class; version: of the scikit-learn that wrote it, empty where it does not say; columns: of the
    DataFrame that it was fitted with; features: their number, or that of an array's, 0 where it does not say;
    examples: a value for each column, of those that it knows (else 0); modules: what its image must have besides
    scikit-learn; own: of those, what is the author's own code.
    """

    name: str
    version: str
    columns: tuple[str, ...]
    features: int
    examples: tuple[Any, ...]
    modules: tuple[str, ...]


def estimator(path: str) -> Estimator:
    """Reads a pickle or a joblib file.  Raises Unreadable where it holds no estimator, OSError for no file."""
    top, names = read(path)
    if not isinstance(top, Thing):
        raise Unreadable("it holds no estimator")
    columns = tuple(_texts(_known(top, COLUMNS))[:MAX_COLUMNS])
    features = _known(top, FEATURES)
    count = number(features, FEATURES) if isinstance(features, int) else len(columns)
    examples = dict.fromkeys(columns, 0) | {c: v for c, v in _examples(top, columns) if c in columns}
    found = tuple(examples[column] for column in columns) or _unnamed(top, count)
    modules = sorted({name.partition(".")[0] for name in names} - USUAL)
    return Estimator(top.name[:MAX_NAME], _version(top), columns, count, found, tuple(modules))


def _known(thing: Any, key: str) -> Any:
    """A field of an estimator as scikit-learn finds it: of a pipeline's first step, of a search's best estimator."""
    for _ in range(MAX_DEPTH):
        if not isinstance(thing, Thing):
            return None
        found = thing.get(key)
        if found is not None:
            return found
        steps = thing.get("steps")
        if isinstance(steps, list) and steps and isinstance(steps[0], tuple) and len(steps[0]) == 2:
            thing = steps[0][1]
        else:
            thing = thing.get("best_estimator_")
    return None


def _texts(value: Any) -> list[str]:
    values = value.values if isinstance(value, Array) else None
    return [text[:MAX_NAME] for text in values or () if isinstance(text, str)]


def _version(top: Thing) -> str:
    """The version of the outermost part that has one."""
    found = next((one.get(VERSION) for one in _parts(top) if isinstance(one.get(VERSION), str)), "")
    return str(found)[:40]


def _parts(top: Thing) -> Iterator[Thing]:
    """An estimator and all that it is made of, the outer ones first."""
    level: list[Any] = [top]
    seen: set[int] = set()
    for _ in range(4 * MAX_DEPTH):
        following: list[Any] = []
        for value in level:
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, Thing):
                yield value
                following += [value.state, value.arguments]
            elif isinstance(value, dict):
                following += value.values()
            elif isinstance(value, (list, tuple)):
                following += value[:MAX_COLUMNS]
        level = following


def _examples(top: Thing, columns: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """A value that a column may have, where an encoder of a ColumnTransformer knows its values."""
    for part in _parts(top):
        listed = part.get("transformers_") or part.get("transformers")
        for entry in listed if isinstance(listed, list) else ():
            if not isinstance(entry, tuple) or len(entry) != 3:
                continue
            own = entry[2]
            names = [own] if isinstance(own, str) else own if isinstance(own, list) else _texts(own)
            names = [columns[n] if isinstance(n, int) and 0 <= n < len(columns) else n for n in names]
            values = _known_values(entry[1])
            if isinstance(own, str) and not values:
                values = ["text"]
            yield from zip((name for name in names if isinstance(name, str)), values, strict=False)


def _known_values(thing: Any) -> list[Any]:
    """The first value that an encoder knows of each of its columns; of a pipeline's first encoder."""
    for part in _parts(thing) if isinstance(thing, Thing) else ():
        found = part.get(CATEGORIES)
        if isinstance(found, list):
            return [_example(one) for one in found]
    return []


def _example(categories: Any) -> Any:
    """One of the values of a column; 0 where they are not known."""
    values = categories.values if isinstance(categories, Array) else None
    plain = [
        value for value in values or () if isinstance(value, (bool, int, float, str)) and len(str(value)) < MAX_NAME
    ]
    return plain[0] if plain else 0


def _unnamed(top: Thing, count: int) -> tuple[Any, ...]:
    """For an array: zeros, or one text where the first thing that it does is to count words."""
    steps = top.get("steps")
    first = steps[0][1] if isinstance(steps, list) and steps and isinstance(steps[0], tuple) else top
    if isinstance(first, Thing) and first.get(VOCABULARY) is not None:
        return ("text",)
    return (0,) * min(count, MAX_COLUMNS)
