#!/usr/bin/env bash
# Builds the consumer by pkg-config and runs it: pkg_config.sh PC_DIR OUTPUT COMPILER FLAG…
set -euo pipefail
source_dir=$(dirname "$0")/consumer
export PKG_CONFIG_PATH=$1
output=$2
shift 2
read -ra flags <<<"$(pkg-config --cflags --libs cnf)"
"$@" -std=c++20 "$source_dir/consumer.cc" -o "$output" "${flags[@]}"
"$output"
# What stands on other packages brings their libraries along.
read -ra flags <<<"$(pkg-config --cflags --libs cnf-cryoem)"
"$@" -std=c++20 "$source_dir/volume.cc" -o "$output-volume" "${flags[@]}"
"$output-volume"
# Installed files may be moved: the prefix is told relative to where cnf.pc lies.
case $(pkg-config --variable=prefix cnf) in
  "$PKG_CONFIG_PATH"/*) ;;
  *) echo "cnf.pc names a fixed prefix" >&2; exit 1 ;;
esac
