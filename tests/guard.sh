#!/usr/bin/env bash
# Runs tests with every tensor and native block flush with a page that nobody may touch (BITIS_GUARD).
# An access outside ends the process.
# Usage: tests/guard.sh          a sample, for continuous integration
#        tests/guard.sh full     kernels, runtime, quantization and training
# Both run under every instruction set.
set -euo pipefail
cd "$(dirname "$0")/.."

isas=(portable avx2 avxvnni avx512 avx512vnni)
if [[ ${1:-} == full ]]; then
    classes='Tests.Kernels|Tests.Runtime|GuardedMemory|OperatorGradient|LowBitGradient|GradientExecutor'
    classes+='|QuantizedMap|QuantizedModelFile|ScanQuantizer|RangeEstimator|UniformQuantizer'
else
    classes='GuardedMemory|All_forms_do_the_same|Int8GemmTests.Padding|IntegerScanTests.A_split'
    classes+='|QuantizeTests|Logits_depend|CausalConv|HadamardRows'
fi
filter="FullyQualifiedName~${classes//|/|FullyQualifiedName~}"
dotnet build -c Release tests/Bitis.Tests --nologo -v quiet

run() { dotnet test -c Release tests/Bitis.Tests --no-build --nologo --filter "$1" 2>&1; }

failed=0
for mode in start end; do
    # First that the guard bites: this test must not live to report anything.
    if output=$(BITIS_GUARD=$mode BITIS_GUARD_SELF_TEST=1 run 'FullyQualifiedName~A_read_beyond_a_tensor') ||
        ! grep -q 'crashed' <<<"$output"; then
        echo "BITIS_GUARD=$mode: a read beyond a tensor went unnoticed"
        echo "$output"
        failed=1
    fi
    for isa in "${isas[@]}"; do
        status=0
        output=$(BITIS_GUARD=$mode BITIS_ISA=$isa run "$filter") || status=$?
        if [[ $status -eq 0 ]]; then
            echo "BITIS_GUARD=$mode BITIS_ISA=$isa: $(grep -o 'Passed: *[0-9]*' <<<"$output")"
        elif grep -q "BITIS_ISA=$isa: is not available here" <<<"$output"; then
            echo "BITIS_GUARD=$mode BITIS_ISA=$isa: skipped, this machine does not have it"
        else
            echo "BITIS_GUARD=$mode BITIS_ISA=$isa: FAILED"
            echo "$output"
            failed=1
        fi
    done
done
exit $failed
