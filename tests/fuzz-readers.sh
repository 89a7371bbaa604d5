#!/usr/bin/env bash
# Coverage-guided fuzzing of the readers with SharpFuzz and AFL++ (apt-get install afl++).
#   tests/fuzz-readers.sh [MINUTES] [TARGET...]
# MINUTES are for each target (15 by default): checkpoint, pickle, index, model, image, source. Inputs that end in
# anything but a result or a BitisException, take more than 10 seconds, or more than 1 GiB of memory are kept in
# artifacts/fuzz/findings/TARGET/default/crashes and hangs. To run one again:
#   dotnet artifacts/fuzz/plain/Bitis.Fuzz.Readers.dll TARGET FILE
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-15}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(checkpoint pickle index image source model)
work=$PWD/artifacts/fuzz
mkdir -p "$work/findings"
plain=$work/plain
instrumented=$work/instrumented
rm -rf "$plain" "$instrumented"
dotnet build tests/Bitis.Fuzz.Readers -c Release -o "$plain"
cp -r "$plain" "$instrumented"
[ -x "$work/tools/sharpfuzz" ] || dotnet tool install SharpFuzz.CommandLine --version 2.3.0 --tool-path "$work/tools"
DOTNET_ROLL_FORWARD=Major "$work/tools/sharpfuzz" "$instrumented/Bitis.dll" \
    Bitis.Checkpoints Bitis.Data Bitis.Models Bitis.Quantization
DOTNET_ROLL_FORWARD=Major "$work/tools/sharpfuzz" "$instrumented/Bitis.Imaging.dll" Bitis.Imaging
dotnet "$plain/Bitis.Fuzz.Readers.dll" seeds tests/Bitis.Tests/Golden "$work/seeds"
export AFL_SKIP_BIN_CHECK=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
export AFL_FORKSRV_INIT_TMOUT=60000
export DOTNET_GCHeapHardLimit=0x40000000 DOTNET_TieredPGO=0
failures=0
for target in "${targets[@]}"; do
    in=$work/seeds/$target
    [ -d "$work/findings/$target" ] && in=- # goes on where it stopped
    afl-fuzz -i "$in" -o "$work/findings/$target" -t 10000 -m none -V $((minutes * 60)) \
        dotnet "$instrumented/Bitis.Fuzz.Readers.dll" "$target" > "$work/$target.log" 2>&1 ||
        { tail -20 "$work/$target.log"; exit 1; }
    stats=$work/findings/$target/default/fuzzer_stats
    figures='^(execs_done|corpus_count|edges_found|saved_crashes|saved_hangs)'
    echo "$target: $(grep -E "$figures" "$stats" | tr -s ' \n' ' ')"
    grep -qE '^saved_(crashes|hangs) +: [1-9]' "$stats" && failures=1
done
exit $failures
