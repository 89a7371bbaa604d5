#!/usr/bin/env bash
# Measures Bitis on a GPU of NVIDIA in at most 6 minutes, and writes gpu-NAME.md.
#
#   benchmarks/gpu.sh publish FOLDER     here, with the .NET SDK: makes a folder of about 22 MB
#   FOLDER/gpu.sh [RESULTS] [IMAGES]     there, without .NET: RESULTS is the folder of the file (default: this one),
#                                        IMAGES is CIFAR-10's test_batch.bin, for vim-cifar10
#
# A step that fails or takes too long is noted, and the others go on. ptxas, cuobjdump, compute-sanitizer and PyTorch
# are used where they are found. BITIS_GPU_EMULATED=1 tries all steps on the interpreter.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [ "${1:-}" = publish ]; then
    [ $# = 2 ] || { echo "Usage: $0 publish FOLDER" >&2; exit 2; }
    set -e
    mkdir -p "$2"
    dotnet publish "$here/Bitis.Gpu.Benchmarks" -c Release -r linux-x64 --self-contained -o "$2" --nologo -v quiet
    rm -f "$2"/*.pdb "$2"/*.xml
    cp "$here/gpu.sh" "$2/gpu.sh"
    cp "$here/../models/vim-micro-builtin.safetensors" "$here/../models/vim-cifar10.safetensors" "$2/"
    git -C "$here" rev-parse --short HEAD >"$2/commit" 2>/dev/null || true
    du -sh "$2" | cut -f1
    exit
fi

program=$here/gpu-benchmarks
[ -x "$program" ] || { echo "First make a folder: $0 publish FOLDER, then run FOLDER/gpu.sh." >&2; exit 2; }
results=${1:-$here} images=${2:-} mode=()
[ -n "${BITIS_GPU_EMULATED:-}" ] && mode=(--emulated)
bench() { "$program" "${mode[@]}" "$@"; }

# One sentence if there is no driver or no GPU.
what=$(bench device) || exit 2
name=$(echo "$what" | sed -n 's/^| GPU | \([^,]*\),.*/\1/p' | tr -cs 'A-Za-z0-9\n' '-' | tr 'A-Z' 'a-z' | sed 's/-$//')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$results"
file=$results/gpu-$name.md
started=$SECONDS total=350

# step SECONDS TITLE COMMAND...: runs it within its time and what is left of all.
step() {
    local limit=$1 title=$2 begin=$SECONDS left=$((total - SECONDS + started)) status=0
    shift 2
    printf '\n## %s\n\n' "$title"
    [ "$limit" -gt "$left" ] && limit=$left
    if [ "$limit" -lt 2 ]; then
        echo "Left out: the time was over."
        return
    fi
    export -f "$1" 2>/dev/null || true
    timeout -k 2 "$limit" bash -c '"$@"' bash "$@" 2>"$work/errors" || status=$?
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
        printf '\n**Not finished within %s s.**\n' "$limit"
    elif [ "$status" != 0 ]; then
        printf '\n**Failed (%s):** %s\n' "$status" "$(head -c 2000 "$work/errors" | tr '\n' ' ')"
    fi
    echo "$title: $((SECONDS - begin)) s" >&2
}

# Assembles all texts for this GPU and sm_80, several at a time, with registers and spills of each.
assemble() {
    local ptxas
    ptxas=$(command -v ptxas || ls /usr/local/cuda*/bin/ptxas 2>/dev/null | head -1)
    "$program" texts "$work/texts"
    [ -n "$ptxas" ] || { echo "ptxas is not on this machine."; return; }
    echo "$("$ptxas" --version | tail -1)"
    for target in sm_80 sm_90a; do
        mkdir -p "$work/cubin/$target"
        find "$work/texts/$target" -name '*.ptx' -printf '%f\n' | xargs -P "$(nproc)" -I {} sh -c \
            '"$1" -v -arch="$2" "$3/texts/$2/{}" -o "$3/cubin/$2/{}.cubin" >"$3/cubin/$2/{}.log" 2>&1 \
                || echo "refused: {}" >>"$3/refused"' sh "$ptxas" "$target" "$work"
    done
    if [ -e "$work/refused" ]; then
        sort "$work/refused" | head -20
        first=$(head -1 "$work/refused" | sed 's/refused: //')
        cat "$work"/cubin/*/"$first.log" | head -20
    else
        echo "ptxas takes all texts."
    fi
    printf '\n| kernel (sm_90a) | registers | spills |\n|---|---|---|\n'
    for log in "$work"/cubin/sm_90a/*.log; do
        printf '| %s | %s | %s |\n' "$(basename "$log" .ptx.log)" \
            "$(grep -o 'Used [0-9]* registers' "$log" | grep -o '[0-9]*')" \
            "$(grep -o '[0-9]* bytes spill stores' "$log" | head -1)"
    done | sort -t'|' -k3,3nr | head -40
    [ ! -e "$work/refused" ]
}

# What the assembler made of the texts: local memory, and the most frequent instructions.
instructions() {
    local tool
    tool=$(command -v cuobjdump || ls /usr/local/cuda*/bin/cuobjdump 2>/dev/null | head -1)
    [ -n "$tool" ] || { echo "cuobjdump is not on this machine."; return; }
    printf '| kernel | instructions | local memory | most frequent |\n|---|---|---|---|\n'
    for cubin in $(ls -S "$work"/cubin/sm_90a/*.cubin 2>/dev/null | head -60); do
        "$tool" -sass "$cubin" | grep -oE '^\s+/\*[0-9a-f]{4}\*/\s+(@!?U?P[0-9T]+ )?[A-Z0-9_.]+' \
            | awk '{ print $NF }' >"$work/opcodes"
        printf '| %s | %s | %s | %s |\n' "$(basename "$cubin" .ptx.cubin)" "$(wc -l <"$work/opcodes")" \
            "$(grep -cE '^(LDL|STL)' "$work/opcodes")" \
            "$(sed 's/\..*//' "$work/opcodes" | sort | uniq -c | sort -rn | head -8 \
                | awk '{ printf "%s %s, ", $2, $1 }')"
    done
}

sanitize() {
    local tool
    tool=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -1)
    [ -n "$tool" ] || { echo "compute-sanitizer is not on this machine."; bench sanitize; return; }
    for check in memcheck racecheck synccheck; do
        echo "$check: $("$tool" --tool "$check" --error-exitcode 9 "$program" sanitize 2>&1 | tail -1)"
    done
}

torch_products() {
    command -v python3 >/dev/null && python3 -c 'import torch' 2>/dev/null \
        || { echo "PyTorch is not on this machine."; return; }
    python3 - <<'PYTHON'
import time, torch
print(f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}\n")
print("| rows × inputs × outputs | function | µs | 10¹² operations/s |\n|---|---|---|---|")
def seconds(function):
    function(); torch.cuda.synchronize()
    best = 1e9
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(20): function()
        torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - start) / 20)
    return best
for m, k, n in [(128*197, 192, 768), (128*197, 384, 192), (128*197, 768, 3072), (128*197, 1536, 768), (8192,)*3]:
    a, b = torch.zeros(m, k, device="cuda", dtype=torch.half), torch.zeros(n, k, device="cuda", dtype=torch.half).t()
    c, d = torch.zeros(m, k, device="cuda", dtype=torch.int8), torch.zeros(n, k, device="cuda", dtype=torch.int8).t()
    functions = [("torch.matmul", lambda: torch.matmul(a, b)), ("torch._int_mm", lambda: torch._int_mm(c, d))]
    for name, function in functions:
        try:
            t = seconds(function)
            print(f"| {m} × {k} × {n} | {name} | {t*1e6:.1f} | {2*m*k*n/t/1e12:.1f} |", flush=True)
        except Exception as e:
            print(f"| {m} × {k} × {n} | {name} | {str(e).splitlines()[0]} | |", flush=True)
PYTHON
}

accuracy() {
    local status=0
    bench accuracy "$here/vim-micro-builtin.safetensors" builtin/test || status=$?
    echo
    [ -n "$images" ] || { echo "No images of CIFAR-10 were given."; return $status; }
    bench accuracy "$here/vim-cifar10.safetensors" "$images" || status=$?
    return $status
}

kernels_of() {
    for variant in "$@"; do
        bench kernels "$variant"
    done
}

export program work here images
export -f bench
# An array cannot be exported.
if [ ${#mode[@]} -gt 0 ]; then
    bench() { "$program" --emulated "$@"; }
else
    bench() { "$program" "$@"; }
fi
export -f bench

{
    echo "# $(echo "$what" | sed -n 's/^| GPU | \([^,]*\),.*/\1/p')"
    echo
    echo "Written by \`benchmarks/gpu.sh\` on $(date -u +%F)."
    echo
    echo "$what"
    echo "| Bitis | $(cat "$here/commit" 2>/dev/null || echo unknown) |"
    command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=driver_version,clocks.max.sm,power.limit \
        --format=csv,noheader | head -1 | sed 's/.*/| nvidia-smi | & |/'
    step 60 "All kernels against the interpreter and the CPU" bench check
    step 60 "Assembler" assemble
    step 30 "Models" bench models vim-tiny
    step 25 "Where the time of Vim-Tiny goes" kernels_of vim-tiny
    step 20 "Rates" bench micro
    step 20 "Products" bench products
    step 25 "Products of PyTorch" torch_products
    step 60 "Answers of trained models" accuracy
    step 90 "Larger models" bench models vim-small vim-base vmamba-tiny
    step 30 "Sanitizer" sanitize
    step 30 "Instructions" instructions
} >"$file"
echo "Written: $file" >&2
