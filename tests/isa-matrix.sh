#!/usr/bin/env bash
# Runs the kernel tests once per instruction set: hidden from .NET by its own switches, and limited by BITIS_ISA.
# Usage: tests/isa-matrix.sh [test filter]
set -euo pipefail
cd "$(dirname "$0")/.."

filter=${1:-FullyQualifiedName~Bitis.Tests.Kernels}
dotnet build -c Release tests/Bitis.Tests --nologo -v quiet

failed=0
for setting in \
    DOTNET_EnableAVX512=0 DOTNET_EnableAVXVNNI=0 DOTNET_EnableAVX2=0 DOTNET_EnableHWIntrinsic=0 \
    BITIS_ISA=portable BITIS_ISA=avx2 BITIS_ISA=avxvnni BITIS_ISA=avx512 BITIS_ISA=avx512vbmi BITIS_ISA=avx512vnni
do
    status=0
    output=$(env "$setting" dotnet test -c Release tests/Bitis.Tests --no-build --nologo --filter "$filter" 2>&1) || status=$?
    if [[ $status -eq 0 ]]; then
        echo "$setting: $(grep -o 'Passed: *[0-9]*' <<<"$output")"
    elif [[ $setting == BITIS_ISA=* ]] && grep -q "$setting: is not available here" <<<"$output"; then
        echo "$setting: skipped, this machine does not have it"
    else
        echo "$setting: FAILED"
        echo "$output"
        failed=1
    fi
done
exit $failed
