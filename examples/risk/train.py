"""Trains models/risk.joblib: amount, months and share of income give a risk."""

from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier

random = np.random.default_rng(7)
size = 1000
rows = np.column_stack([random.uniform(1000, 30000, size), random.integers(6, 72, size), random.uniform(0, 0.6, size)])
lost = (rows[:, 0] / 30000 + rows[:, 2] + random.normal(0, 0.15, size) > 1.0).astype(int)

model = RandomForestClassifier(n_estimators=20, min_samples_leaf=5, random_state=7).fit(rows, lost)

target = Path("models/risk.joblib")
target.parent.mkdir(exist_ok=True)
joblib.dump(model, target)
print(f"{target}: right for {model.score(rows, lost):.0%} of what it was trained with")
