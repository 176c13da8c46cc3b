#!/usr/bin/env bash
# hydra-core 1.4.0rc3 (1.3.8 is pip's current release): an experiment's file can no longer ask for its own sweep.
#
# What one would guess: a file of a group that holds hydra.mode=MULTIRUN and hydra.sweeper.params sweeps in 1.4 as it does
# in 1.3, or is warned of for one release before that ends.
# And a sweep over two such files does what each of them asks for: four jobs.
# Seen: experiment=grid runs two jobs in 1.3.8. In 1.4.0rc3 it ends with an error, as hydra.mode may not change while a
# configuration is composed. -m experiment=grid,other runs two jobs in 1.3.8, both with lr=0: what the files ask for is
# left out without a word. 1.4.0rc3 refuses it, as a job's composition may not change hydra.sweeper.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

mkdir -p "$folder/app/conf/experiment"
cd "$folder/app"
cat > app.py <<'PY'
import hydra


@hydra.main(config_path="conf", config_name="config", version_base="1.3")
def main(config):
    print("job", config.lr, flush=True)


main()
PY
printf 'defaults:\n  - optional experiment: null\n  - _self_\nlr: 0\n' > conf/config.yaml
for name in grid other; do
    printf '# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n    params:\n      lr: 1,2\n' > "conf/experiment/$name.yaml"
done

python3 -m pip install --quiet --target "$folder/1.3" hydra-core==1.3.8 omegaconf==2.3.0 antlr4-python3-runtime==4.9.3
python3 -m pip install --quiet --target "$folder/1.4" hydra-core==1.4.0rc3 omegaconf==2.4.1rc1
failed=0
expect() { # version, jobs, arguments
    version=$1 jobs=$2
    shift 2
    PYTHONPATH="$folder/$version" python3 app.py "$@" > said 2>&1 || true
    seen=$(grep -c '^job' said || true)
    echo "hydra-core $version: app.py $* -> $seen jobs"
    [ "$seen" = "$jobs" ] || { echo "  no longer: there were $jobs"; failed=1; }
}
expect 1.3 2 experiment=grid
expect 1.3 2 -m experiment=grid,other
[ "$(grep -c '^job 0' said)" = 2 ] || { echo '  no longer: both had lr=0'; failed=1; }
expect 1.4 0 experiment=grid
grep -m1 -i 'hydra.mode' said
expect 1.4 0 -m experiment=grid,other
grep -m1 -i 'hydra.sweeper' said
exit $failed
