#!/usr/bin/env bash
# Measures Bitis on this machine beside ONNX Runtime, and writes benchmarks/results/PROCESSOR.md.
# Needs the .NET SDK, and clang or gcc for Native AOT. Takes 20 to 30 minutes; let nothing else compute
# meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."

dotnet build -c Release benchmarks/Bitis.Benchmarks --nologo -v quiet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

bench() { dotnet run --no-build -c Release --project benchmarks/Bitis.Benchmarks -- "$@"; }
processor=$(lscpu | sed -n 's/^Model name: *//p' | head -1)
family=$(lscpu | sed -n 's/^CPU family: *//p'), model=$(lscpu | sed -n 's/^Model: *//p')
name=$(echo "$processor-$family-$model" | tr -cs 'A-Za-z0-9\n' '-' | tr 'A-Z' 'a-z')
file=benchmarks/results/$name.md
peer=$(sed -n 's/.*"\(Microsoft.ML.OnnxRuntime\)" Version="\([^"]*\)".*/\1 \2/p' Directory.Packages.props)
{
    echo "# $processor"
    echo
    echo "Written by \`benchmarks/run.sh\` on $(date -u +%F)."
    echo
    echo "| | |"
    echo "|---|---|"
    echo "| processor | $processor, family $family model $model, $(nproc) processors |"
    echo "| system | $(uname -s) $(uname -r) |"
    echo "| Bitis | $(git rev-parse --short HEAD) |"
    echo "| .NET | $(dotnet --version) |"
    echo "| peer | $peer |"
    echo
    echo "## Against ONNX Runtime"
    bench peer
    echo
    echo "## Against float32"
    for variant in vim-tiny vim-small vmamba-tiny; do
        echo
        bench speedup "$variant"
    done
    for instructions in avx2 avxvnni; do
        echo
        # With 16 registers, as processors without AVX-512 have. 2: this machine has no such instructions.
        DOTNET_EnableAVX512=0 BITIS_ISA=$instructions bench speedup vim-tiny || [ $? = 2 ]
    done
    echo
    echo "## Kernels"
    echo
    bench kernels
    for variant in vim-tiny vim-small vmamba-tiny; do
        echo
        echo "## Where the time of $variant goes"
        echo
        echo '```'
        bench profile "$variant"
        echo '```'
    done
    echo
    echo "## Threads"
    echo
    bench threads vim-tiny
    echo
    echo "## Segmentation"
    echo
    bench segmentation 512 1
    echo
    echo "## Native AOT"
    echo
    bench random vim-tiny "$work/vim-tiny.safetensors"
    tests/native-aot.sh "$work/vim-tiny.safetensors"
    echo
    echo "## Training"
    echo
    echo '```'
    bench training
    echo '```'
} | tee "$file"
echo "Written: $file" >&2
