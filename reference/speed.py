"""Inkstone beside PyTorch, NumPy, diffusers and, where it is built, stable-diffusion.cpp: the same shapes, in turns, one table.

    bench/compare                                  # everything, some minutes to half an hour
    bench/compare --only gemm,attention --out table.md
    bench/compare --quick                          # fewer runs
    bench/compare --smoke                          # tiny sizes: whether it works; the figures mean nothing

Every contestant of a row runs once a round, in a changing order; the medians are compared. Inkstone stays in one JVM
(`./inkstone bench --serve-lines`), the others in one process for each number of threads (`peer.py`). All weights are random.
"""

import argparse
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
GROUPS = ("gemm", "types", "gemv", "attention", "block", "memory", "vae", "text", "step", "process")
TYPES = ("BF16", "F16", "F8_E4M3", "F8_E5M2", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
         "IQ4_XS")
SHAPES = ({"m": 2304, "n": 3072, "k": 3072}, {"m": 2304, "n": 12288, "k": 3072})
PAUSE = 0.05  # seconds in which the threads of the one before stop spinning
RESIDENT_ALLOWANCE = 600e6

SMOKE = {
    "gemm": {"m": 12, "n": 64, "k": 256}, "gemv": {"n": 64, "k": 256},
    "attention": {"tokens": 64, "heads": 2, "head_dim": 32},
    "block": {"tokens": 32, "text": 8, "heads": 2, "head_dim": 32, "text_dim": 48},
    "vae-decode": {"size": 32, "base_dim": 8}, "vae-encode": {"size": 32, "base_dim": 8},
    "text-decoder": {"tokens": 10, "hidden": 64, "heads": 2, "kv_heads": 1, "intermediate": 128},
    "text-vision": {"side": 8, "hidden": 64, "heads": 2, "intermediate": 96, "out": 48},
    "step": {"size": 64, "refs": 1, "text": 8, "heads": 2, "head_dim": 32, "text_dim": 48},
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(GROUPS), help="groups with commas between, of " + ", ".join(GROUPS))
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="worker threads (GEMM is measured with one as well)")
    parser.add_argument("--runs", type=int, default=7, help="rounds of each row; half as many of the slow ones")
    parser.add_argument("--quick", action="store_true", help="three rounds, one of the slow rows")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes")
    parser.add_argument("--out", type=Path, help="write the table to this file as well")
    parser.add_argument("--sd", type=Path, help="the program of stable-diffusion.cpp, where it is built")
    parser.add_argument("--sd-args", default="", help="its arguments for a 512x512 picture with --vae-tiling; its log tells the decoding time")
    args = parser.parse_args()
    args.only = args.only.split(",")
    unknown = [name for name in args.only if name not in GROUPS]
    if unknown:
        parser.error(f"--only: expected some of {', '.join(GROUPS)}, got {', '.join(unknown)}")
    if args.sd and not args.sd_args:
        parser.error("--sd needs --sd-args: the model's files and what to paint, as for a run by hand")
    if args.quick:
        args.runs = 3
    if args.runs < 1 or args.threads < 1:
        parser.error("--runs and --threads: expected 1 or more")
    return args


class Lines:
    """A process that answers a line of JSON with a line of JSON."""

    def __init__(self, command):
        self.command = command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            sys.exit(f"{shlex.join(map(str, self.command))}: ended without an answer to {request}")
        reply = json.loads(line)
        if "error" in reply:
            raise RuntimeError(f"{request}: {reply['error']}")
        return reply

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Contestants:
    """The processes, started when they are first asked."""

    def __init__(self):
        self.open = {}

    def inkstone(self):
        return self._get("inkstone", [ROOT / "inkstone", "bench", "--serve-lines"])

    def peer(self, threads):
        return self._get(threads, [sys.executable, ROOT / "reference" / "peer.py", "--threads", str(threads)])

    def _get(self, key, command):
        if key not in self.open:
            self.open[key] = Lines(command)
        return self.open[key]

    def clear(self):
        for lines in self.open.values():
            lines.ask(work="clear")

    def close(self):
        for lines in self.open.values():
            lines.close()


class Table:
    def __init__(self):
        self.rows = []

    def row(self, work, threads, ours, theirs, ratio, bar=None, met=None, text=None):
        """One line. `text` is what stands for the ratio when it is no plain quotient."""
        verdict = "" if bar is None else "yes" if (met if met is not None else ratio >= bar) else "**no**"
        shown = text or ("" if ratio is None else f"{ratio:.2f}")
        wanted = "" if bar is None else bar if isinstance(bar, str) else f"≥ {bar:g}"
        self.rows.append((work, str(threads or ""), ours, theirs, shown, wanted, verdict))
        print("  " + " | ".join(self.rows[-1]), file=sys.stderr, flush=True)

    def markdown(self):
        lines = ["| work | threads | Inkstone | beside | ratio | bar | met |", "|---|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines)


def seconds_text(seconds, flop=None):
    text = f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.3g} µs"
    return text + (f", {flop / seconds / 1e9:.0f} GFLOP/s" if flop else "")


class Race:
    """Contestants of one row: name to a function that runs once and returns seconds."""

    def __init__(self, runs):
        self.runs = runs
        self.entries = {}

    def rounds(self):
        times = {name: [] for name in self.entries}
        names = list(self.entries)
        for round_number in range(self.runs):
            turn = round_number % len(names)
            for name in names[turn:] + names[:turn]:
                time.sleep(PAUSE)
                times[name].append(self.entries[name]())
        return {name: median(values) for name, values in times.items()}


class Comparison:
    def __init__(self, args):
        self.args, self.table, self.contestants = args, Table(), Contestants()

    def slow_runs(self):
        return 1 if self.args.quick or self.args.smoke else max(1, self.args.runs // 2)

    def sizes(self, work, sizes):
        return SMOKE[work] if self.args.smoke else sizes

    def ours(self, work, sizes, threads, dtype=None):
        """(one run, facts): the facts are flop, bytes, mappedBytes."""
        request = {"work": work, "threads": threads, **({"dtype": dtype} if dtype else {}), **sizes}
        facts = self.contestants.inkstone().ask(**request, runs=0)
        return lambda: self.contestants.inkstone().ask(**request, runs=1)["seconds"][0], facts

    def theirs(self, engine, work, sizes, threads):
        sizes = {k: v for k, v in sizes.items() if k != "text_dim"}
        request = {"work": work, "engine": engine, "threads": threads, **sizes}
        self.contestants.peer(threads).ask(**request, runs=0)
        return lambda: self.contestants.peer(threads).ask(**request, runs=1)["seconds"][0]

    def run(self):
        for group in self.args.only:
            print(f"{group} …", file=sys.stderr, flush=True)
            getattr(self, group)()
            self.contestants.clear()

    def gemm(self):
        for threads in sorted({1, self.args.threads}):
            for shape in SHAPES:
                sizes = self.sizes("gemm", shape)
                race = Race(self.args.runs)
                race.entries["ours"], facts = self.ours("gemm", sizes, threads, "F32")
                race.entries["peak"], peak = self.ours("peak", {}, threads)
                race.entries["torch"] = self.theirs("torch", "gemm", sizes, threads)
                race.entries["numpy"] = self.theirs("numpy", "gemm", sizes, threads)
                times = race.rounds()
                flop, ours = facts["flop"], times["ours"]
                title = "GEMM F32 " + "×".join(str(v) for v in sizes.values())
                for rival, label in (("torch", "PyTorch linear"), ("numpy", "NumPy, OpenBLAS")):
                    self.table.row(title, threads, seconds_text(ours, flop), f"{label}: {seconds_text(times[rival], flop)}",
                                   times[rival] / ours, 1.05)
                share = flop / ours / (peak["flop"] / times["peak"])
                self.table.row(title, threads, seconds_text(ours, flop),
                               f"FMA peak: {peak['flop'] / times['peak'] / 1e9:.0f} GFLOP/s", share, "≥ 90 %", share >= 0.9,
                               f"{100 * share:.0f} %")
                self.contestants.clear()

    def types(self):
        threads = self.args.threads
        for shape in SHAPES:
            sizes = self.sizes("gemm", shape)
            race = Race(self.args.runs)
            facts = None
            for dtype in ("F32", *TYPES):
                race.entries[dtype], facts = self.ours("gemm", sizes, threads, dtype)
            times = race.rounds()
            for dtype in TYPES:
                self.table.row(f"GEMM {dtype} " + "×".join(str(v) for v in sizes.values()), threads,
                               seconds_text(times[dtype], facts["flop"]), f"F32 weights: {seconds_text(times['F32'], facts['flop'])}",
                               times["F32"] / times[dtype], 0.95)
            self.contestants.clear()

    def gemv(self):
        threads = self.args.threads
        sizes = self.sizes("gemv", {"n": 18432, "k": 3072})
        race, facts = Race(self.args.runs), {}
        for dtype in ("F32", *TYPES):
            race.entries[dtype], facts[dtype] = self.ours("gemv", sizes, threads, dtype)
        race.entries["read"], read = self.ours("read", {}, threads)
        race.entries["torch"] = self.theirs("torch", "gemv", sizes, threads)
        race.entries["torch-bf16"] = self.theirs("torch-bf16", "gemv", sizes, threads)
        times = race.rounds()
        bandwidth = read["bytes"] / times["read"]
        for dtype in ("F32", *TYPES):
            rate = facts[dtype]["bytes"] / times[dtype]
            self.table.row(f"GEMV {dtype} {sizes['k']}→{sizes['n']}", threads, f"{seconds_text(times[dtype])}, {rate / 1e9:.1f} GB/s",
                           f"reading memory: {bandwidth / 1e9:.1f} GB/s", rate / bandwidth, "≥ 70 %", rate / bandwidth >= 0.7, text=f"{100 * rate / bandwidth:.0f} %")
        for engine, dtype in (("torch", "F32"), ("torch-bf16", "BF16")):
            self.table.row(f"GEMV {dtype} {sizes['k']}→{sizes['n']}", threads, seconds_text(times[dtype]),
                           f"PyTorch linear: {seconds_text(times[engine])}", times[engine] / times[dtype])

    def attention(self):
        for tokens in (2304, 8448):
            sizes = self.sizes("attention", {"tokens": tokens, "heads": 24, "head_dim": 128})
            self.duel(f"attention {sizes['heads']}×{sizes['head_dim']}, {sizes['tokens']} tokens", "attention", sizes, None,
                      {"torch": "PyTorch scaled_dot_product_attention"}, 1.2, self.args.runs)

    def block(self):
        sizes = self.sizes("block", {"tokens": 2048, "text": 256})
        title = f"Qwen-Image block, {sizes['tokens']} image and {sizes['text']} text tokens, BF16 weights"
        times, facts = self.duel(title, "block", sizes, "BF16",
                                 {"torch": "diffusers F32", "torch-bf16": "diffusers BF16 (for information)"}, 1.2, self.slow_runs())
        self.table.row(title, "", seconds_text(times["ours"], facts["flop"]),
                       "stable-diffusion.cpp, q8_0: cited, not measured: about 65 GFLOP/s on two AVX2 cores", None)

    def memory(self):
        """In a process of its own: the high-water mark is a process's."""
        sizes = self.sizes("block", {"tokens": 2048, "text": 256})
        result = self.report("block", sizes, 1)["results"][0]
        resident, mapped = result["peakResidentBytes"], result["mappedBytes"]
        self.table.row("block, resident memory", self.args.threads, f"{resident / 1e6:.0f} MB", f"mapped weights: {mapped / 1e6:.0f} MB",
                       None, "≤ weights + 600 MB", resident <= mapped + RESIDENT_ALLOWANCE, f"+{(resident - mapped) / 1e6:.0f} MB")

    def vae(self):
        decode = self.sizes("vae-decode", {"size": 512, "base_dim": 96})
        times, _ = self.duel(f"VAE decode {decode['size']}²", "vae-decode", decode, None, {"torch": "diffusers F32"}, 2.5, self.slow_runs())
        self.stable_diffusion_cpp(times["ours"])
        self.contestants.clear()
        encode = self.sizes("vae-encode", {"size": 1024, "base_dim": 96})
        self.duel(f"VAE encode {encode['size']}²", "vae-encode", encode, None, {"torch": "diffusers F32"}, 2.5, self.slow_runs())

    def stable_diffusion_cpp(self, ours):
        if not self.args.sd:
            self.table.row("VAE decode 512²", "", seconds_text(ours),
                           "stable-diffusion.cpp, tiled: not built on this machine; cited, not measured: 181 s on two AVX2 cores", None)
            return
        log = subprocess.run([self.args.sd, *shlex.split(self.args.sd_args), "-t", str(self.args.threads)], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT)
        found = re.search(r"decoded, taking ([\d.]+)\s*s", log.stdout)
        if log.returncode or not found:
            sys.exit(f"{self.args.sd}: expected a line 'decoded, taking … s', exit {log.returncode}, got:\n{log.stdout[-2000:]}")
        theirs = float(found[1])
        self.table.row("VAE decode 512²", self.args.threads, seconds_text(ours), f"stable-diffusion.cpp, tiled, one run: {theirs:.1f} s",
                       theirs / ours, 15)

    def text(self):
        decoder = self.sizes("text-decoder", {"tokens": 250})
        self.duel(f"text encoder, 1 decoder layer, {decoder['tokens']} tokens, BF16 weights", "text-decoder", decoder, "BF16",
                  {"torch": "transformers F32"}, 1, self.args.runs)
        vision = self.sizes("text-vision", {"side": 28})
        self.duel(f"text encoder, 1 vision block with patches and merger, {vision['side'] ** 2} patches, BF16 weights", "text-vision",
                  vision, "BF16", {"torch": "transformers F32"}, 1, self.args.runs)

    def step(self):
        sizes = self.sizes("step", {"size": 1024, "refs": 1, "text": 250, "layers": 2})
        result = self.report("step", sizes, self.slow_runs())["results"][0]
        title = f"step, 2 layers, {sizes['size']}² with {sizes['refs']} reference"
        joining, glue = result["joiningShare"], result["glueShare"]
        self.table.row(title, self.args.threads, seconds_text(result["median"], result["flop"]),
                       f"sum of its parts: {seconds_text(result['partsSeconds'])}", None, "within 5 %", abs(joining) <= 0.05,
                       f"{100 * joining:+.1f} %")
        self.table.row("norms and RoPE of its blocks", self.args.threads, "", "", None, "< 8 %", glue < 0.08, f"{100 * glue:.1f} %")

    def process(self):
        """Whole programs, from start to file."""
        with tempfile.TemporaryDirectory() as folder:
            for steps in (4, 20):
                common = ["-r", ROOT / "examples/scene.png", "-p", "Change the background to navy.", "--steps", str(steps), "--seed", "0",
                          "--threads", str(self.args.threads), "-o", Path(folder) / "out.png"]
                race = Race(1 if self.args.smoke else self.args.runs)
                race.entries["ours"] = self.program([ROOT / "inkstone", "edit", "-q", *common])
                race.entries["theirs"] = self.program([sys.executable, ROOT / "reference/edit_once.py", *common])
                for run in race.entries.values():
                    run()
                times = race.rounds()
                self.table.row(f"whole process, embedded model, 128², {steps} steps", self.args.threads, seconds_text(times["ours"]),
                               f"diffusers: {seconds_text(times['theirs'])}", times["theirs"] / times["ours"], 2)

    @staticmethod
    def program(command):
        def run():
            start = time.perf_counter()
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return time.perf_counter() - start

        return run

    def duel(self, title, work, sizes, dtype, rivals, bar, runs):
        """Ours against some engines of the peer; the bar is for the first."""
        threads = self.args.threads
        race = Race(1 if self.args.smoke else runs)
        race.entries["ours"], facts = self.ours(work, sizes, threads, dtype)
        for engine in rivals:
            race.entries[engine] = self.theirs(engine, work, sizes, threads)
        times = race.rounds()
        for i, (engine, label) in enumerate(rivals.items()):
            self.table.row(title, threads, seconds_text(times["ours"], facts["flop"]), f"{label}: {seconds_text(times[engine], facts['flop'])}",
                           times[engine] / times["ours"], bar if i == 0 else None)
        return times, facts

    def report(self, work, sizes, runs):
        shape = ",".join(f"{name}={value}" for name, value in sizes.items())
        command = [ROOT / "inkstone", "bench", work, "--json", "--runs", str(runs), "--threads", str(self.args.threads), "--shape", shape]
        return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout)

    def heading(self):
        ours = self.contestants.inkstone().ask(work="machine")
        peer = self.contestants.peer(self.args.threads).ask(work="machine")
        runs = f"medians of {self.args.runs} runs in turns ({self.slow_runs()} of block, step and VAE)"
        return "\n".join((
            f"{time.strftime('%Y-%m-%d')}: {ours['cpu']}, {ours['cores']} processors, {platform.system()} {platform.release()}; {runs}.",
            f"Inkstone {ours['version']}, {ours['jdk']}, vectors of {ours['vectorBits']} bits; PyTorch {peer['torch']} ({peer['capability']}), "
            f"diffusers {peer['diffusers']}, transformers {peer['transformers']}, NumPy {peer['numpy']} with {peer['blas']}.",
            "The ratio says how many times as fast Inkstone is.",
            *(["**Tiny sizes: these figures mean nothing.**"] if self.args.smoke else [])))


def main():
    args = arguments()
    comparison = Comparison(args)
    try:
        heading = comparison.heading()
        comparison.run()
    finally:
        comparison.contestants.close()
    text = heading + "\n\n" + comparison.table.markdown() + "\n"
    print(text, end="")
    if args.out:
        args.out.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
