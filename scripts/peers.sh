#!/usr/bin/env bash
# Installs the Python programs that tests hold ours against, once, and prints the interpreter that has them:
# $CNF_PEERS, or one in a folder of ~/.cache/cnf.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ -n ${CNF_PEERS:-} ]]; then
  echo "$CNF_PEERS"
  exit
fi

requirements=tests/oracle/requirements.txt
cache=${XDG_CACHE_HOME:-$HOME/.cache}/cnf
# A changed file is a new folder.
venv=$cache/peers-$(sha256sum $requirements | cut -c1-12)
if [[ ! -e $venv/ready ]]; then
  echo "== installing the peers of tests in $venv (some minutes, once)" >&2
  mkdir -p "$cache"
  rm -rf "$venv"
  python3 -m venv "$venv" >&2
  if ! "$venv/bin/pip" install -q --retries 5 -r $requirements >&2; then
    echo "peers.sh: what $requirements names could not be installed; is the Python package index reachable?" >&2
    exit 1
  fi
  touch "$venv/ready"
fi
echo "$venv/bin/python3"
