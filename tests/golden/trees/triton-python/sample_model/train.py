# mlcc: rendered from mlcc.yaml; yours to edit, mlcc apply merges your lines
"""Trains the sample model: of which of three cultivars a wine is, by thirteen measurements.

    python train.py [--output DIR]

The data set (178 wines; M. Forina and others, 1988) comes with scikit-learn.  Every run gives the same model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

MODEL_FILE = "centroids.npz"


def wines() -> tuple[Any, Any, Any, Any]:
    """Measurements and cultivars: of the wines to learn from, and of those to be judged by."""
    rows, kinds = load_wine(return_X_y=True)
    known, unseen, known_kinds, unseen_kinds = train_test_split(
        rows, kinds, test_size=0.3, random_state=7, stratify=kinds
    )
    return known, known_kinds, unseen, unseen_kinds


def train() -> tuple[Pipeline, float]:
    """The fitted model, and the share of right answers on wines that it has not seen."""
    known, kinds, unseen, unseen_kinds = wines()
    model = make_pipeline(StandardScaler(), NearestCentroid()).fit(known, kinds)
    return model, float(model.score(unseen, unseen_kinds))


def save(model: Pipeline, path: Path) -> None:
    """Writes arrays that numpy alone can read: no pickle, no scikit-learn in the server."""
    scaler, nearest = model
    np.savez(path, mean=scaler.mean_, scale=scaler.scale_, centroids=nearest.centroids_, classes=nearest.classes_)


def main() -> None:
    """Trains, writes the file that Triton loads, and says on stderr how good it is."""
    parser = argparse.ArgumentParser(description="Train the sample model.")
    usual = Path(__file__).resolve().parent.parent / "model_repository/wine/1"
    parser.add_argument("--output", type=Path, default=usual, metavar="DIR")
    output = parser.parse_args().output
    model, accuracy = train()
    output.mkdir(parents=True, exist_ok=True)
    save(model, output / MODEL_FILE)
    print(f"accuracy {accuracy:.3f}; wrote {output / MODEL_FILE}", file=sys.stderr)


if __name__ == "__main__":
    main()
