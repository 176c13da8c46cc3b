"""``scipy.ndimage``, imported when one of its functions is first used: that takes as long as reading 500 pictures.

A process that reads none, or none but squares in MNIST's form, does without. Use it as that: ``ndimage.label(mask)``.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    """Return a function of ``scipy.ndimage``, and keep it here."""
    from scipy import ndimage

    found = globals()[name] = getattr(ndimage, name)
    return found
