"""summary.json: what is written reads back, in one order of keys, and nothing else is taken for it."""

import json

import pytest

from npdigits.base.errors import RunDirError
from npdigits.config.numerics import NUMERICS
from npdigits.runs.metrics import SCORES
from npdigits.runs.summary import Status, Summary, read_summary, read_summary_if_there

FINISHED = {
    **{"status": "finished", "identity": "a1", "data": "mnist", "data_sha256": "b2"},
    **{"data_sizes": {"train": 3, "val": 0, "test": 1}, "image_shape": [28, 28], "parameters": 7, "epochs_run": 2},
    **{"seconds": 1.5, "seconds_shared": True, "bits_may_differ": True, "stopped_by": "epochs", "best_epoch": 2},
    **dict(zip(SCORES, (0.25, 0.5, None, None, 0.75, 1.0), strict=True)),
    **{"readout": {"digits": 1}, "at_chance": False, "never_read": [], "sizes": {}},
}
LINES = {
    "diverged": ({"diverged_in_epoch": 4}, "the cost stopped being finite in epoch 4"),
    "running": ({"epochs_run": 4}, "at work, or its process was killed; 4 epochs so far"),
    "interrupted": ({"epochs_run": 4}, "after epoch 4; the same command goes on"),
    "failed": ({"reason": "OSError: full"}, "OSError: full"),
    "finished": ({}, ""),
}


def test_what_is_written_reads_back_key_by_key_in_the_same_order():
    summary = Summary.parse(FINISHED)
    assert list(summary.as_dict().items()) == list(FINISHED.items())
    assert json.loads(summary.json()) == FINISHED and Summary.parse(json.loads(summary.json())) == summary
    assert list(Summary(Status.RUNNING, seconds=0.0, epochs_run=0).as_dict()) == ["status", "epochs_run", "seconds"]


def test_the_size_of_the_images_is_read_from_one_place():
    assert Summary.parse(FINISHED).height_and_width == (28, 28)
    with pytest.raises(ValueError, match="has no image_shape"):
        _ = Summary(Status.RUNNING).height_and_width


def test_what_a_later_version_adds_is_kept():
    assert Summary.parse(FINISHED | {"colour": "red"}).as_dict() == FINISHED | {"colour": "red"}


def test_a_figure_that_is_not_finite_is_null():
    written = Summary(Status.FINISHED, best_epoch=1, train_cost=float("inf"), test_cost=float("nan")).json()
    assert json.loads(written)["train_cost"] is json.loads(written)["test_cost"] is None


@pytest.mark.parametrize("status", LINES)
def test_why_a_run_has_not_finished(status):
    more, line = LINES[status]
    assert Summary.parse({"status": status, **more}).explanation() == line


WRONG = {"status": "splendid", "seconds": "1", "epochs_run": 1.5, "never_read": "1", "at_chance": 1, "data": ["mnist"]}


@pytest.mark.parametrize("name", [*WRONG, "held", "left", "list"])
def test_what_no_run_writes_is_refused_with_key_and_value(tmp_path, name):
    if name in WRONG:
        content, said = {**FINISHED, name: WRONG[name]}, f"{name}={WRONG[name]!r}"
    elif name in ("held", "left"):  # which a sweep says of its runs, and no run of itself
        content, said = {**FINISHED, "status": name}, f"status='{name}'"
    else:
        content, said = [FINISHED], "not a table of"
    (tmp_path / "summary.json").write_text(json.dumps(content))
    with pytest.raises(RunDirError) as refused:
        read_summary(tmp_path)
    assert str(refused.value).startswith(f"{tmp_path}/summary.json: damaged: {said}")
    assert read_summary_if_there(tmp_path) is None


@pytest.mark.parametrize(("content", "name"), [({}, "identity"), ({"identity": "a1"}, "status")])
def test_a_status_that_is_missing_is_missed_by_name(tmp_path, content, name):
    (tmp_path / "summary.json").write_text(json.dumps(content))
    with pytest.raises(RunDirError, match=rf"^{tmp_path}: damaged: summary.json has no {name}$"):
        read_summary(tmp_path)


def test_the_statuses_that_are_ends():
    ends = [Status.FINISHED, Status.DIVERGED]
    assert [status for status in Status if status.ended] == ends
    assert [status for status in Status if status.as_far_as_asked] == [*ends, Status.PAUSED]


def test_of_a_run_that_other_code_began_it_is_said_which_goes_on():
    cut_off = Summary(Status.INTERRUPTED, identity="0" * 64, epochs_run=4)
    assert cut_off.explanation(NUMERICS) == cut_off.explanation(f"{NUMERICS}+3fa2c1d8") == cut_off.explanation()
    assert cut_off.explanation(5) == "after epoch 4; commit d0bc446 of npdigits goes on with it"
    assert cut_off.explanation(1) == "after epoch 4; the version of npdigits that began it goes on"
