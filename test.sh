#!/usr/bin/env bash
# Runs all tests, from any folder. Installs the system libraries that decode images first, if they are missing.
# The last line is "N passed, N failed" (and ", N skipped" if any were). Exit code 0 only if tests ran and none failed.
#
#   ./test.sh                        everything
#   ./test.sh --filter FullyQualifiedName~Vim      further arguments go to dotnet test
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

has_library() { # the file name up to its first dot
    if command -v ldconfig >/dev/null && ldconfig -p 2>/dev/null | grep -F "$1." >/dev/null; then return 0; fi
    local folder
    for folder in /lib /usr/lib /usr/lib/* /usr/lib64 /usr/local/lib /opt/homebrew/lib; do
        if compgen -G "$folder/$1.*" >/dev/null; then return 0; fi
    done
    return 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

install_missing_libraries() {
    local debian=()
    if ! has_library libturbojpeg; then debian+=(libturbojpeg0); fi
    if ! has_library libpng16; then debian+=(libpng16-16); fi
    if [ ${#debian[@]} -eq 0 ]; then return; fi

    if command -v apt-get >/dev/null; then
        echo "Installing ${debian[*]} ..." >&2
        as_root apt-get update -qq </dev/null >&2 || echo "apt-get update failed; going on with the package lists that are there." >&2
        if ! apt-cache show libturbojpeg0 >/dev/null 2>&1; then debian=("${debian[@]/libturbojpeg0/libturbojpeg}"); fi # Ubuntu's name
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${debian[@]}" </dev/null >&2 && return
        echo "Could not install ${debian[*]}; the tests that need them will fail." >&2
    else
        echo "The system libraries libturbojpeg or libpng are missing. Install them first:" >&2
        echo "  Fedora: dnf install turbojpeg libpng    Alpine: apk add libjpeg-turbo libpng    macOS: brew install jpeg-turbo libpng" >&2
    fi
}

# The sum of a counter over all result files: <Counters total="3" executed="3" passed="2" failed="1" ... />
count() {
    cat "$results"/*.trx 2>/dev/null | grep -o '<Counters [^>]*' | sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" | awk '{ n += $1 } END { print n + 0 }'
}

# The outcome and name of each result, in whatever order their attributes come.
names_with_outcome() {
    cat "$results"/*.trx 2>/dev/null | grep -o '<UnitTestResult [^>]*' | grep "outcome=\"$1\"" | sed -n 's/.* testName="\([^"]*\)".*/  \1/p' \
        | sed 's/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' | sort
}

install_missing_libraries
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

status=0
dotnet test Bitis.slnx -c Release --logger "trx;LogFilePrefix=tests" --results-directory "$results" "$@" </dev/null || status=$?

passed=$(count passed)
failed=$(count failed)
total=$(count total)
skipped=$((total - passed - failed))

if [ "$failed" -gt 0 ]; then
    echo
    echo "Failed tests:"
    names_with_outcome Failed
fi
if [ "$skipped" -gt 0 ]; then
    echo
    echo "Skipped tests:"
    names_with_outcome NotExecuted
fi
if [ "$total" -eq 0 ]; then
    echo "No test ran; see the messages above."
    status=1
elif [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    echo "The run ended with code $status although no test failed; see the messages above."
fi

echo
summary="$passed passed, $failed failed"
if [ "$skipped" -gt 0 ]; then summary="$summary, $skipped skipped"; fi
echo "$summary"
if [ "$failed" -gt 0 ] && [ "$status" -eq 0 ]; then status=1; fi
exit "$status"
