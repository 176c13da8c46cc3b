"""Axes that can be read off: how many figures stand there, that they are in full and differ, and that noise is flat."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from npdigits.base import canvas, ticks

RATIOS = (1.0, 1 + 1e-12, 1.03, 1.2, 1.7, 2.5, 3.3, 6, 20, 90, 400, 1e4, 1e30)
LOWS = (*np.geomspace(0.1, 0.8, 5), 3e-9, 7e7)


def drawn(values, change):
    """Return the axes on which values are drawn, the figures that stand within them, and what stands above."""
    with canvas.defaults():
        _, axes = canvas.titled("title")
        axes.plot(values)
        change(axes)
        low, high = axes.get_ylim()
        labels = [(label.get_position()[1], label.get_text()) for label in axes.yaxis.get_ticklabels()]
        offset = axes.yaxis.get_major_formatter().get_offset()
        return axes, [text for y, text in labels if low <= y <= high], offset


@pytest.mark.parametrize("ratio", RATIOS)
def test_a_logarithmic_axis_has_three_figures_or_more_that_differ(ratio):
    for low in LOWS:
        axes, figures, offset = drawn([low, low * ratio], ticks.logarithmic)
        assert 3 <= len(figures) <= 10, (low, ratio, figures)
        assert len(set(figures)) == len(figures) and all(figures) and offset == ""
        assert all(len(figure) <= 9 for figure in figures), figures
        places = [y for y in axes.yaxis.get_majorticklocs() if axes.get_ylim()[0] <= y <= axes.get_ylim()[1]]
        # What stands there is where it stands, to a tenth of the distance to the next.
        step = min(np.diff(places))
        assert all(abs(float(f) - y) < 0.1 * step + 1e-9 * y for f, y in zip(figures, places, strict=True))
        assert axes.get_yscale() == "log" and axes.get_ylim()[0] < low and axes.get_ylim()[1] > low * ratio


def test_an_axis_from_0_2_to_0_5_has_more_figures_than_matplotlibs():
    with canvas.defaults():
        axes = Figure().add_subplot()
        axes.plot([0.21, 0.49])
        axes.set_yscale("log")
        assert len([y for y in axes.yaxis.get_majorticklocs() if 0.2 <= y <= 0.5]) == 0
    _, figures, _ = drawn([0.2, 0.5], ticks.logarithmic)
    assert figures == ["0.2", "0.3", "0.4", "0.5"]


def test_what_is_not_above_zero_is_left_out_of_a_logarithmic_axis():
    axes, figures, _ = drawn([0.0, 0.2, np.nan, 0.5], ticks.logarithmic)
    assert axes.get_ylim()[0] > 0.15 and len(figures) >= 3


@pytest.mark.parametrize("value", [2.302585, 97.13, 1e-7, -4.0])
def test_noise_is_flat_and_figures_are_in_full(value):
    axes, figures, offset = drawn(value + value * 1e-9 * np.array([0, 1, -1, 0]), ticks.show_no_noise)
    low, high = axes.get_ylim()
    assert high - low == pytest.approx(1e-3 * abs(value), rel=0.01) and low < value < high
    assert "+" not in offset and len(figures) >= 3 and len(set(figures)) == len(figures)


def test_differences_are_flat_beside_what_they_are_of():
    axes, _, _ = drawn([0, 4e-16, -4e-16], lambda axes: ticks.show_no_noise(axes, 2.3))
    assert axes.get_ylim() == pytest.approx((-0.00115, 0.00115), rel=0.01)


def test_what_moves_keeps_its_axis():
    for values in ([0.2, 0.5], [-1, 1], [2.3, 2.31]):
        assert drawn(values, ticks.show_no_noise)[0].get_ylim() == drawn(values, lambda axes: None)[0].get_ylim()


def test_no_plot_has_an_offset_whatever_its_values():
    with canvas.defaults():
        assert not mpl.rcParams["axes.formatter.useoffset"]
    assert "+" not in drawn([2.302585, 2.302586], lambda axes: None)[2]
