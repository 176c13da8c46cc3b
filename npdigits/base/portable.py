"""``portable=true``: arithmetic that every x86-64 processor since AVX2 does alike, to the last bit.

NumPy and OpenBLAS take the widest instructions that a processor has, and wider ones leave other bits. What they may
take they read from environment variables, once, as they are loaded. So a program that is to train portably starts
itself again with these (``enter``); in a process that is not ours, one error says what to set (``require``).

What comes of it is checked: NumPy only warns of names that it does not know, and 2.0 to 2.3 have other names than 2.4.
Sources: NumPy's "CPU build options", OpenBLAS's README (``OPENBLAS_CORETYPE``).
"""

import contextlib
import functools
import os
import platform
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from npdigits.base.errors import ConfigError

CORETYPE, DISABLED, ENABLED = "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES"
KERNEL = "Haswell"
# What NumPy may use besides what it always uses: the names of 2.4 and later, those of 2.0 to 2.3.
LEVEL = ("X86_V3", "SSSE3", "SSE41", "POPCNT", "SSE42", "AVX", "F16C", "FMA3", "AVX2")
# What the wheels are built to use always.
BELOW = ("X86_V2", "SSE", "SSE2", "SSE3")
# Either of them is all of the level.
WHOLE_LEVEL = ("X86_V3", "AVX2")
# Tells a program that it was started again: once is enough. It is an option of Python's, in ``sys._xoptions``, as
# what Python executes first (sitecustomize) may empty the environment, and as no other program inherits an option.
MARKER = "npdigits_started_again"

_is_program = _is_second = False


def begin(arguments: Sequence[str]) -> None:
    """Note that this process is a program of ours; start it again at once where ``portable=true`` was typed.

    Nothing is refused here: that is done when the configuration is composed.

    Args:
        arguments: as typed.
    """
    global _is_program, _is_second
    _is_program, _is_second = True, MARKER in sys._xoptions
    typed = [one.lstrip("+").lower() for one in arguments if one.lstrip("+").startswith("portable=")]
    if typed[-1:] == ["portable=true"] and not {"-h", "--help", "--version"} & set(arguments):
        with contextlib.suppress(ConfigError):
            enter()


def enter() -> None:
    """Return where this process computes portably; else start the program again so that it does.

    Raises:
        ConfigError: it cannot, or must be told so before Python starts.
    """
    if not (deviation := find_deviation()):
        return
    wanted = settings()
    if _is_second:
        raise ConfigError(f"portable=true: {deviation}, though the program was started again with {_typed(wanted)}")
    if not _can_start_again():
        require()
    try:
        again = [sys.executable, "-X", MARKER, *sys.orig_argv[1:]]
        os.execve(sys.executable, again, {**os.environ, **wanted})
    except OSError as error:
        raise ConfigError(f"portable=true: {sys.executable} cannot be started again: {error.strerror}") from error


def require() -> None:
    """Raise a ConfigError unless this process computes portably. It says what to set before Python starts."""
    if why := explain():
        raise ConfigError(f"portable=true: {why}")


def explain() -> str:
    """Return in what this process does not compute portably, and what must be set so that it does; "" where it does."""
    if not (deviation := find_deviation()):
        return ""
    try:
        return f"{deviation}: needed before Python starts is {_typed(settings())}"
    except ConfigError as error:
        return str(error).removeprefix("portable=true: ")


@functools.cache
def find_deviation() -> str:
    """Return in what this process does not compute portably; "" where it does."""
    if why := _find_obstacle():
        return why
    on, _ = _features()
    if more := [name for name in on if name not in (*LEVEL, *BELOW)]:
        return f"NumPy uses {' '.join(more)}"
    if not set(on) & set(WHOLE_LEVEL):
        return "NumPy does not use AVX2"
    kernels = sorted({str(kernel) for _, kernel in _blas()})
    return "" if kernels == [KERNEL] else f"OpenBLAS uses its kernels for {', '.join(kernels)}"


def settings() -> dict[str, str]:
    """Return the environment variables with which Python computes portably, for the NumPy that is installed.

    Raises:
        ConfigError: that is impossible here, or the user has set one of them to something else.
    """
    if why := _find_obstacle():
        raise ConfigError(
            f"portable=true: {why}: allowed is Linux on an x86-64 processor with AVX2, NumPy with OpenBLAS"
        )
    on, off = _features()
    core, enabled = os.environ.get(CORETYPE, ""), os.environ.get(ENABLED, "")
    if core.lower() not in ("", KERNEL.lower()):
        raise ConfigError(f"portable=true: {CORETYPE}={core!r} is set: allowed with it is {KERNEL}, or nothing")
    if enabled:
        raise ConfigError(f"portable=true: {ENABLED}={enabled!r} is set: allowed with it is nothing")
    more = [name for name in (*on, *off) if name not in (*LEVEL, *BELOW)]
    if taken := [name for name in _names(os.environ.get(DISABLED, "")) if name in LEVEL]:
        raise ConfigError(f"portable=true: {DISABLED} has {' '.join(taken)}: allowed with it is what is beyond AVX2")
    return {CORETYPE: KERNEL} | ({DISABLED: " ".join(more)} if more else {})


def _find_obstacle() -> str:
    """Return why no process can compute portably here; "" where one can."""
    if not sys.platform.startswith("linux") or platform.machine() not in ("x86_64", "AMD64"):
        return f"this is {platform.system()} on {platform.machine()}"
    on, off = _features()
    forbidden = set(LEVEL) if os.environ.get(ENABLED) else set(_names(os.environ.get(DISABLED, "")))
    if set(off) & set(LEVEL) - forbidden or not {*on, *off} & set(WHOLE_LEVEL):
        return "this processor, or this NumPy, has no AVX2"
    blas = sorted({str(name) for name, _ in _blas()})
    return "" if blas == ["openblas"] else f"NumPy's BLAS is {', '.join(blas) or 'not known'}"


def _typed(variables: dict[str, str]) -> str:
    """Return environment variables as one types them before a command."""
    return " ".join(f"{name}='{value}'" for name, value in variables.items())


def _names(variable: str) -> list[str]:
    """Return the names in such a variable, which NumPy takes with blanks or commas between them."""
    return re.findall(r"[^\s,]+", variable)


def _features() -> tuple[list[str], list[str]]:
    """Return what NumPy uses of the processor, and what else it could use of another one."""
    import numpy as np

    simd = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return [*simd.get("baseline", []), *simd.get("found", [])], list(simd.get("not found", []))


def _blas() -> list[tuple[str | None, str | None]]:
    """Return name and kernel of NumPy's BLAS; where it cannot be told from others, of all that are loaded."""
    import numpy as np  # noqa: F401 – which loads it
    from threadpoolctl import threadpool_info

    found = [pool for pool in threadpool_info() if pool.get("user_api") == "blas"]
    own = [pool for pool in found if "numpy" in Path(pool.get("filepath") or "").parent.name]
    return [(pool.get("internal_api"), pool.get("architecture")) for pool in own or found]


def _can_start_again() -> bool:
    """Say whether this process is a program of ours in a file, so that its command line says all there is to do.

    A script that Python reads from its standard input is used up, and names "<stdin>" as its file.
    """
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return _is_program and bool(sys.executable) and file is not None and Path(file).is_file()
