#!/usr/bin/env bash
# matplotlib 3.11.2: with MPLBACKEND as Jupyter sets it for its children, "import matplotlib" itself fails where the package
# matplotlib_inline is not installed, as in a program's own environment that is started from a notebook.
#
# What one would guess: the import is fine, as a backend is loaded when pyplot is imported or a figure is shown; who
# draws with FigureCanvasAgg alone never meets it.
# Seen: ValueError at import, each time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check matplotlib==3.11.2

seen=$(MPLBACKEND=module://matplotlib_inline.backend_inline MPLCONFIGDIR="$folder/config" "$folder/venv/bin/python" -c '
for _ in range(2):
    try:
        import matplotlib
        print("imported")
    except Exception as error:
        print(type(error).__name__, "backend" in str(error))
' 2> /dev/null)
echo "$seen"
[ "$seen" = "ValueError True
ValueError True" ] || { echo "no longer what it was"; exit 1; }
