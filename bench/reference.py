"""What benches of the whole engine hold their CPU times against, so that they are ratios within one run: an IMM step of Eigen's, a text
that doesn't change with weft's."""
import json
import subprocess

NAME = "over an IMM step of Eigen's"


def imm_step_ns(build):
    """Its time in this minute on this machine: predict and radar update of three models in space, the machine's widest instructions."""
    out = subprocess.run([build / "bench/bench_kernel_imm"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return next(row["value"] for row in json.loads(out)["figures"] if row["name"] == "in space: Eigen, the best's instruction set: time per track")
