#!/usr/bin/env bash
# Side by side with the peers, in one run; run it by ./dev bench, which builds and installs what it needs.
# ./dev bench [alignments | variants | volumes | storage] [OPTION…]; see README.md beside this file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/cnf
what=${1:-alignments}
if (($# > 0)); then shift; fi
# Peers that want other versions than the rest have a list of their own.
requirements=examples/benchmarks/requirements_$what.txt
if [[ ! -e $requirements ]]; then requirements=examples/benchmarks/requirements.txt; fi
# A changed file is a new folder.
venv=$cache/bench-venv-$(sha256sum "$requirements" | cut -c1-12)
if [[ ! -e $venv/ready ]]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --retries 5 -r "$requirements"
  touch "$venv/ready"
fi

# The peers that are Python programs are called by their names.
PATH=$venv/bin:$PATH CNF_SERVERS=$(scripts/servers.sh versitygw) \
  exec "$venv/bin/python3" "examples/benchmarks/$what.py" --data "$cache/bench-data" "$@"
