"""The picture of a race: which line is whose, how long, and with which end; the same bytes each time."""

import dataclasses
import itertools
import math

import pytest
from matplotlib.collections import PathCollection
from raced import BOX, drawn, raced_to_the_end, told

from npdigits.base import canvas
from npdigits.base.errors import RunDirError
from npdigits.race.lengths import lengths_of
from npdigits.race.picture import LINE, LOOKS, NAMED, THIN, draw, draw_told, picture, place_lines


def raced(n=16, arms=("",), folder=None):
    def figure(values):
        return math.nan if float(values["a"]) > 0.9 else float(values["b"])

    race = raced_to_the_end(told(BOX, drawn(BOX, n), figure, arms=arms))
    return dataclasses.replace(race, folder=folder) if folder else race


def shown(race):
    with canvas.defaults():
        figure = picture(race)
    figure.canvas.draw()
    return figure


def test_a_line_is_as_long_as_the_epochs_of_all_its_seeds():
    race = raced()
    (axes,) = shown(race).axes
    lengths = lengths_of(race, "")
    bars = {}
    for bar in axes.patches:
        place = round(bar.get_y() + bar.get_height() / 2, 6)
        bars[place] = max(bars.get(place, 0), bar.get_x() + bar.get_width())
    assert [bars[place] for place in sorted(bars)] == [sum(one.epochs) for one in lengths]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [f"{' '.join(one.overrides)}  {one.setting}" for one in lengths]
    assert len(axes.patches) == sum(len(one.epochs) for one in lengths)  # a piece a seed


def test_the_best_stands_at_the_head_and_each_end_has_its_mark():
    race = raced(32)
    lengths = lengths_of(race, "")
    assert [one.end for one in lengths[:2]] == ["confirmed"] * 2
    ends = {one.end for one in lengths}
    assert ends == {"confirmed", "in", "dropped", "lost"}
    assert lengths[-1].end == "lost" and lengths[-1].epochs == (2,) and "diverged" in lengths[-1].why
    rungs = [one.rung for one in lengths if one.rung is not None]
    assert rungs == sorted(rungs, reverse=True)
    (axes,) = shown(race).axes
    marks = [found for found in axes.collections if isinstance(found, PathCollection)]
    drawn_marks = sum(len(found.get_offsets()) for found in marks)
    assert drawn_marks == len(lengths)
    assert len({mark for _, mark in LOOKS.values()}) == len(LOOKS)  # told apart without colours


def test_of_many_settings_those_that_were_dropped_early_are_thin_and_without_names():
    lengths = lengths_of(raced(NAMED + 28), "")
    lines = place_lines(lengths)
    assert all(line.named == (line.thick == LINE) for line in lines)
    assert {line.named for line in lines if line.length.rung == 1} == {False}
    assert all(line.named for line in lines[:10]) and lines[-1].thick == THIN
    edges = [(line.at - line.thick / 2, line.at + line.thick / 2) for line in lines]
    assert all(below >= above - 1e-9 for (_, above), (below, _) in itertools.pairwise(edges))


def test_a_picture_of_ten_thousand_settings_is_no_higher_than_can_be_drawn():
    lengths = lengths_of(raced(), "")
    lines = place_lines([dataclasses.replace(lengths[-1], rung=1)] * 10_000)
    assert lines[-1].at < 31 and not any(line.named for line in lines)


def test_each_arm_has_its_own_lines_over_the_same_epochs():
    race = raced(arms=("dropout", "$l2$"))
    first, second = shown(race).axes
    assert [axes.get_title(loc="left") for axes in (first, second)] == ["dropout", r"\$l2\$"]
    assert first.get_xlim() == second.get_xlim()
    assert len(first.get_yticks()) == len(second.get_yticks()) == 16


@pytest.mark.parametrize("form", canvas.FORMS)
def test_the_same_race_gives_the_same_bytes(tmp_path, form):
    race = raced(8, folder=tmp_path)
    draw_told(race, form)
    first = (tmp_path / f"race.{form}").read_bytes()
    draw_told(raced(8, folder=tmp_path), form)
    assert first == (tmp_path / f"race.{form}").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [f"race.{form}"]


def test_a_race_that_has_not_begun_has_a_picture_and_a_folder_that_is_none_is_refused(tmp_path):
    race = dataclasses.replace(told(BOX, drawn(BOX, 8), lambda values: 0.5), folder=tmp_path)
    race.ledger.runs.clear()
    draw_told(race)
    assert (tmp_path / "race.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(RunDirError, match="not the folder of a race"):
        draw(tmp_path)
    with pytest.raises(RunDirError, match="cannot be written"):
        draw_told(dataclasses.replace(race, folder=tmp_path / "gone"))
