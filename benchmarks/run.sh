#!/usr/bin/env bash
# Measures Bitis on this machine beside ONNX Runtime, and writes benchmarks/results/PROCESSOR.md.
# Needs the .NET SDK, and Node.js with npm for the peer. Takes about twelve minutes; let nothing else compute meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v node npm >/dev/null || { echo "run.sh: Node.js and npm are needed for ONNX Runtime, the peer." >&2; exit 2; }
dotnet build -c Release benchmarks/Bitis.Benchmarks --nologo -v quiet
(cd benchmarks/onnxruntime && npm install --ignore-scripts --no-package-lock --no-audit --no-fund --silent)

bench() { dotnet run --no-build -c Release --project benchmarks/Bitis.Benchmarks -- "$@"; }
processor=$(lscpu | sed -n 's/^Model name: *//p' | head -1)
family=$(lscpu | sed -n 's/^CPU family: *//p'), model=$(lscpu | sed -n 's/^Model: *//p')
name=$(echo "$processor-$family-$model" | tr -cs 'A-Za-z0-9\n' '-' | tr 'A-Z' 'a-z')
file=benchmarks/results/$name.md
package=./benchmarks/onnxruntime/node_modules/onnxruntime-node/package.json
peer="onnxruntime-node $(node -p "require('$package').version"), Node.js $(node --version)"
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
    bench peer benchmarks/onnxruntime
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
    echo "## Training"
    echo
    echo '```'
    bench training
    echo '```'
} | tee "$file"
echo "Written: $file" >&2
