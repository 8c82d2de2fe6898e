"""Trains models/risk.joblib: amount, months and share of income give a risk."""

from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

random = np.random.default_rng(7)
size = 1000
rows = np.column_stack([random.uniform(1000, 30000, size), random.integers(6, 72, size), random.uniform(0, 0.6, size)])
lost = rows[:, 0] / 30000 + rows[:, 2] + random.normal(0, 0.15, size) > 1.0

model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, lost.astype(int))

target = Path("models/risk.joblib")
target.parent.mkdir(exist_ok=True)
joblib.dump(model, target)
print(f"{target}: right for {model.score(rows, lost.astype(int)):.0%} of what it was trained with")
