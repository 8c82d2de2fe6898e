"""LightGBM's text format: features, classes, objective.  Law: the head is read, the trees are not."""

from __future__ import annotations

from mlcc.lookups.model_files.found import Found, Unreadable, head, number, trees

# A head has about twenty lines, one of which names every feature.
MAX_HEAD, MAX_LINES = 4 << 20, 1000
CLASSIFIERS = ("binary", "multiclass", "multiclassova", "cross_entropy")


def parse(path: str) -> Found:
    """A file that Booster.save_model has written."""
    text = head(path, MAX_HEAD).decode("utf-8", "replace")
    lines = text.partition("\nTree=")[0].split("\n", MAX_LINES)[:MAX_LINES]
    if lines[0].strip() != "tree":
        raise Unreadable("it is no model of LightGBM: its first line is not `tree`")
    header = dict(line.strip().partition("=")[::2] for line in lines[1:])
    features = number(header.get("max_feature_idx", ""), "max_feature_idx") + 1
    classes = number(header.get("num_class", "1"), "num_class")
    objective = header.get("objective", "").split(maxsplit=1)
    return trees("txt", features, classes, bool(objective) and objective[0] in CLASSIFIERS)
