"""What a sweep's values are: the decimals that were typed, counted before they are made."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from npdigits.base.errors import ConfigError
from npdigits.config import grammar


def listed(value):
    return [value for _, value in grammar.values(grammar.parser().parse_override(f"key={value}"))]


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("range(4)", [0, 1, 2, 3]),
        ("range(10,0,-3)", [10, 7, 4, 1]),
        ("sort(range(10,0,-3))", [1, 4, 7, 10]),
        ("sort(range(1,11,3),reverse=true)", [10, 7, 4, 1]),
        ("sort(range(0,10,4),reverse=true)", [8, 4, 0]),
        ("range(0.1,0.4,0.1)", [0.1, 0.2, 0.3]),
        ("range(0,0.3,0.1)", [0.0, 0.1, 0.2]),
        ("range(1,0.5,-0.1)", [1.0, 0.9, 0.8, 0.7, 0.6]),
        ("range(1e-3,5e-3,1e-3)", [0.001, 0.002, 0.003, 0.004]),
        ("range(1E2,3e2,.5e2)", [100.0, 150.0, 200.0, 250.0]),
        ("range(-0.2,0.3,0.1)", [-0.2, -0.1, 0.0, 0.1, 0.2]),
        ("range(start=1,stop=7,step=3)", [1, 4]),
        ("int(range(3.0))", [0, 1, 2]),
        ("float(range(3))", [0.0, 1.0, 2.0]),
        ("1,range(5,8),20", [1, 5, 6, 7, 20]),
        ("choice(range(2),7)", [0, 1, 7]),
        ("tag(fine,range(2))", [0, 1]),
        ("sort(3,1,2)", [1, 2, 3]),
        ("[300,100],[],20", [[300, 100], [], 20]),
    ],
)
def test_a_range_gives_what_was_typed(value, meant):
    got = listed(value)
    assert got == meant
    assert [type(one) for one in got] == [type(one) for one in meant]


def test_shuffled_values_are_the_same_in_another_order():
    assert sorted(listed("shuffle(range(50))")) == list(range(50)) != listed("shuffle(range(50))")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("range(a)", "allowed is range(stop), range(start,stop) or range(start,stop,step) of numbers"),
        ("range(true)", "allowed is range(stop)"),
        ("range('3')", "allowed is range(stop)"),
        ("range(inf)", "allowed is range(stop)"),
        ("range(0,nan)", "allowed is range(stop)"),
        ("range(0,1,0)", "a step of 0 leads nowhere"),
        ("range(1,2,3,4)", "allowed is range(stop)"),
        ("sort(range(a))", "allowed is range(stop)"),
        ("sort(a,1)", "allowed is sort(a,b,…)"),
        ("range(1000000000)", "1,000,000,000 values: allowed are at most 100,000"),
        ("range(0,1,1e-9)", "1,000,000,000 values: allowed are at most 100,000"),
        ("range(0,1e308,1e-308)", "endlessly many values: allowed are at most 100,000"),
        ("shuffle([1,2])", "the order of runs, not of a value"),
        ("foo(3)", "there is no foo(…)"),
    ],
)
def test_what_cannot_be_listed_is_refused_at_once_in_our_words(value, why):
    begun = time.perf_counter()
    with pytest.raises(Exception) as caught:
        listed(value)
    assert why in grammar.reason(caught.value)
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize("value", ["range(10,0)", "interval(0,1)", ",".join(["range(60000)"] * 2)])
def test_no_values_or_too_many_of_several_ranges(value):
    with pytest.raises(
        ConfigError, match=r": (nothing fits|allowed in a sweep are|120,000 values: allowed are at most)"
    ):
        listed(value)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text("ab_ 019.-:/\\=,'\"[]{}()$~ äé#", max_size=8),
)


@given(st.one_of(scalars, st.lists(scalars, max_size=3)))
@example(["\\"])
@example(["a\\", 1])
def test_a_value_is_written_so_that_it_reads_as_itself(value):
    text = grammar.to_text(value)
    read = grammar.parser().parse_override(f"key={text}")
    assert not read.is_sweep_override()
    assert read.value() == value and type(read.value()) is type(value)


@pytest.mark.parametrize("text", ["folds/${seed}", "a b", "C:\\digits", "runs/2026-11-28", "${oc.env:HOME}/x"])
def test_text_that_stands_for_itself_is_not_escaped(text):
    assert grammar.to_text(text) == text
