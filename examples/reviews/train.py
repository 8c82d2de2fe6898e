"""Trains models/reviews.joblib: words of a text, weighted, and a linear model over them."""

from itertools import product
from pathlib import Path

import joblib
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

GOOD = ("great", "friendly", "warm", "quick", "delicious", "lovely")
BAD = ("slow", "cold", "rude", "dirty", "bland", "noisy")
texts = [f"{first} food and {second} people" for words in (GOOD, BAD) for first, second in product(words, words)]
kinds = ["good"] * len(GOOD) ** 2 + ["bad"] * len(BAD) ** 2

model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(texts, kinds)

target = Path("models/reviews.joblib")
target.parent.mkdir(exist_ok=True)
joblib.dump(model, target)
print(f"{target}: {len(model[0].vocabulary_)} words")
