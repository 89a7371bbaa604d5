#!/usr/bin/env bash
# Runs tests once per instruction set: of whole models limited by BITIS_ISA, then of models and kernels with
# instructions hidden from .NET by its own switches. (The tests of kernels run each kernel of every set anyway.) Skips
# what this machine does not have. About two minutes.
# Usage: tests/isa-matrix.sh [test filter]
set -euo pipefail
cd "$(dirname "$0")/.."

own=${1:-}
dotnet build -c Release tests/Bitis.Tests --nologo -v quiet

failed=0
for setting in \
    BITIS_ISA=portable BITIS_ISA=avx2 BITIS_ISA=avxvnni BITIS_ISA=avx512 BITIS_ISA=avx512vbmi BITIS_ISA=avx512vnni \
    DOTNET_EnableAVX512=0 DOTNET_EnableAVX2=0 DOTNET_EnableHWIntrinsic=0
do
    filter="Speed!=Slow&FullyQualifiedName~GoldenTests"
    [[ $setting == BITIS_ISA=* ]] || filter+="|Speed!=Slow&FullyQualifiedName~Bitis.Tests.Kernels"
    status=0
    output=$(env "$setting" dotnet test -c Release tests/Bitis.Tests --no-build --nologo --filter "${own:-$filter}" \
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
