"""What was meant by a word or a value that is not allowed."""

import difflib
import re
from collections.abc import Sequence
from typing import Any

from npdigits.config.value_text import short_text

# What others call it -> our keys and names, of which the first that is allowed was meant.
SYNONYMS: dict[str, tuple[str, ...]] = {
    word: tuple(names.split())
    for names, words in {
        "lr": "learning_rate learningrate eta step_size",
        "batch_size": "batch batchsize bs minibatch mini_batch_size",
        "epochs": "epoch n_epochs num_epochs max_epochs max_iter n_iter iterations",
        "hidden": "layers units neurons n_hidden hidden_size hidden_layers hidden_units hidden_layer_sizes",
        "activation": "act activation_function nonlinearity",
        "initializer": "init initialization weight_init",
        "optimizer": "opt optim solver",
        "cost": "loss criterion cost_function objective",
        "l2": "lambda lmbda reg regularization",
        "weight_decay": "wd decay",
        "dropout": "dropout_rate p_drop",
        "lr_decay": "gamma",
        "schedule": "scheduler lr_schedule lr_scheduler",
        "stop_on": "early_stopping early_stop",
        "min_delta": "tol tolerance",
        "val_size": "val validation validation_size val_split n_val",
        "seed": "random_state random_seed rng",
        "data": "dataset data_set",
        "out": "output_dir out_dir outdir output_path run_dir save_dir dir",
        "workers": "n_jobs jobs processes n_workers num_workers",
        "threads": "n_threads num_threads cores",
        "dtype": "precision",
        "quiet": "verbose silent verbosity",
        "resume": "continue checkpoint restart",
        "constant none": "none off false null never fixed",
        "cross_entropy": "crossentropy ce nll log_loss",
        "mse": "quadratic squared_error",
        "sgd": "gd momentum nesterov",
        "sigmoid": "logistic",
        "leaky_relu": "lrelu leakyrelu",
        "xavier": "glorot",
        "he": "kaiming",
        "normal": "gaussian random",
        "float32": "float single fp32 f32",
        "float64": "double fp64 f64",
    }.items()
    for word in words.split()
}
# How close to a name, from 0 to 1, what was typed must come to be taken for it.
NEAR = 0.7


def suggestion(given: Any, known: Sequence[str]) -> str:
    """Return the question whether one of the known names was meant; "" if none comes near."""
    near = nearest(given, known)
    return f"; did you mean {near}?" if near else ""


def nearest(given: Any, known: Sequence[str]) -> str:
    """Return the known name that others call so, or that looks most like it; "" if none does."""
    word = short_text(given).lower().replace("-", "_")
    if word in known:
        return word
    called_so = [name for name in SYNONYMS.get(word, ()) if name in known]
    return next(iter([*called_so, *difflib.get_close_matches(word, known, n=1, cutoff=NEAR)]), "")


def likely_meaning(key: str, value: Any) -> str:
    """Return the end of a message that says what a refused value may have been meant for; "" if nobody can tell.

    Numbers in a row may be a list of layers or a sweep, and a text may be a number in too many quotes.
    """
    typed = value.strip() if isinstance(value, str) else ""
    if key == "hidden" and re.fullmatch(r"\d+(\s*[-x×*;/ ]\s*\d+)+", typed):
        return f"; did you mean [{','.join(re.findall(r'[0-9]+', typed))}]?"
    if re.fullmatch(r"\[.*\]|[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", typed) and not re.match(r"0\d", typed):
        return "; it is a text: without quotes, or as ${oc.decode:…}"
    bounds = re.fullmatch(r"(\d+)\s*(?:\.\.+|…|-|–|:|to)\s*(\d+)", typed)
    if bounds and int(bounds[1]) < int(bounds[2]) and key != "hidden":
        return f"; for a sweep over them: --multirun '{key}=range({int(bounds[1])},{int(bounds[2]) + 1})'"
    return ""
