"""What a file or folder is, by its content and never by its name; what is known and not read says what to do."""

import bz2
import gzip
import lzma
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from made import idx_bytes

from npdigits.base.errors import DataError
from npdigits.forms.recognize import part_of, recognize

PIXELS = ",".join(f"pixel{i}" for i in range(784))
KAGGLE = f"label,{PIXELS}\n" + "7," + ",".join(["0"] * 784) + "\n"
TEXTS = {
    "table": [
        KAGGLE,
        KAGGLE.replace(",", "\t"),
        "5,0,0,17,255\n",
        "0.0 0.5 1 3\n1 2 3 4\n",
        '"0","1","2","label"\n"1","2","3","7"\n',
        "0,5;0,25;1,0;3\n1;1;1;2\n",
        "﻿label,a,b,c\n1,2,3,4\n",
    ],
    "arff": ["% of OpenML\n\n@RELATION mnist_784\n@ATTRIBUTE pixel1 real\n"],
    "svmlight": ["5  153:3 154:18 155:18\n0  2:0.5\n", "-1 1:0.5 2:1e-3 # a comment\n1 1:1\n"],
}
CASES = [(form, text) for form, texts in TEXTS.items() for text in texts]
BYTES = {
    "npy": b"\x93NUMPY\x01\x00" + b"\0" * 100,
    "parquet": b"PAR1" + b"\0" * 100,
    "hdf5": b"\x89HDF\r\n\x1a\n" + b"\0" * 100,
    "mat": b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + b"\0" * 100,
    "idx": idx_bytes(np.zeros((2, 3, 3), np.uint8)),
}


@pytest.mark.parametrize(("form", "text"), CASES, ids=range(len(CASES)))
@pytest.mark.parametrize("name", ["digits.csv", "digits", "digits.png"])
def test_a_text_is_recognized_under_any_name_packed_or_not(tmp_path, form, text, name):
    for pack in (lambda raw: raw, gzip.compress, lzma.compress, bz2.compress):
        (tmp_path / name).write_bytes(pack(text.encode()))
        assert recognize(tmp_path / name).form == form


@pytest.mark.parametrize("form", BYTES)
def test_bytes_are_recognized_by_how_they_begin(tmp_path, form):
    (tmp_path / "digits.txt").write_bytes(BYTES[form])
    assert recognize(tmp_path / "digits.txt").form == form
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "digits.txt").write_bytes(BYTES[form])
    (tmp_path / "folder" / "README.md").write_text("Digits of a class, as they were collected.\n")
    found = recognize(tmp_path / "folder")
    assert (found.form, [file.name for file in found.files]) == (form, ["digits.txt"])


def test_a_zip_archive_is_what_is_in_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "digits", "w") as archive:
        archive.writestr("train.csv", KAGGLE)
        archive.writestr("__MACOSX/._train.csv", b"\0\5\6\7")
    assert recognize(tmp_path / "digits").form == "table"
    np.savez_compressed(tmp_path / "arrays.npz", X=np.zeros((2, 4)), y=np.arange(2))
    assert recognize(tmp_path / "arrays.npz").form == "npz"


REFUSED = {
    "a pickle": (b"\x80\x04\x95", "numpy.savez"),
    "an empty file": (b"", "empty"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "a folder of pictures for each class"),
    "a PDF": (b"%PDF-1.7\n", "pictures one by one"),
    "prose": (
        b"Digits, of a class, as they were, collected in, the autumn\nof 2025, by hand.\n",
        "no table of numbers",
    ),
    "junk": (bytes(range(1, 32)) + b"\0" * 40, "no form that is known"),
    "a torn gzip": (gzip.compress(KAGGLE.encode())[:12], "damaged"),
    "a torn zip": (b"PK\x03\x04" + b"\0" * 30, "damaged"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_set_of_digits_is_refused_in_a_line(tmp_path, what):
    content, said = REFUSED[what]
    (tmp_path / "digits").write_bytes(content)
    with pytest.raises(DataError) as refused:
        recognize(tmp_path / "digits")
    line = str(refused.value)
    assert line.startswith(f"{tmp_path / 'digits'}: ") and said in line and "\n" not in line


def test_an_archive_of_pictures_and_a_workbook_say_what_to_do(tmp_path):
    for member, said in (("3/a.png", "unpack it"), ("xl/workbook.xml", "save it as CSV")):
        with zipfile.ZipFile(tmp_path / "digits.zip", "w") as archive:
            archive.writestr(member, b"\x89PNG")
        with pytest.raises(DataError, match=said):
            recognize(tmp_path / "digits.zip")


def test_a_folder_of_several_forms_or_of_none_says_so(tmp_path):
    with pytest.raises(DataError, match="an empty folder"):
        recognize(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing here\n")
    with pytest.raises(DataError, match="no table of numbers"):
        recognize(tmp_path)
    (tmp_path / "train.csv").write_text(KAGGLE)
    assert recognize(tmp_path).form == "table"
    (tmp_path / "train.parquet").write_bytes(BYTES["parquet"])
    with pytest.raises(DataError, match=r"several forms: parquet \(train.parquet\), table \(train.csv\): name one"):
        recognize(tmp_path)


def test_a_folder_that_leads_to_itself_ends(tmp_path):
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "a.png").write_bytes(b"\x89PNG")
    (tmp_path / "3" / "again").symlink_to(tmp_path)
    found = recognize(tmp_path)
    assert found.form == "folder" and len(found.files) == 1


def test_an_address_is_no_file_of_this_machine(tmp_path):
    for place in (Path("https://example.org/a.csv"), tmp_path / "https:/example.org/a.csv"):
        with pytest.raises(
            DataError, match=r"^https://example.org/a.csv: an address: allowed are files of this machine"
        ):
            recognize(place)


def test_what_is_missing_or_no_file_is_said(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        recognize(tmp_path / "none.csv")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="not a file"):
        recognize(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("mnist_train.csv", "train"),
        ("train-00000-of-00002", "train"),
        ("t10k-images", "test"),
        ("Testing", "test"),
        ("x_val", "val"),
        ("contest", None),
        ("strain", None),
        ("train_test", None),
    ],
)
def test_a_name_says_which_part_a_file_is(name, part):
    assert part_of(name) == part
