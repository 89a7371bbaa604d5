#!/usr/bin/env bash
# Publishes samples/NativeAot without any choice of instruction sets. Fails on warnings, and if its kernels are scalar.
# Prints how long it takes beside the same program compiled at run time, for the model that ships and for each file that
# is named. Links with clang, or with gcc where there is no clang. About a minute, and two more for a Vim-Tiny.
#
#   tests/native-aot.sh [MODEL...]
set -euo pipefail
models=()
for model in "$@"; do models+=("$(realpath -e "$model")"); done
cd "$(dirname "$0")/.."

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
linker=()
if ! command -v clang > /dev/null; then
    command -v gcc > /dev/null || { apt-get update -qq && apt-get install -y -qq gcc zlib1g-dev > /dev/null; }
    linker=(-p:CppCompilerAndLinker=gcc)
fi
dotnet publish samples/NativeAot -c Release -o "$out" --nologo -v quiet -warnaserror "${linker[@]}" </dev/null >&2
dotnet build samples/NativeAot -c Release --nologo -v quiet </dev/null >&2

if [[ $(uname -m) == x86_64 ]] && grep -qw avx2 /proc/cpuinfo; then
    export BITIS_ISA=avx2  # a program without vector forms refuses it, and both use the same kernels
    # Else the just-in-time compiler gives AVX2 code the 32 registers of AVX-512, where processors with AVX2 have 16.
    export DOTNET_EnableAVX512=0
fi

# Both take turns. Sorted, the second of three lines is the median: aot w8a8: 171 of 200 right, 1.050 ms an image
compare() {
    : >"$out/times"
    for _ in 1 2 3; do
        # Not in a pipe, so that a failure ends the script instead of leaving a time out.
        "$out/NativeAot" "${@:2}" >"$out/aot"
        dotnet artifacts/bin/NativeAot/release/NativeAot.dll "${@:2}" >"$out/jit"
        sed 's/^/aot /' "$out/aot" >>"$out/times"
        sed 's/^/jit /' "$out/jit" >>"$out/times"
    done
    sort -k1,1 -k2,2 -k7,7n "$out/times" | awk -v model="$1" '
        NR % 3 == 2 && $1 == "aot" { aot[$2] = $7 }
        NR % 3 == 2 && $1 == "jit" {
            printf "| %s, %s | %.2f | %.2f | %.2f |\n", model, substr($2, 1, length($2) - 1), aot[$2], $7, aot[$2] / $7
        }'
}

echo "| one image on one thread, ms | Native AOT | JIT | ratio |"
echo "|---|---|---|---|"
compare vim-micro-builtin
for model in "${models[@]}"; do compare "$(basename "${model%.*}")" "$model"; done
