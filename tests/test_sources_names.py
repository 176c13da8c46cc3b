"""Settings that stand in the names of runs."""

import time

import pytest

from npdigits.sources.names import settings_from_names


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("lr=0.1,seed=3", {"lr": 0.1, "seed": 3}),
        ("lr-0.1_seed-3", {"lr": 0.1, "seed": 3}),
        ("lr_0.1_seed_3", {"lr": 0.1, "seed": 3}),
        ("lr=1e-3_batch_size=64_seed=3", {"lr": 0.001, "batch_size": 64, "seed": 3}),
        ("lr-1e-3_batch_size-64_seed3", {"lr": 0.001, "batch_size": 64, "seed": 3}),
        ("lr=0.1/seed=3", {"lr": 0.1, "seed": 3}),
        ("2026-11-29_10-00-00_lr=0.1", {"lr": 0.1}),
        (
            "+model.layers=[300,100],opt=sgd_momentum,lr=-1",
            {"model.layers": "[300,100]", "opt": "sgd_momentum", "lr": -1},
        ),
        ("model=resnet-50 lr=0.1", {"model": "resnet-50", "lr": 0.1}),
        ("opt-adam_amsgrad-true_lr-0.1", {"opt": "adam", "amsgrad": True, "lr": 0.1}),
        ("run-3", {}),
        ("version_3", {}),
        ("run-3_lr-0.1", {"lr": 0.1}),
        ("Nov29_02-05-42_host", {}),
        ("my-model", {}),
        ("1700000000", {}),
        ("", {}),
        ("=", {}),
        ("seed=", {"seed": ""}),
    ],
)
def test_name_is_read(name, settings):
    assert settings_from_names([name]) == [settings]


def test_word_before_the_first_key_is_no_part_of_it():
    assert settings_from_names(["sgd_lr-0.1_seed-1", "sgd_lr-0.1_seed-2", "adam_lr-0.1_seed-1"]) == [
        {"lr": 0.1, "seed": 1, "name": "sgd"},
        {"lr": 0.1, "seed": 2, "name": "sgd"},
        {"lr": 0.1, "seed": 1, "name": "adam"},
    ]


def test_key_of_two_words_stays_whole_where_all_names_have_it():
    assert settings_from_names(["batch_size-64_seed-1", "batch_size-32_seed-1"]) == [
        {"batch_size": 64, "seed": 1},
        {"batch_size": 32, "seed": 1},
    ]


def test_label_of_each_run_alone_is_no_setting():
    assert settings_from_names(["run3_lr=0.1", "run4_lr=0.1"]) == [{"lr": 0.1}, {"lr": 0.1}]


def test_long_names_take_no_time():
    start = time.perf_counter()
    settings_from_names(["a-" * 500, "a_" * 500, "a=" * 500, "_" * 1000, "-" * 5000, "lr=" + "," * 1000])
    assert time.perf_counter() - start < 1
