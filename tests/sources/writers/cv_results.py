# requires: scikit-learn==1.9.1 pandas==3.1.1
"""Two searches of scikit-learn: one metric with training scores and a fit that fails, and two metrics."""

import sys
import warnings
from pathlib import Path

import pandas as pd
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

warnings.simplefilter("ignore")
folder = Path(sys.argv[1])
images, labels = load_iris(return_X_y=True)
grid = [{"svc__C": [0.1, 1], "svc__kernel": ["linear"]}, {"svc__kernel": ["rbf"], "svc__gamma": ["scale", 0.1, -1.0]}]
search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), grid, cv=5, return_train_score=True)
search.fit(images, labels)
pd.DataFrame(search.cv_results_).to_csv(folder / "svc.csv")

splits = RepeatedStratifiedKFold(n_splits=3, n_repeats=4, random_state=0)
scoring = {"accuracy": "accuracy", "nll": "neg_log_loss"}
search = GridSearchCV(
    DecisionTreeClassifier(random_state=0), {"max_depth": [None, 1, 2]}, cv=splits, scoring=scoring, refit=False
)
search.fit(images, labels)
pd.DataFrame(search.cv_results_).to_csv(folder / "tree.csv", index=False)
