#!/usr/bin/env bash
# A real BAM becomes a dataset, on disk and on an S3 server of this machine; one gene comes back from
# both; the export equals the input. Then the same with a real VCF: one donor and one gene of it. Then
# with a volume, which is simulated from a real structure (scripts/demo_volume.py says how and why).
# Run it by ./dev demo, which builds and installs what it needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bam=/usr/share/doc/covtobed-examples/examples/panel_01.bam
gene=chr17:41,196,312-41,277,500 # BRCA1, hg19
vcf=/usr/share/doc/drop-seq/examples/org/broadinstitute/dropseq/censusseq/10_donors_chr22.selected_sites.vcf.gz
donor=WA7_P33_140529
chek2=22:29083731-29137822 # CHEK2, hg19
structure=/usr/share/pymol/data/demo/1tii.pdb
cnf=$PWD/build/release/cnf
versitygw=$(scripts/servers.sh versitygw)/versitygw
work=$(mktemp -d)
server=
stop() {
  if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap stop EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() {
  printf '$ %s\n' "${*//$cnf/cnf}"
  "$@"
}

start_server() {
  export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY AWS_REGION=us-east-1 AWS_ENDPOINT_URL
  AWS_SECRET_ACCESS_KEY=$(head -c 15 /dev/urandom | base64 | tr -dc 'a-zA-Z0-9')
  local port
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  AWS_ENDPOINT_URL=http://127.0.0.1:$port
  mkdir -p "$work/s3/demo" # a folder of the server's is a bucket
  ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
    "$versitygw" --port "127.0.0.1:$port" --keep-alive posix "$work/s3" >"$work/s3.log" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
    sleep 0.1
  done
  echo "demo: the S3 server did not start:" >&2
  cat "$work/s3.log" >&2
  exit 1
}

# The requests and bytes of a query whose --metrics went to a file, of the file that was converted.
cost() {
  python3 - "$1" "${2:-$bam}" <<'E2'
import json, os, sys
m = json.load(open(sys.argv[1]))
size = os.path.getsize(sys.argv[2])
print("  %d requests, %s bytes: %.2f %% of the file's %s" %
      (m["requests"]["total"], f'{m["bytes_fetched"]:,}', 100 * m["bytes_fetched"] / size, f"{size:,}"))
E2
}

say "A real BAM: $bam"
printf '  %s bytes, %s records\n' "$(stat -c %s "$bam")" "$(samtools view -c "$bam")"

say "1. Convert it, to a folder and to S3"
start_server
show "$cnf" bams3 convert "$bam" "$work/panel.bams3"
show "$cnf" bams3 convert "$bam" s3://demo/panel.bams3
show "$cnf" du s3://demo/panel.bams3

say "2. What a query will cost, before anything is read"
show "$cnf" bams3 view --explain s3://demo/panel.bams3 "$gene"

say "3. BRCA1, from the folder and from S3"
for uri in "$work/panel.bams3" s3://demo/panel.bams3; do
  printf '$ cnf bams3 view %s %s\n' "${uri/$work/.}" "$gene"
  "$cnf" bams3 view --metrics "$uri" "$gene" >"$work/records.sam" 2>"$work/metrics.json"
  printf '  %s records; the first:\n' "$(wc -l <"$work/records.sam")"
  head -n 3 "$work/records.sam" | cut -c 1-110 | sed 's/^/    /'
  cost "$work/metrics.json"
done
if ! cmp -s "$work/records.sam" <(samtools view "$bam" "$gene" 2>/dev/null || samtools view -L \
  <(tr -d , <<<"$gene" | awk -F'[:-]' '{print $1 "\t" $2 - 1 "\t" $3}') "$bam"); then
  echo "demo: samtools view gives other records" >&2
  exit 1
fi
echo "  samtools view of the BAM gives the same records"

say "4. Counting costs less still"
printf '$ cnf bams3 view -c s3://demo/panel.bams3 %s\n' "$gene"
"$cnf" bams3 view -c --metrics s3://demo/panel.bams3 "$gene" 2>"$work/metrics.json"
cost "$work/metrics.json"
printf '$ cnf bams3 flagstat s3://demo/panel.bams3\n'
"$cnf" bams3 flagstat --metrics s3://demo/panel.bams3 2>"$work/metrics.json" | head -n 2
cost "$work/metrics.json"

say "5. The export equals the input"
show "$cnf" bams3 export s3://demo/panel.bams3 "$work/export.bam"
if ! cmp <(samtools view -h --no-PG "$bam") <(samtools view -h --no-PG "$work/export.bam"); then
  echo "demo: the export differs from the input" >&2
  exit 1
fi
echo "  header and every record are identical"
show "$cnf" validate --deep s3://demo/panel.bams3

say "A real VCF: ${vcf##*/}"
printf '  %s bytes\n' "$(stat -c %s "$vcf")"
show "$cnf" vcfs3 convert "$vcf" s3://demo/donors.vcfs3
show "$cnf" du s3://demo/donors.vcfs3

say "6. One donor and one gene; who carries an ID"
printf '$ cnf vcfs3 view -s %s s3://demo/donors.vcfs3 %s\n' "$donor" "$chek2"
"$cnf" vcfs3 view --metrics -s "$donor" s3://demo/donors.vcfs3 "$chek2" \
  >"$work/donor.vcf" 2>"$work/metrics.json"
printf '  %s records\n' "$(grep -vc '^#' "$work/donor.vcf")"
cost "$work/metrics.json" "$vcf"
if ! cmp -s <(bcftools query -f '%POS[ %GT]\n' "$work/donor.vcf") \
  <(bcftools view -s "$donor" -t "$chek2" "$vcf" | bcftools query -f '%POS[ %GT]\n'); then
  echo "demo: bcftools view gives other records" >&2
  exit 1
fi
echo "  bcftools view of the VCF gives the same"
show "$cnf" vcfs3 carriers --id rs5997390 s3://demo/donors.vcfs3

say "7. The text comes back byte for byte"
show "$cnf" vcfs3 export s3://demo/donors.vcfs3 "$work/donors.vcf"
cmp "$work/donors.vcf" <(gzip -cd "$vcf")
echo "  identical"

say "A volume: copies of PDB 1TII in noise, simulated"
volume=$work/volume.mrc
python3 scripts/demo_volume.py "$structure" "$volume"
printf '  %s bytes of MRC\n' "$(stat -c %s "$volume")"
show "$cnf" cryoem import "$volume" s3://demo/volume.zarr --chunk 64,64,64
show "$cnf" info s3://demo/volume.zarr | sed '/^source/,$d'

say "8. One box and one slice of it"
show "$cnf" cryoem query --explain s3://demo/volume.zarr --box 100,100,50,64,64,64
printf '$ cnf cryoem query s3://demo/volume.zarr --box 100,100,50,64,64,64 -o box.mrc\n'
"$cnf" cryoem query --metrics s3://demo/volume.zarr --box 100,100,50,64,64,64 -o "$work/box.mrc" 2>"$work/metrics.json"
cost "$work/metrics.json" "$volume"
printf '$ cnf cryoem slice s3://demo/volume.zarr --at 40 --level 1 -o slice.png\n'
"$cnf" cryoem slice --metrics s3://demo/volume.zarr --at 40 --level 1 -o "$work/slice.png" 2>"$work/metrics.json"
cost "$work/metrics.json" "$volume"
show "$cnf" cryoem stats s3://demo/volume.zarr

say "9. The file comes back byte for byte"
show "$cnf" cryoem export s3://demo/volume.zarr "$work/again.mrc"
cmp "$volume" "$work/again.mrc"
echo "  identical"
show "$cnf" validate --deep s3://demo/volume.zarr
