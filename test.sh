#!/usr/bin/env bash
# Runs all tests, from any folder. Needs the .NET SDK only. Tests of pages need Chromium: root gets it from Debian or
# Ubuntu, others without it skip these tests.
# The last line is "N passed, N failed" (and ", N skipped" if any were). Exit code 0 only if tests ran and none failed.
#
#   ./test.sh                        everything
#   ./test.sh --quick                all but the slow classes (trait Speed=Slow)
#   ./test.sh --filter FullyQualifiedName~Vim      further arguments go to dotnet test
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

# The sum of a counter over all result files: <Counters total="3" executed="3" passed="2" failed="1" ... />
count() {
    cat "$results"/*.trx 2>/dev/null | grep -o '<Counters [^>]*' | sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" \
        | awk '{ n += $1 } END { print n + 0 }'
}

# The outcome and name of each result, in whatever order their attributes come.
names_with_outcome() {
    cat "$results"/*.trx 2>/dev/null | grep -o '<UnitTestResult [^>]*' | grep "outcome=\"$1\"" \
        | sed -n 's/.* testName="\([^"]*\)".*/  \1/p' \
        | sed 's/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' | sort
}

if [ "${1:-}" = --quick ]; then
    shift
    set -- --filter Speed!=Slow "$@"
fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null \
    && ! command -v chromium chromium-browser google-chrome >/dev/null; then
    timeout 180 sh -c 'apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core' \
        </dev/null >/dev/null 2>&1 || echo "Chromium cannot be installed; tests that need it are skipped."
fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

status=0
dotnet test Bitis.slnx -c Release --logger "trx;LogFilePrefix=tests" --results-directory "$results" "$@" </dev/null \
    || status=$?

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
