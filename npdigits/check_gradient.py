"""Check a configuration's gradient by differences of its cost: ``python -m npdigits.check_gradient [key=value …]``."""

if __name__ == "__main__":
    from npdigits.base.start import start

    start("npdigits.check_gradient", "npdigits.check_gradient")

import argparse
import functools
import sys
from collections.abc import Sequence
from dataclasses import replace

from npdigits.base.errors import ConfigError
from npdigits.base.program import Parser, exit_code, warn
from npdigits.base.terminal import show
from npdigits.base.text import aligned
from npdigits.config.build import check_memory, initial_state
from npdigits.config.command_line import in_our_words
from npdigits.config.compose import compose
from npdigits.config.dependence import without_effect
from npdigits.config.keys import FILE_DATA, OWN_DATA
from npdigits.config.own_names import shorten
from npdigits.config.schema import Config
from npdigits.nn.gradient_check import INITIAL, GradientCheck, GroupCheck, check_network, describe
from npdigits.runs.prepare import load_data

PROGRAM = "npdigits.check_gradient"
IMAGES = 32
WRONG = 1
# Of the data sets that are known without a look at them.
PIXELS, CLASSES = 28 * 28, 10
HELP = """\
Check a configuration's gradient: what training computes by backpropagation, against central differences of the cost.

Takes the keys of npdigits (npdigits --help lists them), and checks exactly the network that they make: its sizes,
activation, output, cost and initial weights, in float64 whatever dtype says. Of each layer's weights W and biases b it
compares elements, half of them those of the largest gradient, and random directions over all elements, so that no
wrong one hides. It does so at the initial weights and at weights drawn from N(0, 1/fan_in).
"""
MORE = """\
Images and labels are random: no data set is needed, but that data=idx and data=file take the sizes of their files.

A kink, as relu has at 0, has no derivative: what does not agree there but does nearby is counted as a kink, not as
wrong. "unclear" is a group on which the cost does not depend, or not smoothly: nothing shows that it is right.

L2, weight decay and max-norm belong to the optimizer's step and are not part of the gradient; dropout and augmentation
are off, and one process computes all.

exit code: 0 all groups are right, 1 a derivative is wrong or unclear, 2 bad input
example:   npdigits-check-gradient hidden=[300,100] activation=tanh output=sigmoid
"""


def main() -> None:
    """Print the table; the exit code is 1 if the gradient is wrong, 2 for bad input."""
    parser = Parser(PROGRAM, description=HELP, epilog=MORE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*", type=_override, metavar="key=value", help="as npdigits takes them")

    def act_on_what_was_typed() -> int:
        overrides = parser.parse_args().overrides
        return in_our_words(functools.partial(act, overrides), overrides)

    sys.exit(exit_code(PROGRAM, act_on_what_was_typed))


def _override(text: str) -> str:
    """Return an override that was typed, for argparse."""
    if not text:
        raise argparse.ArgumentTypeError("'': allowed is key=value, such as hidden=20")
    return text


def act(overrides: Sequence[str]) -> int:
    """Check the gradient and print a table; return the exit code.

    Raises:
        UserError: the configuration cannot be, or its cost is not finite anywhere.
    """
    config = _compose_one(overrides)
    if config.resume:
        raise ConfigError(f"resume={config.resume}: not allowed: a configuration is checked, not a run; type its keys")
    for line in without_effect(config, overrides):
        warn(PROGRAM, line)
    config = replace(config, dtype="float64")
    sizes = layer_sizes(config)
    check_memory(config, sizes)
    check = check_network(initial_state(config, sizes).network, IMAGES)
    if not check.at:
        raise ConfigError("z is not finite: with such weights nothing can be checked; a smaller init_scale may help")
    if INITIAL not in check.at:
        warn(PROGRAM, "z is not finite at the initial weights, so nothing is checked there")
    show("\n".join(report(config, sizes, check)))
    return 0 if check.is_ok else WRONG


def _compose_one(overrides: Sequence[str]) -> Config:
    """Compose as ``compose`` does; of several values it says what npdigits alone can do with them."""
    try:
        return compose(overrides)
    except ConfigError as error:
        raise ConfigError(str(error).partition("; for a sweep")[0]) from error


def layer_sizes(config: Config) -> tuple[int, ...]:
    """Return the units of each layer; only of the user's own files are the sizes not known beforehand."""
    if config.data.name not in ("idx", FILE_DATA, OWN_DATA):
        return (PIXELS, *config.hidden, CLASSES)
    data = load_data(config.data, config.data.name, None, functools.partial(warn, PROGRAM))
    return (data.train.images.shape[1], *config.hidden, data.n_classes)


def report(config: Config, sizes: Sequence[int], check: GradientCheck) -> list[str]:
    """Return the table and the verdict, as lines."""
    chosen = [
        f"{key}={shorten(getattr(config, key))}"
        for key in ("activation", "output", "cost")[0 if config.hidden else 1 :]
    ]
    heads = [f"{'–'.join(map(str, sizes))}, {', '.join(chosen)}", f"{IMAGES} images, at {' and at '.join(check.at)}"]
    rows = [["layer", "group", "checked", "worst relative error", "kinks", ""], *map(_row, check.groups)]
    table = [*aligned(rows), ""] if check.groups else []
    return [*heads, "", *table, *_verdict(check)]


def _row(group: GroupCheck) -> list[str]:
    error = "–" if group.worst is None else f"{group.worst.error:.1e}"
    return [str(group.layer), group.name, str(group.checked), error, str(group.kinks), group.verdict]


def _verdict(check: GradientCheck) -> list[str]:
    """Return the verdict, and the figures of each group that is wrong."""
    if not check.is_cost_finite:
        return ["WRONG: the cost's value is no finite number, though z is finite"]
    unclear = ", ".join(group.name for group in check.unclear)
    note = f"; {unclear}: unclear, as the cost does not depend on them, or not smoothly" if unclear else ""
    if check.unclear and not check.wrong:
        return [
            f"UNCLEAR: the cost does not depend on {unclear}, or not smoothly: whether that is right cannot be told"
        ]
    if not check.wrong:
        return ["ok: the gradient is the derivative of the cost"]
    key = "cost" if check.is_costs_fault else "activation"
    reason = "is wrong" if key == "cost" else "is right, but not those before"
    lines = [f"  {describe(group)}" for group in check.wrong]
    return [f"WRONG: the derivative of the {key}, as the last layer's gradient {reason}{note}", *lines]
