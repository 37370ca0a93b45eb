# Steps of tools/check and tools/nightly: run one, time it, count its tests, show the end of its output where it failed.
# Sourced by them in the repository's root. A step's counts go through the file $counts, one line "passed failed skipped".

passed=0 failed=0 skipped=0
jobs=$(nproc)

steps_begin() { # FOLDER for logs
  logs=$1
  mkdir -p "$logs"
  counts=$logs/counts
  begun=$SECONDS
}

cpu_seconds() { # of everything run so far
  local fields
  read -r -a fields <"/proc/$$/stat"
  echo $(((fields[15] + fields[16]) / $(getconf CLK_TCK)))
}

step() { # NAME COMMAND...
  local name=$1 began=$SECONDS cpu log status p f s
  cpu=$(cpu_seconds)
  shift
  log=$logs/$(echo "$name" | tr -cs 'a-z0-9\n' -).log
  : >"$counts"
  printf '%-46s' "$name"
  ("$@") >"$log" 2>&1
  status=$?
  p=0 f=0 s=0
  [ -s "$counts" ] && read -r p f s <"$counts"
  if [ "$status" != 0 ] && [ "$f" = 0 ]; then f=1; fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  printf '%s %4d s (%d s of CPU)' "$([ "$f" = 0 ] && echo 'ok    ' || echo FAILED)" $((SECONDS - began)) $(($(cpu_seconds) - cpu))
  if [ -s "$counts" ]; then printf '  %d passed, %d failed, %d skipped' "$p" "$f" "$s"; fi
  echo
  sed -n 's/^skipped: /    skipped: /p' "$log"
  if [ "$f" != 0 ]; then
    tail -n "${STEP_TAIL:-60}" "$log" | sed 's/^/    | /'
    echo "    | (all of it: $log)"
    return 1
  fi
}

finish() {
  echo "took $((SECONDS - begun)) s, $(cpu_seconds) s of CPU on $jobs cores"
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ]
  exit
}

build() { # PRESET [fuzz_targets]; where it fails, its errors come last
  local targets="" out=$logs/build-$1.out
  cmake --preset "$1" || return 1
  if [ "${2:-}" = fuzz_targets ]; then
    targets=$(for file in tests/fuzz/*.c; do echo "fuzz_$(basename "$file" .c)"; done)
  fi
  ninja -C "build/$1" -j "$jobs" -k 0 $targets >"$out" 2>&1 && return 0
  cat "$out"
  echo "in short:"
  grep -E '^FAILED|error:|undefined reference|multiple definition|ninja: error' "$out" | head -n 40
  return 1
}

tests() { # PRESET LABELS: runs a build's tests in parallel; their output at the end, failures last
  local junit=$PWD/$logs/$1.xml
  case $1 in
    asan | tsan) export WEFT_KERNELS=scalar ;; # the instrumented one
  esac
  rm -f "$junit"
  export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
  ctest --test-dir "build/$1" -j "$jobs" --schedule-random --no-tests=error ${2:+-L "$2"} --output-on-failure \
    --output-junit "$junit"
  python3 tests/junit_sum.py "$junit" >"$logs/sum" || return 1
  sed -n 1p "$logs/sum" >"$counts"
  sed 1d "$logs/sum"
}

compilers_equal() { # PRESET PRESET: one recording, fused by the builds of two compilers, gives the same bytes
  local place=$logs/compilers preset scenario=tools/scenarios/salvo60
  rm -rf "$place" && mkdir "$place" || return 1
  "build/$1/weft" salvo $scenario.yaml --duration 400 --csv "$place/plots.csv" || return 1
  for preset in "$@"; do
    "build/$preset/weft" fuse --config $scenario.site.yaml --tracks "$place/$preset.jsonl" "$place/plots.csv" || return 1
  done
  [ -s "$place/$1.jsonl" ] && cmp "$place/$1.jsonl" "$place/$2.jsonl" && echo "1 0 0" >"$counts"
}

rules() { # BUILD FOLDER: every rule is a program of its own
  local rule status p=0 f=0 s=0
  for rule in tests/rules/*.py tests/rules/*.sh; do
    [ -x "$rule" ] || continue
    "$rule" "$1"
    status=$?
    case $status in
      0) p=$((p + 1)) ;;
      77) s=$((s + 1)); echo "skipped: $rule (it says why in the log)" ;;
      *) f=$((f + 1)); echo "rule broken: $rule" ;;
    esac
  done
  echo "$p $f $s" >"$counts"
}

# Checks of the text: engine, kernels and tools, each file once. A finding is mended, or explained where it is suppressed: in
# .clang-tidy, tests/cppcheck.txt and tests/gcc_analyze.txt, or beside the line.

cpp_check() { # BUILD FOLDER, configured
  local files f
  files=$(tests/lint_files.py "$1" "$1/lint" | wc -l) || return 1
  cppcheck -j "$jobs" --project="$1/lint/compile_commands.json" --library=tests/cppcheck.cfg --std=c11 --quiet \
    --suppressions-list=tests/cppcheck.txt --enable=warning,performance,portability,style,information \
    --template='{file}:{line}: {severity}: {message} [{id}]' >"$logs/cppcheck" 2>&1 || return 1
  cat "$logs/cppcheck"
  f=$(grep -c '\[[A-Za-z]*\]$' "$logs/cppcheck")
  echo "$((files - f)) $f 0" >"$counts"
  [ "$f" = 0 ]
}

tidy_one() { # FILE
  clang-tidy -p build/clang/lint --quiet "$1" 2>/dev/null || echo "finding in $1"
}
export -f tidy_one

clang_tidy() {
  local files f
  cmake --preset clang || return 1
  files=$(tests/lint_files.py build/clang build/clang/lint | tee "$logs/lint-files" | wc -l)
  xargs -P "$jobs" -I{} bash -c 'tidy_one {}' <"$logs/lint-files" >"$logs/clang-tidy"
  cat "$logs/clang-tidy"
  f=$(grep -c '^finding in ' "$logs/clang-tidy")
  echo "$((files - f)) $f 0" >"$counts"
  [ "$files" != 0 ] && [ "$f" = 0 ]
}

gcc_analyzer() { # BUILD FOLDER, configured, of gcc
  tests/lint_files.py "$1" "$1/lint" >/dev/null || return 1
  tests/gcc_analyze.py "$1/lint" "$jobs" >"$logs/gcc-analyzer"
  cat "$logs/gcc-analyzer"
  echo "$(tail -n 1 "$logs/gcc-analyzer") 0" >"$counts"
  grep -q '^[1-9][0-9]* 0$' "$logs/gcc-analyzer"
}

fuzz_run() { # NAME PROGRAM OPTION...: over its growing corpus and the one that is kept, inputs as long as the target says
  local name=$1 program=$2 length dictionary=() kept=()
  shift 2
  length=$(sed -n 's|^// length: ||p' "tests/fuzz/$name.c")
  [ -f "tests/fuzz/$name.dict" ] && dictionary=("-dict=tests/fuzz/$name.dict")
  [ -d "tests/fuzz/corpus/$name" ] && kept=("tests/fuzz/corpus/$name")
  mkdir -p "build/corpus/$name"
  # quarantine and stacks of allocations short, no energies by rare features: half of the time would go there
  ASAN_OPTIONS=quarantine_size_mb=4:malloc_context_size=4:${ASAN_OPTIONS:-} \
    "$program" -max_len="$length" "${dictionary[@]}" -entropic=0 -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
    -artifact_prefix="$logs/fuzz-$name-" "$@" "build/corpus/$name" "${kept[@]}" >"$logs/fuzz-$name.log" 2>&1
}

fuzz_executions() { # NAME: of its last run
  sed -n 's/^stat::number_of_executed_units: *//p' "$logs/fuzz-$1.log"
}

fuzz_one() { # PROGRAM SECONDS
  local name=${1##*/fuzz_} status
  fuzz_run "$name" "$1" -max_total_time="$2"
  status=$?
  if [ "$name" = canary ]; then # its planted bug must be found
    rm -f "$logs/fuzz-canary-"crash-*
    [ $status != 0 ] && grep -q 'deadly signal' "$logs/fuzz-canary.log" && status=0 || status=1
  fi
  echo "$name: $(fuzz_executions "$name") runs"
  if [ $status != 0 ]; then
    echo "fuzz target failed: $name (input kept as $logs/fuzz-$name-*)"
    tail -n 40 "$logs/fuzz-$name.log"
  fi
  return $status
}
export -f fuzz_run fuzz_executions fuzz_one

fuzzing() { # PRESET SECONDS: every target for so long, as many at a time as there are cores
  local p=0 f=0 out
  export logs
  out=$logs/fuzz-all
  printf '%s\n' build/"$1"/tests/fuzz_* | grep -v '\.' |
    xargs -P "$jobs" -I{} bash -c "fuzz_one {} $2 && echo passed-one || echo failed-one" >"$out"
  grep -v -e '^passed-one$' -e '^failed-one$' "$out"
  p=$(grep -c '^passed-one$' "$out") f=$(grep -c '^failed-one$' "$out")
  echo "$p $f 0" >"$counts"
  [ "$f" = 0 ] && [ "$p" != 0 ]
}
