#!/usr/bin/env bash
# Side by side with the peers, in one run; run it by ./dev bench, which builds and installs what it needs.
# ./dev bench [alignments] [OPTION…]; see README.md beside this file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/cnf
venv=$cache/bench-venv
if [[ ! -x $venv/bin/python3 ]]; then python3 -m venv "$venv"; fi
"$venv/bin/python3" -c 'import boto3' 2>/dev/null || "$venv/bin/pip" install -q boto3

what=${1:-alignments}
if (($# > 0)); then shift; fi
CNF_SERVERS=$(scripts/servers.sh) exec "$venv/bin/python3" "examples/benchmarks/$what.py" --data "$cache/bench-data" "$@"
