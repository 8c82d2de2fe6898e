# mlcc: rendered from mlcc.yaml; yours to edit, mlcc apply merges your lines
"""The model: how it is loaded, what a request is, how the model is asked, and what an answer is.

This is the file to edit.  The server (app.py) calls load() once in each worker process, and for each request parse(),
predict() and format(), one after the other; it looks into nothing that they hand on.  Refused(STATUS, SENTENCE) is the
answer to a caller's mistake; whatever else is raised is answered 500, and its reason is in the log.

What is read and written unless you change it:

JSON        {"instances": rows}, {"inputs": rows} or rows.  A row is a list of values, an object of values by column, or
            one value; a value is a number, a text, true, false, or null for a missing one.
JSON Lines  one row a line, as in JSON.
CSV         one row a line.  A first line without any number is a header where it names a column of the model, or where
            other lines have numbers; `text/csv; header=present` and `header=absent` decide it.  A column is of numbers
            where each of its cells is one or empty; an empty cell is a missing value, and so is NaN among numbers.
npy         an array of numbers or texts, as numpy.save writes it.

NaN and Infinity: JSON has neither.  A request in JSON that has one is refused, null is its missing value, and a
prediction that is not finite is null in JSON.  An answer in CSV has nan and inf; npy has all of them, both ways.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

MODEL_FILE = "model.ubj"


def load(model_dir: Path) -> xgboost.Booster:
    """The booster, of a file that save_model() of a Booster, an XGBClassifier or an XGBRegressor has written."""
    # From memory, where xgboost goes by the content; of a file, it would guess from the name.
    return xgboost.Booster(model_file=bytearray(find_model(model_dir).read_bytes()))


def parse(body: bytes, content_type: str) -> Rows:
    """What predict() gets: the rows of the body.

    A type of your own: if content_type == "image/png": return decode(body)
    """
    return read_rows(body, content_type)


def predict(model: xgboost.Booster, data: Rows) -> Any:
    """One prediction for each row: a number, or a probability for each class where the objective is multi:softprob.

    The label alone: return model.predict(features(model, data)).argmax(axis=1)
    """
    return model.predict(features(model, data))


def features(model: xgboost.Booster, data: Rows) -> xgboost.DMatrix:
    """The rows as XGBoost takes them; it has a branch for missing values in each tree."""
    array = numbers(data, (model.num_features(),), model.feature_names, missing=True)
    return xgboost.DMatrix(array, feature_names=model.feature_names, feature_types=model.feature_types)


def format(predictions: Any, accept: str) -> tuple[str | bytes, str]:
    """The body of the answer, and its Content-Type: {"predictions": [...]}, or another type that the caller accepts.

    accept: the header Accept; where it leaves the type open, that of the request comes first.
    An answer of your own: return json.dumps({"scores": plain(predictions)}), JSON
    """
    return write_answer(predictions, accept)


def find_model(model_dir: Path) -> Path:
    """The model's file: MODEL_FILE, or else the only file of its kind in the model directory."""
    if (model_dir / MODEL_FILE).exists():
        return model_dir / MODEL_FILE
    suffix = Path(MODEL_FILE).suffix
    names = sorted(path.name for path in model_dir.iterdir()) if model_dir.is_dir() else []
    same_kind = [name for name in names if name.endswith(suffix)]
    if len(same_kind) != 1:
        found = ", ".join(names) or "nothing"
        raise FileNotFoundError(f"{model_dir} must hold {MODEL_FILE} or one *{suffix} file; there is {found}")
    return model_dir / same_kind[0]


# ---------------------------------------------------------------- what the functions above are made of
JSON, JSON_LINES, CSV, NPY = "application/json", "application/jsonlines", "text/csv", "application/x-npy"
# Other names of one type.
ALIASES = dict.fromkeys(("application/x-jsonlines", "application/jsonl", "application/x-ndjson"), JSON_LINES)


class Refused(Exception):
    """A request that is not answered with predictions: the HTTP status and a sentence for the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Rows:
    """The rows of a request, before anything is known of the model.

    values: a list with one element a row (a list, an object, or one value), or an array of shape (rows, ...);
    header: the first line of a CSV body, where it may be one; certain: whether the caller says that it is.
    """

    values: list[Any] | NDArray[Any]
    header: list[str] | None = None
    certain: bool = False

    @property
    def unnamed(self) -> list[Any] | NDArray[Any]:
        """The rows for a model that does not know its columns by name."""
        if self.header is not None and not self.certain and not has_numbers(self.values):
            raise Refused(400, "is the first line a header? say so: text/csv; header=present, or header=absent")
        if not len(self.values):
            raise Refused(400, "there must be at least one row")
        return self.values

    def ordered(self, names: Sequence[str]) -> list[Any] | NDArray[Any]:
        """The rows for a model whose columns are called `names`, in that order; other columns are left out."""
        wanted, header = [str(name) for name in names], self.header
        if header is not None and (self.certain or set(wanted) & set(header)):
            places = [header.index(name) for name in columns_in(header, wanted)]
            return in_length([[row[place] for place in places] for row in self.values], wanted)
        if header is not None and not has_numbers(self.values):
            return in_length([header, *self.values], wanted)  # all are texts, and none is a column's name
        if any(isinstance(row, dict) for row in self.values):
            if not all(isinstance(row, dict) for row in self.values):
                raise Refused(400, "all rows must be objects, or none")
            return in_length([[row[name] for name in columns_in(row, wanted)] for row in self.values], wanted)
        return in_length(self.values, wanted)


def has_numbers(values: list[Any] | NDArray[Any]) -> bool:
    """Whether a cell of a CSV body is a number."""
    return any(isinstance(cell, (int, float)) for row in values for cell in row)


def columns_in(given: Sequence[str] | dict[str, Any], wanted: list[str]) -> list[str]:
    """The columns of the model; refuses what lacks one of them."""
    lacking = [name for name in wanted if name not in given]
    if lacking:
        raise Refused(400, f"each row must have the columns {', '.join(wanted)}; missing: {', '.join(lacking)}")
    return wanted


def in_length(values: list[Any] | NDArray[Any], names: list[str]) -> list[Any] | NDArray[Any]:
    """Rows with a value for each column."""
    table = isinstance(values, np.ndarray) and values.ndim == 2
    rows = values if table else [row if isinstance(row, list) else [row] for row in values]
    if not len(rows):
        raise Refused(400, "there must be at least one row")
    for row in rows:
        if len(row) != len(names):
            raise Refused(400, f"each row must have {len(names)} values ({', '.join(names)}), not {len(row)}")
    return rows


# Lists in lists: far more than the rows of any model have, and less than what numpy refuses with an error of its own.
MAX_DEPTH = 16


def numbers(
    rows: Rows, shape: Sequence[int | None] | None, names: Sequence[str] | None = None, missing: bool = False
) -> NDArray[np.float64]:
    """Rows as float64, shape (rows, ...); refuses all that is not numbers.

    shape: of one row, None in it (or for all of it) where any size goes; names: of the columns, where the model has
    them; missing: whether the model takes NaN for a missing value.
    """
    values = rows.unnamed if names is None else rows.ordered(names)
    array = values if isinstance(values, np.ndarray) else of_numbers(values)
    if array.dtype.kind not in "biuf" or array.ndim < 2:
        raise Refused(400, "the array must be of numbers, and its first dimension that of the rows")
    array = array.astype(np.float64)
    if shape is not None:
        check_shape(array.shape[1:], shape)
    if np.isinf(array).any() or (np.isnan(array).any() and not missing):
        raise Refused(400, "every value must be a finite number" + (" or missing" if missing else ""))
    return array


def of_numbers(values: list[Any]) -> NDArray[np.float64]:
    """Lists of numbers as one array; None becomes NaN."""
    if not all(isinstance(row, list) and row for row in in_depth(values)):
        raise Refused(400, "each row must be a list of numbers")
    # As objects first: numpy would quietly take "1" and true for numbers, and refuses ragged rows in its own words.
    cells = np.asarray(values, dtype=object)
    kinds = set(map(type, cells.flat))
    if list in kinds:
        raise Refused(400, "all rows must have the same number of values")
    if not kinds or not kinds <= {int, float, type(None)}:
        raise Refused(400, "every value must be a number")
    return cells.astype(np.float64)


def check_shape(actual: Sequence[int], expected: Sequence[int | None]) -> None:
    """Refuses rows that the model has no use for; expected: shape of one row, None in it where any size goes."""
    if len(actual) != len(expected) or any(e not in (None, a) for a, e in zip(actual, expected, strict=True)):
        raise Refused(400, f"each row must have {in_words(expected)}, not {in_words(actual)}")


def in_words(shape: Sequence[int | None]) -> str:
    """The shape of a row for a caller: `4 values`, `28 x 28 x 1 values`, `one value`."""
    return " x ".join("any" if size is None else str(size) for size in shape) + " values" if shape else "one value"


def in_depth(values: list[Any]) -> list[Any]:
    """Rows that are not lists in lists in lists."""
    depth, first = 0, values
    while isinstance(first, list) and first and depth <= MAX_DEPTH:
        depth, first = depth + 1, first[0]
    if depth > MAX_DEPTH:
        raise Refused(400, f"the rows must not be nested more than {MAX_DEPTH} lists deep")
    return values


# ---------------------------------------------------------------- requests
def read_rows(body: bytes, content_type: str) -> Rows:
    """The rows of a request."""
    name, parameters = media_type(content_type)
    if name not in PARSERS:
        raise Refused(415, f"the Content-Type must be one of {', '.join(PARSERS)}")
    rows = PARSERS[name](body, parameters)
    if not len(rows.values) and rows.header is None:
        raise Refused(400, "there must be at least one row")
    return rows


def media_type(content_type: str) -> tuple[str, dict[str, str]]:
    """The name of a media type, none of its other names, and its parameters, such as charset."""
    name, *rest = (part.strip().lower() for part in content_type.split(";"))
    pairs = (part.partition("=") for part in rest)
    return ALIASES.get(name, name), {key.strip(): value.strip(' "') for key, _, value in pairs}


def parse_json(body: bytes, parameters: dict[str, str]) -> Rows:
    """`{"instances": rows}`, `{"inputs": rows}` or a bare list of rows."""
    document = read_json(body, "the body is not JSON in UTF-8")
    if isinstance(document, dict):
        if len(document) != 1 or not document.keys() <= {"instances", "inputs"}:
            raise Refused(400, 'the JSON object must have the one key "instances" (or "inputs")')
        (document,) = document.values()
    if not isinstance(document, list):
        raise Refused(400, "the rows must be a list")
    return Rows(document)


def parse_json_lines(body: bytes, parameters: dict[str, str]) -> Rows:
    """One row a line; lines of spaces are passed over."""
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    return Rows([read_json(line, f"line {number} is not JSON in UTF-8") for number, line in lines])


def read_json(body: bytes, wrong: str) -> Any:
    """A JSON document.  wrong: the sentence for what is none."""
    try:
        text = body.decode("utf-8-sig")
        return json.loads(text, parse_constant=not_finite, parse_int=whole, object_pairs_hook=distinct_keys)
    except (ValueError, RecursionError) as error:
        raise Refused(400, wrong) from error


def whole(text: str) -> int | float:
    """A whole number, as a float where it has too many digits: Python refuses to read thousands of them."""
    return int(text) if len(text) < 19 else float(text)


def distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Called for each object: of two values with the same key Python would keep the last."""
    document = dict(pairs)
    if len(document) < len(pairs):
        raise Refused(400, "a JSON object must not have the same key twice")
    return document


def not_finite(literal: str) -> None:
    """Called for the words NaN, Infinity and -Infinity, which Python reads and JSON does not have."""
    raise Refused(400, f"{literal} is not JSON: null is a missing value, and every number is finite")


def parse_csv(body: bytes, parameters: dict[str, str]) -> Rows:
    """Comma-separated values, with a header or without."""
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True) if line]
    except (ValueError, csv.Error) as error:
        raise Refused(400, "the body is not CSV in UTF-8") from error
    if len({len(line) for line in lines}) > 1:
        raise Refused(400, "all rows must have the same number of values")
    word = parameters.get("header")
    header = bool(lines) and word != "absent" and (word == "present" or not any(map(is_number, lines[0])))
    columns = [typed(cells) for cells in zip(*lines[header:], strict=True)]
    values = [list(row) for row in zip(*columns, strict=True)]
    return Rows(values, lines[0] if header else None, word == "present")


def typed(cells: Sequence[str]) -> list[Any]:
    """A column of a CSV body: whole numbers, numbers or texts, and None for a missing value."""
    filled = [cell for cell in cells if cell]
    if not all(map(is_number, filled)):
        return [cell or None for cell in cells]
    if all(re.fullmatch(r"-?[0-9]{1,18}", cell) for cell in filled):
        return [int(cell) if cell else None for cell in cells]
    found = [float(cell or "nan") for cell in cells]
    return [None if math.isnan(number) else number for number in found]


def is_number(cell: str) -> bool:
    """Whether a cell is a number as people write it; Python also reads 1_0, and digits of every script."""
    try:
        float(cell)
        return cell.isascii() and "_" not in cell
    except ValueError:
        return False


def parse_npy(body: bytes, parameters: dict[str, str]) -> Rows:
    """An array of numbers or texts; one of Python objects is refused, as reading it would run what is in it."""
    stream = io.BytesIO(body)
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
        # checked before numpy takes as much memory as the header asks for
        if dtype.kind not in "biufUS" or math.prod(shape) * dtype.itemsize != len(body) - stream.tell():
            raise ValueError("its size or type")
        array = np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, TypeError, SyntaxError, EOFError) as error:
        raise Refused(400, "the body is not an npy array of numbers or texts") from error
    if array.ndim == 0:
        raise Refused(400, "the array's first dimension must be that of the rows")
    return Rows(array)


# ---------------------------------------------------------------- answers
def write_answer(predictions: Any, accept: str) -> tuple[str | bytes, str]:
    """An answer's body, and its Content-Type: the one of FORMATTERS that `accept` likes best."""
    offer = max(FORMATTERS, key=lambda name: quality(accept, name))
    if quality(accept, offer) <= 0:
        raise Refused(406, f"the Accept header must allow one of {', '.join(FORMATTERS)}")
    return FORMATTERS[offer](plain(predictions)), offer


def quality(accept: str, offer: str) -> float:
    """How much an Accept header likes a media type, 0 (not at all) to 1; its closest entry decides."""
    weights: dict[str, float] = {}
    for entry in accept.split(","):
        name, parameters = media_type(entry)
        try:
            weights[name] = float(parameters.get("q", "1"))
        except ValueError:
            weights[name] = 0.0
    family = offer.partition("/")[0] + "/*"
    return next((weights[name] for name in (offer, family, "*/*") if name in weights), 0.0)


def plain(value: Any) -> Any:
    """numpy's, pandas's and a framework's arrays and numbers as Python's own."""
    if hasattr(value, "to_dict"):  # a DataFrame; a Series has tolist, too
        return plain(value.to_dict("records") if hasattr(value, "columns") else list(value))
    if hasattr(value, "tolist"):
        found = value.tolist()
        return plain(found) if isinstance(found, list) and value.dtype.kind == "O" else found
    if isinstance(value, bytes):  # a text of TensorFlow
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def finite(value: Any) -> Any:
    """The same with None for each number that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list) else value


def format_json(predictions: Any) -> str:
    """`{"predictions": [...]}`."""
    return json.dumps({"predictions": finite(predictions)}, allow_nan=False)


def format_json_lines(predictions: Any) -> str:
    """One prediction a line."""
    values = predictions if isinstance(predictions, list) else [predictions]
    return "".join(json.dumps(finite(value), allow_nan=False) + "\n" for value in values)


def format_csv(predictions: Any) -> str:
    """One prediction a line; one of several values has as many columns, an object's in their order."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for value in predictions if isinstance(predictions, list) else [predictions]:
        cells = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
        writer.writerow([json.dumps(finite(cell)) if isinstance(cell, (list, dict)) else cell for cell in cells])
    return lines.getvalue()


def format_npy(predictions: Any) -> bytes:
    """The predictions as one array."""
    stream = io.BytesIO()
    try:
        np.save(stream, np.asarray(predictions), allow_pickle=False)
    except ValueError as error:
        raise Refused(406, "these predictions are not one array; accept application/json") from error
    return stream.getvalue()


PARSERS: dict[str, Callable[[bytes, dict[str, str]], Rows]] = {
    JSON: parse_json, CSV: parse_csv, JSON_LINES: parse_json_lines, NPY: parse_npy
}  # fmt: skip
FORMATTERS: dict[str, Callable[[Any], str | bytes]] = {
    JSON: format_json, CSV: format_csv, JSON_LINES: format_json_lines, NPY: format_npy
}  # fmt: skip
