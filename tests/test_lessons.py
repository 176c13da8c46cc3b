"""The checks of the lessons accept right answers and refuse wrong ones with words that help."""

import operator
import re
import signal
import threading

import numpy as np
import pytest
from answers import RIGHT, WRONG, d_softsign, momentum, relu, softsign, step

from npdigits import compose, lessons, run
from npdigits.base.errors import ConfigError
from npdigits.lessons.lessons import LESSONS
from npdigits.lessons.time_limit import time_limit
from npdigits.pictures.mnist_form import to_mnist_form


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_right_answer_is_accepted(lesson, capsys):
    assert lessons.check(lesson, *RIGHT[lesson]) is None
    assert capsys.readouterr().out == f"Lesson {lesson}: right. {lessons.judge(lesson, *RIGHT[lesson]).line[17:]}\n"
    assert lessons.judge(lesson, *RIGHT[lesson]).passed


@pytest.mark.parametrize(("lesson", "functions", "words"), WRONG)
def test_a_wrong_answer_is_told_what_is_wrong_in_one_line(lesson, functions, words):
    judgement = lessons.judge(lesson, *functions)
    assert not judgement.passed
    assert words in judgement.line and judgement.line.startswith(f"Lesson {lesson}: not yet. ")
    assert "\n" not in judgement.line and len(judgement.line) < 330


def forever(*given):
    rounds = 0
    while True:
        try:
            for _ in range(1000):
                rounds += 1
        except Exception:  # does not take what ends it
            rounds = 0


def never_steps(theta, g, *, lr):
    return forever()


ENDLESS = [
    *((lesson, (forever,)) for lesson in LESSONS if lesson != 7),
    (7, (forever, d_softsign, step)),
    (7, (softsign, forever, step)),
    (7, (softsign, d_softsign, never_steps)),
]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timer")
@pytest.mark.parametrize(("lesson", "functions"), ENDLESS)
def test_a_loop_that_never_ends_is_named_and_leaves_no_timer(lesson, functions, monkeypatch):
    monkeypatch.setattr("npdigits.lessons.answers.SECONDS", 0.05)
    before = signal.getsignal(signal.SIGALRM)
    line = lessons.judge(lesson, *functions).line
    assert re.search(
        r"was still at work in line \d+, \".+\", after 0.05 s: is there a loop that never ends\?$", line
    ), line
    assert signal.getsignal(signal.SIGALRM) is before and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timer")
def test_a_timer_that_is_at_work_is_left_alone_and_another_thread_has_no_limit():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *given: rung.append(given))
    try:
        signal.setitimer(signal.ITIMER_REAL, 60)
        with time_limit(1e-6):
            assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
        assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    said = []
    thread = threading.Thread(target=lambda: said.append(lessons.judge(4, *RIGHT[4]).passed))
    thread.start()
    thread.join()
    assert said == [True] and not rung


def test_where_an_answer_stopped_is_told_by_the_line_of_its_own_file():
    def calls_wrongly(slope, start, lr, steps):
        return step(start, slope(start))

    line = calls_wrongly.__code__.co_firstlineno + 1
    said = lessons.judge(4, calls_wrongly).line
    assert f'stopped in line {line}, "return step(start, slope(start))", with TypeError: step() missing' in said

    def for_ever_deeper(slope, start, lr, steps):
        return for_ever_deeper(slope, start, lr, steps)

    line = for_ever_deeper.__code__.co_firstlineno + 1
    assert f'in line {line}, "return for_ever_deeper(' in lessons.judge(4, for_ever_deeper).line
    assert "stopped with TypeError" in lessons.judge(1, operator.itemgetter(0)).line, "compiled: there is no line"


STRANGE = [
    *(
        "text",
        b"bytes",
        True,
        7,
        10**400,
        2j,
        float("nan"),
        object(),
        {},
        {"a": 1},
        {1, 2},
        print,
        iter([1, 2]),
        range(3),
    ),
    *(
        [],
        (),
        [[1], [1, 2]],
        [None, None],
        ["a", "b"],
        [float("nan"), 1],
        [2j, 1],
        [10**400, 1],
        [[1, 2], [3, 4]],
        (1.5, 2),
    ),
    *([1, [2]], [np.zeros(2), np.zeros(3)], [None] * 4, ["a"] * 4, [object()] * 4, [[], []], [np.zeros((2, 2))] * 4),
    *(
        np.zeros(0),
        np.zeros((3, 3)),
        np.array("a"),
        np.array([None, 1]),
        np.array(["a", "b"]),
        np.float64("inf"),
        np.ma.masked,
    ),
]


def returns(value):
    return lambda *given: value


def steps_to(value):
    return lambda theta, g, *, lr: value


@pytest.mark.parametrize("lesson", LESSONS)
def test_whatever_an_answer_returns_ends_in_a_line(lesson):
    for value in STRANGE:
        answers = [(returns(value),)]
        if lesson == 7:
            answers = [
                (returns(value), d_softsign, step),
                (softsign, returns(value), step),
                (softsign, d_softsign, steps_to(value)),
            ]
        for functions in answers:
            judgement = lessons.judge(lesson, *functions)
            assert not judgement.passed and "\n" not in judgement.line and len(judgement.line) < 330, value


def test_other_right_answers_are_accepted_as_well():
    """What is asked for is behaviour; no form of the answer is."""
    own_form = lessons.judge(8, to_mnist_form)
    assert own_form.passed, own_form.line
    uniform = lessons.judge(3, lambda rng, n_out, n_in: rng.uniform(-1, 1, (n_out, n_in)) * (3 / n_in) ** 0.5)
    assert uniform.passed, uniform.line
    in_lists = lessons.judge(4, lambda slope, start, lr, steps: np.array(RIGHT[4][0](slope, start, lr, steps)))
    assert in_lists.passed, in_lists.line
    corner = lessons.judge(7, relu, lambda z, a: (z > 0) * 1.0, lambda theta, g, *, lr: theta - lr * np.sign(g))
    assert corner.passed, corner.line
    with_state = lessons.judge(7, softsign, d_softsign, momentum)
    assert with_state.passed, with_state.line


def test_an_answer_cannot_change_what_it_is_given():
    given = []

    def spoils(image, weights, bias):
        given.append(image)
        result = (image * weights).sum() + bias
        image[:] = 0
        return result

    assert lessons.judge(1, spoils).passed and not given[0].any()


def test_a_lesson_that_there_is_not_and_another_number_of_functions_are_refused():
    with pytest.raises(ConfigError, match="lesson 9: allowed is a whole number from 1 to 8"):
        lessons.check(9, step)
    with pytest.raises(ConfigError, match="lesson '3'"):
        lessons.check("3", step)
    with pytest.raises(ConfigError, match=r"lesson 7: its answer has 3 function\(s\), not 1"):
        lessons.check(7, softsign)


def test_learning_in_memory_has_the_bits_of_a_run(tmp_path, isolated):
    settings = ["data=mnist_5k", "epochs=1", "val_size=3500", "hidden=3", "threads=1", "plots=false", "quiet=true"]
    summary = run(compose([*settings, "seed=4"]), tmp_path / "run")
    learned = lessons.learn(*settings[1:4], seed=4)
    assert learned.history.val_cost.tolist() == [summary["val_cost"]]
    assert learned.accuracy == summary["val_accuracy"] and learned.stopped_by == "epochs"
    read = f"{learned.accuracy:.1%} of the validation digits are read right"
    assert repr(learned) == f"<Learned: {read}; 1 epochs; ended: epochs>"
    with np.load(tmp_path / "run" / "checkpoints" / "best.npz") as best:
        np.testing.assert_array_equal(best["W1"], learned.weights[0])


def test_a_training_that_runs_away_says_so_and_has_the_epochs_before(capsys):
    learned = lessons.learn("lr=1e30", "optimizer=sgd", "epochs=2", "val_size=3500", "hidden=3", "schedule=constant")
    assert learned.stopped_by == "diverged" and len(learned.history) == 0 and np.isnan(learned.accuracy)
    assert "may be too high" in capsys.readouterr().out


def test_digits_on_paper_are_read_as_pictures_and_their_form_is_found(tmp_path):
    folder = lessons.write_digits(tmp_path / "paper", each=1, seed=2)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    assert names == [f"{digit}/{digit}-0.png" for digit in range(10)]
    again = lessons.write_digits(tmp_path / "again", each=1, seed=2)
    other = lessons.write_digits(tmp_path / "other", each=1, seed=3)
    assert all((folder / name).read_bytes() == (again / name).read_bytes() for name in names)
    assert any((folder / name).read_bytes() != (other / name).read_bytes() for name in names)
