#!/usr/bin/env bash
# hydra-core 1.3.8 (pip's current release): sort(range(…)) in a sweep does not sort the range's values.
#
# What one would guess: sort(range(0,10,3),reverse=true) sweeps over 9, 6, 3, 0, which are the values of
# range(0,10,3) from the largest on; sort(range(10,0,-3)) over 1, 4, 7, 10.
# Seen: 7, 4, 1, -2 and 3, 6, 9, 12. The ends are exchanged and the step turned, and from there it is counted anew: other
# values than the range has, two of them outside of it. Without a word, as each is a valid sweep. 1.4.0rc3 does what was
# guessed. shuffle(range(…)) and sort(1,10,9) are right in both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

values() { # of an override, by the Hydra in this folder
    PYTHONPATH="$1" python3 -c '
import sys
from hydra.core.override_parser.overrides_parser import OverridesParser
print([*OverridesParser.create().parse_override(sys.argv[1]).sweep_iterator()])' "$2"
}

python3 -m pip install --quiet --target "$folder/1.3" hydra-core==1.3.8 omegaconf==2.3.0 antlr4-python3-runtime==4.9.3
python3 -m pip install --quiet --target "$folder/1.4" hydra-core==1.4.0rc3 omegaconf==2.4.1rc1
failed=0
expect() { # version, override, values
    seen=$(values "$folder/$1" "$2")
    echo "hydra-core $1: $2 -> $seen"
    [ "$seen" = "$3" ] || { echo "  no longer: it was $3"; failed=1; }
}
expect 1.3 'seed=sort(range(0,10,3),reverse=true)' '[7, 4, 1, -2]'
expect 1.3 'seed=sort(range(10,0,-3))' '[3, 6, 9, 12]'
expect 1.4 'seed=sort(range(0,10,3),reverse=true)' '[9, 6, 3, 0]'
expect 1.4 'seed=sort(range(10,0,-3))' '[1, 4, 7, 10]'
exit $failed
