#!/usr/bin/env bash
# Publishes samples/NativeAot without any choice of instruction sets. Fails on warnings, and if its kernels are scalar.
# Prints how long it takes beside the same program compiled at run time. Links with clang, or with gcc where there is no
# clang. About a minute.
set -euo pipefail
cd "$(dirname "$0")/.."

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
linker=()
if ! command -v clang > /dev/null; then
    command -v gcc > /dev/null || { apt-get update -qq && apt-get install -y -qq gcc zlib1g-dev > /dev/null; }
    linker=(-p:CppCompilerAndLinker=gcc)
fi
dotnet publish samples/NativeAot -c Release -o "$out" --nologo -v quiet -warnaserror "${linker[@]}" </dev/null

if [[ $(uname -m) == x86_64 ]] && grep -qw avx2 /proc/cpuinfo; then
    export BITIS_ISA=avx2  # a program without vector forms refuses it, and both use the same kernels
fi
aot=$("$out/NativeAot")
jit=$(dotnet run -c Release --project samples/NativeAot </dev/null)
printf 'Native AOT:\n%s\nJIT:\n%s\n' "$aot" "$jit"
paste <(echo "$aot") <(echo "$jit") |
    awk -F'[,\t]' '{ split($1, name, ":"); printf "%s: %.2f of the time with the JIT\n", name[1], $2 / $4 }'
