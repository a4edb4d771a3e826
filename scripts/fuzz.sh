#!/usr/bin/env bash
# Fuzzes each target for a while; ./dev fuzz builds them first. A crash is cut down to its smallest
# input and put into the target's corpus as a regression, which every build then replays.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=build/fuzz
seconds=60
budget=()
verb=fuzz
targets=()

usage() {
  cat <<'END'
./dev fuzz [TARGET…] [--seconds N | --runs N | --merge | --seeds]
  TARGET       fuzz_tree or tree; default: all of them
  --seconds N  how long each is fuzzed (60). What is found is kept in build/fuzz/found/TARGET
  --runs N     so many inputs instead, the same ones every time: what CI does
  --merge      take into the committed corpus what reaches code that it does not reach yet
  --seeds      write the inputs that our encoders make into build/fuzz/found, for all targets
END
}

while (($# > 0)); do
  case $1 in
    --seconds)
      seconds=${2:?--seconds needs a number}
      shift
      ;;
    --runs)
      budget=("-runs=${2:?--runs needs a number}" -seed=1)
      shift
      ;;
    --merge | --seeds) verb=${1#--} ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*)
      usage >&2
      exit 2
      ;;
    *) targets+=("fuzz_${1#fuzz_}") ;;
  esac
  shift
done

if ((${#budget[@]} == 0)); then budget=("-max_total_time=$seconds"); fi

# What a decoder may take for an input of at most 4 KiB, sanitizers included: 256 MiB in one piece is
# what a zstd stream of that size can honestly expand to.
limits=(-max_len=4096 -timeout=20 -rss_limit_mb=768 -malloc_limit_mb=256)
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0
export UBSAN_OPTIONS=print_stacktrace=1

declare -A corpus_of
while read -r name corpus; do corpus_of[$name]=$corpus; done <$build/fuzz_targets.txt
if ((${#targets[@]} == 0)); then mapfile -t targets < <(cut -d ' ' -f 1 $build/fuzz_targets.txt); fi
for target in "${targets[@]}"; do
  if [[ -z ${corpus_of[$target]:-} ]]; then
    echo "fuzz: there is no target $target; there are: ${!corpus_of[*]}" >&2
    exit 2
  fi
done

# Cuts a crashing input down and files it under a name made of its bytes.
file_crash() {
  local target=$1 crash=$2 log=$3 smallest=$2.smallest name
  # It ends with an error when it can cut no more; the input then stays as it is.
  $build/"$target" "${limits[@]}" -minimize_crash=1 -max_total_time=30 \
    -exact_artifact_path="$smallest" "$crash" >>"$log" 2>&1 || true
  if [[ ! -s $smallest ]]; then cp "$crash" "$smallest"; fi
  name=crash-$(sha256sum "$smallest" | cut -c1-12)
  mkdir -p "${corpus_of[$target]}"
  mv "$smallest" "${corpus_of[$target]}/$name"
  rm -f "$crash"
  echo "fuzz: $target crashed; smallest input: ${corpus_of[$target]#"$PWD"/}/$name; its report: $log" >&2
}

fuzz() {
  local target=$1 corpus=${corpus_of[$1]} found=$build/found/${1#fuzz_} crashes=$build/crashes/$1 log=$build/$1.log status=0
  mkdir -p "$corpus" "$found" "$crashes"
  nice $build/"$target" "${limits[@]}" "${budget[@]}" -print_final_stats=1 \
    -artifact_prefix="$crashes/" "$found" "$corpus" >"$log" 2>&1 || status=$?
  local executions coverage
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  coverage=$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)
  printf '%-20s %10s executions, %s edges\n' "$target" "${executions:-no}" "${coverage#cov: }"
  local crash
  for crash in "$crashes"/*; do
    if [[ -f $crash ]]; then file_crash "$target" "$crash" "$log"; fi
  done
  return $status
}

# Adds what reaches new code, what reaches most first, until a corpus has 40 files: it is replayed in
# every build, and a fuzzer finds the rest again.
merge() {
  local corpus=${corpus_of[$1]} found=$build/found/${1#fuzz_} chosen have
  mkdir -p "$corpus" "$found"
  chosen=$(mktemp -d)
  cp -p "$corpus"/* "$chosen"/ 2>/dev/null || true
  $build/"$1" "${limits[@]}" -use_counters=0 -use_cmp=0 -set_cover_merge=1 "$chosen" "$found" >$build/"$1".log 2>&1
  have=$(find "$corpus" -type f | wc -l)
  # They were written in the order in which they were chosen.
  find "$chosen" -type f -printf '%T@ %p\n' | sort -n | cut -d ' ' -f 2 | while read -r file; do
    if [[ ! -e $corpus/${file##*/} && $have -lt 40 ]]; then
      cp "$file" "$corpus"/
      have=$((have + 1))
    fi
  done
  rm -rf "$chosen"
  printf '%-20s %d files in its corpus\n' "$1" "$(find "$corpus" -type f | wc -l)"
}

if [[ $verb == seeds ]]; then
  $build/fuzz_seeds $build/found
  exit
fi
failed=()
for target in "${targets[@]}"; do
  "$verb" "$target" || failed+=("$target")
done
if ((${#failed[@]} > 0)); then
  echo "fuzz: failed: ${failed[*]}" >&2
  exit 1
fi
