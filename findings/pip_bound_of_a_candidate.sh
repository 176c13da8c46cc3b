#!/usr/bin/env bash
# pip 23.2.1 and 26.3: a cap that names a release candidate gives everybody release candidates, or not, as it is spelled.
#
# What one would guess of two caps that allow the same versions: hydra-core<=1.4.0rc3 and hydra-core<1.4.0rc4 choose the
# same one, and for who did not ask for pre-releases (--pre) that is the last final release, 1.3.8.
# Seen: with <=1.4.0rc3 either pip installs 1.4.0rc3 for everybody; with <1.4.0rc4 pip 23.2.1 installs 1.3.8, and pip
# 26.3 the candidate. Only a cap that names no candidate (<1.5) gives 1.3.8 with both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The two versions to choose from, whatever has been published since.
for version in 1.3.8 1.4.0rc3; do
    python3 -m pip download --quiet --no-deps --dest "$folder/index" "hydra-core==$version"
done
failed=0
for pip in 23.2.1 26.3; do
    python3 -m venv "$folder/$pip"
    "$folder/$pip/bin/python" -m pip install --quiet "pip==$pip"
    expect() { # requirement, version
        "$folder/$pip/bin/python" -m pip install --quiet --no-deps --no-index --find-links "$folder/index" \
            --target "$folder/$pip/$1" "$1"
        seen=$(basename "$folder/$pip/$1"/hydra_core-*.dist-info .dist-info)
        echo "pip $pip: '$1' -> $seen"
        [ "$seen" = "hydra_core-$2" ] || { echo "  no longer: it was $2"; failed=1; }
    }
    expect 'hydra-core>=1.3.8,<=1.4.0rc3' 1.4.0rc3
    [ $pip = 23.2.1 ] && below=1.3.8 || below=1.4.0rc3
    expect 'hydra-core>=1.3.8,<1.4.0rc4' $below
    expect 'hydra-core>=1.3.8,<1.5' 1.3.8
done
exit $failed
