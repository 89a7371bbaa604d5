#!/usr/bin/env bash
# Runs the tests of kernels, and of models that use them, once per instruction set: limited by BITIS_ISA, then hidden
# from .NET by its own switches. Skips what this machine does not have. About a minute.
# Usage: tests/isa-matrix.sh [test filter]
set -euo pipefail
cd "$(dirname "$0")/.."

classes='Bitis.Tests.Kernels GoldenTests'
filter=${1:-"Speed!=Slow&($(sed 's/[^ ]*/FullyQualifiedName~&/g; s/ /|/g' <<<"$classes"))"}
dotnet build -c Release tests/Bitis.Tests --nologo -v quiet

failed=0
for setting in \
    BITIS_ISA=portable BITIS_ISA=avx2 BITIS_ISA=avxvnni BITIS_ISA=avx512 BITIS_ISA=avx512vbmi BITIS_ISA=avx512vnni \
    DOTNET_EnableAVX512=0 DOTNET_EnableAVX2=0 DOTNET_EnableHWIntrinsic=0
do
    status=0
    output=$(env "$setting" dotnet test -c Release tests/Bitis.Tests --no-build --nologo --filter "$filter" \
        2>&1 </dev/null) || status=$?
    passed=$(grep -o 'Passed: *[0-9]*' <<<"$output" | grep -o '[0-9]*' || true)
    if [[ $status -eq 0 && ${passed:-0} -gt 0 ]]; then
        echo "$setting: $passed tests passed"
    elif [[ $setting == BITIS_ISA=* ]] && grep -q "$setting: is not available here" <<<"$output"; then
        echo "$setting: skipped, this machine does not have it"
    else
        echo "$setting: FAILED"
        echo "$output"
        failed=1
    fi
done
exit $failed
