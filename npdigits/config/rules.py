"""What a key of the configuration allows: each rule turns a raw value into the one that is used, or refuses it."""

import difflib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

# raw value -> value; raises ValueError with what is allowed.
Rule = Callable[[Any], Any]

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


def integer(low: int, high: int | None = None) -> Rule:
    """Allow whole numbers from ``low`` to ``high``."""
    allowed = f"a whole number ≥ {low}" if high is None else f"a whole number from {low} to {high}"

    def rule(value: Any) -> int:
        if type(value) is not int or value < low or (high is not None and value > high):
            raise ValueError(allowed)
        return value

    return rule


def number(allowed: str, accepts: Callable[[float], bool]) -> Rule:
    """Allow finite numbers that a condition accepts."""

    def rule(value: Any) -> float:
        if type(value) not in (int, float):
            raise ValueError(allowed)
        try:
            result = float(value)
        except OverflowError:
            raise ValueError(allowed) from None
        if not math.isfinite(result) or not accepts(result):
            raise ValueError(allowed)
        return result + 0.0  # which makes 0.0 of −0.0: one experiment, one way to write it

    return rule


def one_of(names: Mapping[str, Any], aliases: Mapping[str, str] | None = None) -> Rule:
    """Allow these names, and short ones for some of them; the full name is what is kept."""
    aliases = aliases or {}

    def rule(value: Any) -> str:
        if isinstance(value, str) and value in aliases:
            return aliases[value]
        if not isinstance(value, str) or value not in names:
            known = [*aliases, *names]
            raise ValueError(f"one of {', '.join(known)}{suggestion(value, known)}")
        return value

    return rule


def optional(rule: Rule) -> Rule:
    """Allow null besides."""

    def or_none(value: Any) -> Any:
        if value is None:
            return None
        try:
            return rule(value)
        except ValueError as error:
            raise ValueError(f"null or {error}") from None

    return or_none


def boolean(value: Any) -> bool:
    """Allow true and false."""
    if type(value) is not bool:
        raise ValueError("true or false")
    return value


def text(value: Any) -> str:
    """Allow a string that is not empty and could be a path or an address."""
    if isinstance(value, bool | int | float):
        raise ValueError("a text; what reads as something else needs quotes")
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("a text")
    return value


def hidden_sizes(value: Any) -> tuple[int, ...]:
    """Allow one size, or a list of sizes, which may be empty."""
    sizes = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(type(n) is int and n >= 1 for n in sizes):
        raise ValueError("a whole number ≥ 1, or a list of them, such as 20, [300,100] or []")
    return sizes


def shares(value: Any) -> tuple[float, ...]:
    """Allow one number 0 ≤ p ≤ 0.99, or a list of them."""
    rule = number("", lambda p: 0 <= p <= 0.99)
    try:
        allowed = tuple(rule(p) for p in (value if isinstance(value, list | tuple) else (value,)))
        if not allowed:
            raise ValueError
    except ValueError:
        raise ValueError("a number from 0 to 0.99, or a list of them, one a hidden layer") from None
    return allowed


def pair_of_betas(value: Any) -> tuple[float, ...]:
    """Allow two numbers 0 ≤ β < 1."""
    rule = number("", lambda beta: 0 <= beta < 1)
    try:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise ValueError
        return tuple(rule(beta) for beta in value)
    except ValueError:
        raise ValueError("two numbers 0 ≤ β < 1, such as [0.9,0.999]") from None


def cell(value: Any) -> Any:
    """Return a value of the configuration as a cell of a table: one hidden layer is its number, no scalar is text."""
    if isinstance(value, list | tuple):
        return value[0] if len(value) == 1 else f"[{','.join(map(str, value))}]"
    return value if isinstance(value, int | float | str) else json.dumps(value)


def suggestion(given: Any, known: Sequence[str]) -> str:
    """Return the question whether one of the known names was meant; "" if none comes near."""
    near = nearest(given, known)
    return f"; did you mean {near}?" if near else ""


def nearest(given: Any, known: Sequence[str]) -> str:
    """Return the known name that others call so, or that looks most like it; "" if none does."""
    word = shown(given).lower().replace("-", "_")
    if word in known:
        return word
    called_so = [name for name in SYNONYMS.get(word, ()) if name in known]
    return next(iter([*called_so, *difflib.get_close_matches(word, known, n=1, cutoff=NEAR)]), "")


def reading(key: str, value: Any) -> str:
    """Return what a refused value may have been meant for: numbers in a row, a list of layers, no text; "" if none."""
    typed = value.strip() if isinstance(value, str) else ""
    if key == "hidden" and re.fullmatch(r"\d+(\s*[-x×*;/ ]\s*\d+)+", typed):
        return f"; did you mean [{','.join(re.findall(r'[0-9]+', typed))}]?"
    if re.fullmatch(r"\[.*\]|[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", typed) and not re.match(r"0\d", typed):
        return "; it is a text: without quotes, or as ${oc.decode:…}"
    bounds = re.fullmatch(r"(\d+)\s*(?:\.\.+|…|-|–|:|to)\s*(\d+)", typed)
    if bounds and int(bounds[1]) < int(bounds[2]) and key != "hidden":
        return f"; for a sweep over them: --multirun '{key}=range({int(bounds[1])},{int(bounds[2]) + 1})'"
    return ""


def shown(value: Any) -> str:
    """Return a value as the user would type it, short and on one line."""
    if value is None or type(value) is bool:
        line = {None: "null", True: "true", False: "false"}[value]
    else:
        line = " ".join(str(value).split())
    return line if len(line) <= 80 else line[:77] + "…"
