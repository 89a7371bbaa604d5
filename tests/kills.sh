#!/usr/bin/env bash
# Kills quantizations and trainings (kill -9) at random moments and runs the same command again, until it ends. What
# comes out must be what an uninterrupted run makes, byte for byte, and nothing else may be left behind. The last line
# is a summary.
#
#   tests/kills.sh [KILLS] [SEED]      100 kills, seed 1; half of them in quantize, half in train
#
# Needs a release build (dotnet build -c Release). The moments come from the seed; what a process has done by then does
# not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kills=${1:-100} seed=${2:-1}
built=$PWD/artifacts/bin/Bitis.Cli/release
model=$PWD/tests/Bitis.Tests/Golden/vim-micro.safetensors
[ -f "$built/Bitis.Cli.dll" ] || { echo "$built is missing; build first: dotnet build -c Release" >&2; exit 2; }
RANDOM=$seed
export DOTNET_EnableDiagnostics=0 # its pipes in the folder for temporary files would outlive a kill
work=$(mktemp -d) process=
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
cp -r "$built" "$work/cli" # models name the version that made them; a build meanwhile would make others
cli=$work/cli/Bitis.Cli.dll
trap 'if [ -n "$process" ]; then kill -9 "$process" 2>/dev/null || true; fi; rm -rf "$work"' EXIT

cat >"$work/recipe.json" <<'JSON'
{ "config": { "family": "vim", "imageSize": 8, "patchSize": 4, "stride": 4, "width": 8, "innerWidth": 16, "depth": 1,
    "stateSize": 4, "deltaRank": 1, "classes": 8 }, "epochs": 40, "batchSize": 8, "augmentation": { "cropPadding": 1 } }
JSON
# 32 images of 8×8 pixels: what takes time in this training is the writing.
{ printf '\0\0\10\3\0\0\0\40\0\0\0\10\0\0\0\10'; head -c 2048 "$model"; } >"$work/train-images-idx3-ubyte"
{ printf '\0\0\10\1\0\0\0\40'; for i in {0..31}; do printf "\\$((i % 8))"; done; } >"$work/train-labels-idx1-ubyte"

fail() {
    echo "FAILED (seed $seed, $killed kills): $1" >&2
    exit 1
}

quantize() { # the folder
    exec dotnet "$cli" quantize "$model" --calibration builtin/train --images 8 --method ptq4vm+ --bits w4a4 \
        --steps 40 --threads 2 -o "$1/out.bitis"
}

train() { # the folder
    local start=(--recipe "$work/recipe.json") images=$work/train-images-idx3-ubyte
    if [ -e "$1/run/last.checkpoint.safetensors" ]; then start=(--resume); fi
    exec dotnet "$cli" train "${start[@]}" --data "$images" --validation "$images" --threads 2 -o "$1/run"
}

# Runs a command to its end; the time it took in milliseconds.
measure() { # command, folder
    local began
    began=$(date +%s%3N)
    ("$1" "$2") >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "an uninterrupted $1 ended with an error"; }
    echo $(($(date +%s%3N) - began))
}

# Everything but times: the models as they are, the log without its last two columns.
digest() { # folder
    (
        cd "$1"
        find . -name '*.bitis' -o -name 'best.safetensors' -o -name 'final.safetensors' | sort | xargs sha256sum
        if [ -f run/log.csv ]; then cut -d, -f1-7 run/log.csv; fi
    )
}

compare() { # command, folder, folder of the uninterrupted run
    diff <(digest "$3") <(digest "$2") >&2 || fail "$1 made something else (>) than without kills (<)"
    [ "$(cd "$2" && find . | sort)" = "$(cd "$3" && find . | sort)" ] ||
        fail "$1 left behind: $(cd "$2" && find . | sort | xargs)"
    [ -z "$(ls -A "$TMPDIR")" ] || fail "$1 left behind temporary files: $(ls -A "$TMPDIR")"
}

torture() { # command, how many kills
    local whole=$work/$1-whole folder=$work/$1 killed_here=0 complete=0 temporary=0 begun=0 span pause status began
    mkdir -p "$whole"
    span=$(measure "$1" "$whole")
    while [ "$killed_here" -lt "$2" ] || [ -d "$folder" ]; do
        mkdir -p "$folder"
        began=$(date +%s%3N)
        ("$1" "$folder") >"$work/log" 2>&1 &
        process=$!
        if [ "$killed_here" -lt "$2" ]; then
            pause=$(((RANDOM * 32768 + RANDOM) % span))
            sleep "$(printf '%d.%03d' $((pause / 1000)) $((pause % 1000)))"
            kill -9 "$process" 2>/dev/null || true
        fi
        status=0
        wait "$process" 2>/dev/null || status=$?
        process=
        case $status in
            137)
                killed_here=$((killed_here + 1)) killed=$((killed + 1))
                [ -z "$(find "$folder" -name '.bitis-*')" ] || temporary=$((temporary + 1))
                [ -z "$(find "$folder" -name '*.safetensors' -not -name '.*')" ] || begun=$((begun + 1))
                ;;
            0)
                span=$((($(date +%s%3N) - began + span) / 2)) # as long as a run takes now
                compare "$1" "$folder" "$whole"
                rm -r "$folder"
                complete=$((complete + 1))
                ;;
            *)
                cat "$work/log" >&2
                fail "$1 ended with code $status after a kill"
                ;;
        esac
    done
    echo "$1: $killed_here kills, of which $begun left work to go on with and $temporary a temporary file;" \
        "$complete runs to the end, each as without kills"
}

killed=0
torture quantize $((kills / 2))
torture train $((kills - kills / 2))
echo "$killed kills, all resumed, all results byte-identical, nothing left behind"
