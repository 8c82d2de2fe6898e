"""Trains models/churn.joblib: a pipeline over a DataFrame of texts and numbers, with missing values."""

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

random = np.random.default_rng(7)
size = 600
people = pd.DataFrame(
    {
        "plan": random.choice(["basic", "pro", "team"], size),
        "months": random.integers(1, 48, size),
        "spend": np.where(random.random(size) < 0.1, np.nan, random.gamma(4.0, 12.0, size)),
    }
)
# who has the small plan and came lately leaves
left = np.where((people["plan"] == "basic") & (people["months"] < 12), "leaves", "stays")

columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), ["plan"]), (SimpleImputer(strategy="median"), ["months", "spend"])
)
model = make_pipeline(columns, RandomForestClassifier(n_estimators=20, random_state=7)).fit(people, left)

target = Path("models/churn.joblib")
target.parent.mkdir(exist_ok=True)
joblib.dump(model, target)
print(f"{target}: right for {model.score(people, left):.0%} of what it was trained with")
