# mlcc: rendered from mlcc.yaml; yours to edit, mlcc apply merges your lines
"""Trains the sample model: how likely an iris is of each of three kinds, by four lengths in centimetres.

    python train.py [--output DIR]

The data set (150 flowers; R. A. Fisher, 1936) comes with scikit-learn.  Every run gives the same model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from tensorflow import keras

MODEL_FILE = "model.keras"


def train() -> tuple[keras.Model, float]:
    """The fitted model, and the share of right answers on flowers that it has not seen."""
    keras.utils.set_random_seed(7)
    rows, kinds = load_iris(return_X_y=True)
    known, unseen, known_kinds, unseen_kinds = train_test_split(
        rows.astype("float32"), kinds, test_size=0.3, random_state=7, stratify=kinds
    )
    scale = keras.layers.Normalization()
    scale.adapt(known)
    layers = [scale, keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(known, known_kinds, epochs=40, batch_size=16, verbose=0)
    return model, float(model.evaluate(unseen, unseen_kinds, verbose=0)[1])


def save(model: keras.Model, path: Path) -> None:
    """Writes the model; the suffix of the file decides between Keras's own format and HDF5."""
    model.save(path)


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
