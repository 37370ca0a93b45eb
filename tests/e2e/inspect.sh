#!/bin/sh
# weft inspect over every kind of file, with the real recordings where they are there: every line is JSON, and the figures
# are those that the recordings are known to have.
weft=$1
data=../shared/data/asterix
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

fail() { echo "inspect.sh: $*" >&2; exit 1; }

# FILE NAME [OPTIONS]: inspects into $work/NAME.jsonl; every line must be a JSON object.
tell() {
  file=$1 name=$2
  shift 2
  "$weft" inspect "$@" "$file" > "$work/$name.jsonl" || fail "$file: exit status $?"
  python3 -c 'import json, sys
for number, line in enumerate(open(sys.argv[1]), 1):
    assert isinstance(json.loads(line), dict), number' "$work/$name.jsonl" || fail "$file: a line is not JSON"
}
# NAME PATTERN: the last line must contain it.
ends() { tail -n 1 "$work/$1.jsonl" | grep -qF "$2" || fail "$1 should end with $2, not $(tail -n 1 "$work/$1.jsonl")"; }
# FILE: must be refused with status 1 and one line on stderr.
refused() {
  "$weft" inspect "$1" > /dev/null 2> "$work/said"
  [ $? -eq 1 ] || fail "$1: should exit 1"
  [ "$(wc -l < "$work/said")" -eq 1 ] || fail "$1: should say one line, not: $(cat "$work/said")"
}

"$weft" salvo tools/scenarios/one.yaml --csv "$work/one.csv" --truth "$work/truth.csv" > /dev/null || fail "salvo failed"
"$weft" salvo tools/scenarios/one.yaml --journal "$work/journal" > /dev/null || fail "salvo to a journal failed"
site=tools/scenarios/one.site.yaml
tell "$work/one.csv" csv
ends csv '"refused":0}'
grep -c '"record":"detection"' "$work/csv.jsonl" > "$work/csv.count"
tell "$work/truth.csv" truth
ends truth '"refused":0}'
tell "$site" site
grep -q '"record":"site"' "$work/site.jsonl" || fail "the site is not told"
tell "$work/journal" journal
ends journal '"damaged":0}'
grep -c '"record":"detection"' "$work/journal.jsonl" | cmp -s - "$work/csv.count" || fail "the journal has not the detections of the CSV"
"$weft" fuse --config "$site" --tracks "$work/tracks" "$work/journal" > /dev/null || fail "fuse failed"
tell "$work/tracks" tracks
ends tracks '"refused":0}'
"$weft" replay "$work/journal" --tracks "$work/replayed" > /dev/null || fail "replay failed"
cmp "$work/tracks" "$work/replayed" || fail "replay and fuse of a journal differ"
"$weft" inspect - < "$work/one.csv" | cmp -s - "$work/csv.jsonl" || fail "stdin is not told as the file is"

# What inspect tells of a journal is all there is to know: as CSV again it gives the same tracks to the byte, apart from
# their numbers. Sensors at rest only, because CSV has no sensor states.
cp tools/scenarios/one.yaml "$work"
grep -v motion: tools/scenarios/sensors.yaml > "$work/sensors.yaml"
"$weft" salvo "$work/one.yaml" --journal "$work/rest" --site "$work/rest.yaml" > /dev/null || fail "salvo of sensors at rest"
tell "$work/rest" rest
python3 - "$work/rest.jsonl" > "$work/rest.csv" <<'PYTHON' || fail "the journal as CSV"
import json, sys
columns = "time_ns sensor kind range_m azimuth_rad elevation_rad range_rate_mps height_m x_m y_m z_m".split()
rows = sorted((o for o in map(json.loads, open(sys.argv[1])) if o["record"] == "detection"), key=lambda o: o["sequence"])
print(",".join(columns))
for row in rows:
    print(",".join(str(row.get(column, "")) for column in columns))
PYTHON
"$weft" fuse --config "$work/rest.yaml" --tracks "$work/rest.tracks" "$work/rest" > /dev/null || fail "fuse of the journal"
"$weft" fuse --config "$work/rest.yaml" --tracks "$work/csv.tracks" "$work/rest.csv" > /dev/null || fail "fuse of its CSV"
bare='s/"track":[0-9]*//; s/"number":[0-9]*//' # numbers of tracks and launch events begin at the recording's time
sed "$bare" "$work/rest.tracks" > "$work/rest.bare"
sed "$bare" "$work/csv.tracks" | cmp - "$work/rest.bare" || fail "a journal and its CSV give different tracks"
[ "$(wc -l < "$work/rest.bare")" -gt 100 ] || fail "hardly any tracks"

head -c 100000 "$work/journal/00000001.wj" > "$work/cut.wj"
tell "$work/cut.wj" cut
ends cut '"damaged":1}'
head -c 5000 /dev/zero | tr '\000' '\377' > "$work/rubbish"
refused "$work/rubbish"
refused "$work/absent"
: > "$work/empty"
refused "$work/empty"

"$weft" check --config "$site" | grep -q ': ok: ' || fail "check"
{ "$weft" inspect "$work/one.csv"; echo $? > "$work/status"; } | head -n 1 > /dev/null
[ "$(cat "$work/status")" = 0 ] || fail "a reader who leaves early is no failure"

[ -r "$data/cat_034_048.pcap" ] || { echo "no real recordings at $data; their part is skipped"; exit 0; }
tell "$data/cat_034_048.pcap" pcap
ends pcap '{"record":"summary","records":{"34":34,"48":128}'
ends pcap '"with_height_3d":48'
tell "$data/068test_bds30.gps" gps --date 2001-03-04
ends gps '{"record":"summary","records":{"34":951,"48":1830}'
grep -q '"time_ns":9836[0-9]*,' "$work/gps.jsonl" || fail "--date is not heeded" # 2001-03-04 is 983664000 s
tell "$data/cat_062_065.pcap" cat062
ends cat062 '"skipped_blocks":{"62":1,"65":1}'
head -c 6000 "$data/cat_034_048.pcap" > "$work/cut.pcap"
tell "$work/cut.pcap" cutpcap
head -c 20000 "$data/068test_bds30.gps" > "$work/cut.gps"
tell "$work/cut.gps" cutgps

cat > "$work/radar.yaml" <<'SITE'
sensors:
  - id: 4
    kind: radar2d
    position: {lat_deg: 41.0, lon_deg: 2.0, height_m: 100}
    revisit_s: 5
    sigma: {range_m: 100, azimuth_rad: 0.002}
    asterix: {sac: 20, sic: 4}
SITE
tell "$data/068test_bds30.gps" placed --config "$work/radar.yaml"
[ "$(grep -c '"x_m":' "$work/placed.jsonl")" -ge 1821 ] || fail "plots lack their places"
"$weft" fuse --config "$work/radar.yaml" --tracks "$work/gps.tracks" "$data/068test_bds30.gps" > /dev/null || fail "fuse of the .gps"
tools/asterix_compare --tracks "$work/gps.tracks" --plots "$work/placed.jsonl" --json > "$work/placed.json"
python3 -c 'import json, sys
report = json.load(open(sys.argv[1]))
assert {one["address"] for one in report["aircraft"]} == {"343085", "3430D8"}, report["aircraft"]
assert all(one["coverage"] > 0.9 for one in report["aircraft"]), report["aircraft"]' "$work/placed.json" || fail "asterix_compare does not follow both aircraft"
exit 0
