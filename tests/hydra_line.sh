#!/usr/bin/env bash
# tests/hydra_line.sh DIR: type what users type, under whichever Hydra is importable.
# DIR then holds what was said and computed. It must be the same under every Hydra that pyproject.toml allows.
set -euo pipefail

mkdir -p "$1"
result=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export NPDIGITS_CACHE="$work/cache" NPDIGITS_DATA="$work/data" PYTHONIOENCODING=utf-8

# Keep what a command says, on both streams, and its exit code.
typed() {
    local name=$1
    shift
    { "$@" 2>&1 && echo "exit code 0" || echo "exit code $?"; } | sed "s#$work#…#g" > "$result/$name.txt"
}

npdigits() {
    local name=$1
    shift
    typed "$name" python -m npdigits.train "$@"
}

mkdir -p own/experiment
cat > own/experiment/mine.yaml << 'EOF'
# @package _global_
# an experiment of one's own
hidden: 3
hydra: {mode: MULTIRUN, sweeper: {params: {lr: "0.01,0.02"}}}
EOF

short=(data=mnist_5k epochs=1 plots=false)
npdigits run "${short[@]}" hidden=4 out=runs/run
npdigits resume resume=runs/run epochs=2
npdigits grid -m "${short[@]}" 'hidden=3,[4,3]' 'seed=range(2)' workers=2 quiet=true out=runs/grid
npdigits experiments -m experiment=published/softmax,published/default "${short[@]}" val_size=500 seed=0 quiet=true \
    workers=0 out=runs/experiments
npdigits experiment experiment=width "${short[@]}" hidden=2,3 seed=0 quiet=true workers=0 out=runs/experiment
npdigits own -cd own experiment=mine "${short[@]}" quiet=true workers=0 out=runs/own
npdigits searchpath 'hydra.searchpath=[own]' experiment=mine "${short[@]}" lr=0.03 quiet=true workers=0 out=runs/path
npdigits cfg hidden=3 --cfg job data=idx data.dir=x
npdigits package --cfg job --resolve -p data
npdigits help --help
COMP_LINE="npdigits data=mn" COMP_POINT=16 npdigits completion -sc query=bash
npdigits install -sc install=fish
typed api python -c "from npdigits.cli import compose; print(compose(['+lr=0.5', 'data=idx', 'data.dir=2026_11_28']))"

# The flags of Hydra are each version's own.
python -m npdigits.train --hydra-help | grep -c "^== Flags ==$" > "$result/hydra-help.txt"

n=0
mistake() {
    n=$((n + 1))
    npdigits "mistake-$n" "$@"
}
mistake hiden=20
mistake hidden=20,30
mistake "lr='0.1"
mistake +foo=1
mistake '~lr'
mistake data=minst
mistake experiment=published/softmaks
mistake 'seed=${sed}'
mistake -m 'seed=range(a)'
mistake -m seed=0,1 hydra/sweeper=basic
mistake hydra/launcher=foo
mistake -m seed=0,1 hydra/launcher=basic
mistake -m seed=0,1 hydra.launcher.adress=x
mistake --config-name=x
mistake --epochs=3
mistake --cfg
mistake -cd nowhere seed=1

find runs \( -name metrics.csv -o -name identity.json -o -name config.yaml \) -exec cp --parents {} "$result" \;
