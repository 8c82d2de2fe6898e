# mlcc: rendered from mlcc.yaml; yours to edit, mlcc apply merges your lines
"""Trains the sample model: which of three kinds of iris a flower is, by four lengths in centimetres.

    python train.py [--output DIR]

The data set (150 flowers; R. A. Fisher, 1936) comes with scikit-learn.  Every run gives the same model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

MODEL_FILE = "model.joblib"


def train() -> tuple[LogisticRegression, float]:
    """The fitted model, and the share of right answers on flowers that it has not seen."""
    rows, kinds = load_iris(return_X_y=True)
    known, unseen, known_kinds, unseen_kinds = train_test_split(
        rows, kinds, test_size=0.3, random_state=7, stratify=kinds
    )
    model = LogisticRegression(max_iter=1000).fit(known, known_kinds)
    return model, model.score(unseen, unseen_kinds)


def save(model: LogisticRegression, path: Path) -> None:
    """Writes what joblib.load reads."""
    joblib.dump(model, path)


def main() -> None:
    """Trains, writes the file that the server loads, and says on stderr how good it is."""
    parser = argparse.ArgumentParser(description="Train the sample model.")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent / "model", metavar="DIR")
    output = parser.parse_args().output
    model, accuracy = train()
    output.mkdir(parents=True, exist_ok=True)
    save(model, output / MODEL_FILE)
    print(f"accuracy {accuracy:.3f}; wrote {output / MODEL_FILE}", file=sys.stderr)


if __name__ == "__main__":
    main()
