"""What each policy of the reference cache saves and costs on the embedded model, over seeded held-out edits.

    bench/kv-study                     # 24 cases, about a quarter of an hour on two cores; rewrites the figures of docs/kv-cache.md
    bench/kv-study --cases 1 --out study

The world's held-out edits (reference/tiny/world.py) run in one JVM under every policy, in 4, 8 and 20 steps, with and without guidance.
Each picture is compared with that of policy off (same seed, same steps) and with the exact answer. Two yardsticks stand beside them: the
uncached run of fewer steps, which saves operations without any cache, and the noise floor, diffusers in bfloat16 against itself in float32
from the same noise. The edited region is where the exact answer differs from the first reference, and two pixels around.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "reference"), str(ROOT / "reference" / "tiny")]

import world  # noqa: E402

MODEL = ROOT / "models" / "tiny-qwen-image-edit"
STEPS, SCALES = (4, 8, 20), (1.0, 4.0)
FEWER = {4: (1, 2, 3), 8: (2, 3, 4, 5, 6), 20: (4, 8, 10, 12, 14, 16)}
POLICIES = (
    "exact",
    "anchored:warmup=1",
    "anchored:warmup=2",
    "anchored:warmup=3",
    "anchored:warmup=1,every=2",
    "anchored:warmup=1,every=4",
    "anchored:warmup=2,every=4",
    "anchored:warmup=1,first=0,last=2",
    "anchored:warmup=1,first=3",
    "anchored:warmup=1,dtype=bf16",
    "anchored:warmup=1,dtype=int8",
    "rolling:groups=2,warmup=1",
    "rolling:groups=4,warmup=1",
    "rolling:groups=4,warmup=2",
    "rolling:groups=8,warmup=2",
    "adaptive:budget=0.02",
    "adaptive:budget=0.05",
    "adaptive:budget=0.1",
    "adaptive:budget=0.2",
)
COLORS = {"anchored": "#d62828", "rolling": "#2160d6", "adaptive": "#2ea043", "fewer steps": "#6b7280"}


def cases(count):
    """{name: (sample, seed)}, so many for each task."""
    tasks = [t for t in world.TASKS if t != "text-to-image"]
    return {f"{task}-{i}": (s, i) for task in tasks for i, s in enumerate(world.evaluation(task, count))}


def write_cases(folder, made):
    lines = []
    for name, (sample, seed) in made.items():
        for i, reference in enumerate(sample.references):
            (folder / f"{name}.{i}.rgb").write_bytes(world.render(reference).tobytes())
        lines.append(f"{name}\t{len(sample.references)}\t{world.SIZE}\t{seed}\t{sample.prompt}")
    (folder / "cases.tsv").write_text("\n".join(lines) + "\n", "utf-8")


def runs(made):
    """(case, steps, scale, policy, of how many steps) of every run; "off" with fewer steps is a yardstick of its row."""
    rows = []
    for name in made:
        for steps in STEPS:
            for scale in SCALES:
                rows.append((name, steps, scale, "off", steps))
                rows += [(name, steps, scale, policy, steps) for policy in POLICIES]
                rows += [(name, fewer, scale, "off", steps) for fewer in FEWER[steps]]
    return rows


def run_java(folder, rows):
    (folder / "runs.tsv").write_text("".join(f"{n}\t{s}\t{g}\t{p}\n" for n, s, g, p, _ in rows), "utf-8")
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else "java"
    path = f"{ROOT}/bench/target/classes:" + (ROOT / "bench/target/classpath").read_text().strip()
    options = ["--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0"]
    subprocess.run([java, *options, "-cp", path, "inkstone.bench.KvStudy", str(MODEL), str(folder)], check=True, stderr=subprocess.DEVNULL)
    out = []
    for line in (folder / "results.tsv").read_text("utf-8").splitlines():
        n, flop, off, full, cached, partial, size, seconds, drift = line.split("\t")
        out.append({"flop": float(flop), "flop_off": float(off), "full": int(full), "cached": int(cached), "partial": int(partial),
                    "bytes": int(size), "seconds": float(seconds), "drift": [float(d) for d in drift.split(",") if d]})
    return out


def picture(folder, n):
    return np.frombuffer((folder / f"{n}.rgb").read_bytes(), np.uint8).reshape(world.SIZE, world.SIZE, 3)


def latents(folder, n):
    values = np.frombuffer((folder / f"{n}.f32").read_bytes(), "<f4").astype(np.float64)
    assert values.size and np.isfinite(values).all(), n
    return values


def psnr(a, b):
    error = np.square(a.astype(np.float64) - b.astype(np.float64)).mean()
    return 99.0 if error == 0 else -10 * math.log10(error / 255**2)


def dilated(mask, by=2):
    out = mask.copy()
    for dy in range(-by, by + 1):
        for dx in range(-by, by + 1):
            out |= np.roll(mask, (dy, dx), (0, 1))
    return out


def compare(got, base, edited):
    """Errors of a picture against another, apart for the edited and the preserved region."""
    delta = np.abs(got.astype(int) - base.astype(int))
    far = (delta > 8).any(2)
    row = {"max": int(delta.max()), "mean": float(delta.mean()), "psnr": psnr(got, base), "far": float(far.mean())}
    for name, region in (("edited", edited), ("preserved", ~edited)):
        row[f"{name}_psnr"] = psnr(got[region], base[region])
        row[f"{name}_far"] = float(far[region].mean())
    return row


def bfloat16_floor(made):
    """Relative L2 of last latents and picture errors of diffusers in bfloat16 against float32, from the same noise."""
    import torch

    import common
    import evaluate
    import pipes

    common.settle()
    rows = []
    pipe = pipes.load(MODEL)["QwenImageEditPlusPipeline"]
    for steps in STEPS:
        for scale in SCALES:
            for name, (sample, seed) in made.items():
                noise = torch.randn(1, 64, 64, generator=torch.Generator().manual_seed(seed))
                seen = {}
                for kind in (torch.float32, torch.bfloat16):
                    for part in (pipe.transformer, pipe.text_encoder, pipe.vae):
                        part.to(kind)
                    last = []
                    image = pipe(image=[world.picture(r) for r in sample.references], prompt=sample.prompt, negative_prompt=" ",
                                 num_inference_steps=steps, true_cfg_scale=scale, width=world.SIZE, height=world.SIZE,
                                 latents=noise.to(kind), callback_on_step_end=lambda p, i, t, kw: last.append(kw["latents"]) or kw)
                    seen[kind] = (last[-1].float().numpy().astype(np.float64).ravel(), np.asarray(image.images[0]))
                (a, pa), (b, pb) = seen[torch.float32], seen[torch.bfloat16]
                answer = world.render(sample.target)
                rows.append({"case": name, "steps": steps, "scale": scale, "latent": float(np.linalg.norm(b - a) / np.linalg.norm(a)),
                             **compare(pb, pa, edited_region(sample)), "right": bool(evaluate.is_right(sample, pb, answer))})
    pipe.to(torch.float32)
    return rows


def edited_region(sample):
    return dilated((world.render(sample.target) != world.render(sample.references[0])).any(2))


def judge(folder, made, rows, results):
    import evaluate

    base = {}
    for n, (name, steps, scale, policy, of) in enumerate(rows):
        if policy == "off" and steps == of:
            base[name, steps, scale] = n
    judged = []
    for n, ((name, steps, scale, policy, of), result) in enumerate(zip(rows, results, strict=True)):
        sample = made[name][0]
        off = base[name, of, scale]
        reference = latents(folder, off)
        got, answer = picture(folder, n), world.render(sample.target)
        full = results[off]["flop_off"]
        row = {"n": n, "case": name, "steps": of, "scale": scale, "policy": policy if steps == of else f"{steps} steps",
               "saved": 1 - result["flop"] / full, "latent": float(np.linalg.norm(latents(folder, n) - reference) / np.linalg.norm(reference)),
               **compare(got, picture(folder, off), edited_region(sample)),
               "answer_psnr": psnr(got, answer), "right": bool(evaluate.is_right(sample, got, answer))}
        if policy == "exact" and row["latent"] != 0:
            sys.exit(f"exact differs from off in {name}, {steps} steps, scale {scale}")
        judged.append(row)
    return judged


def summary(judged, floor):
    """One line for each (steps, scale, policy): means over the cases, and the worst case."""
    lines = []
    keys = list(dict.fromkeys((r["steps"], r["scale"], r["policy"]) for r in judged))
    for steps, scale, policy in keys:
        of = [r for r in judged if (r["steps"], r["scale"], r["policy"]) == (steps, scale, policy)]
        lines.append(line(steps, scale, policy, of, float(np.mean([r["saved"] for r in of]))))
    for steps in STEPS:
        for scale in SCALES:
            of = [r for r in floor if r["steps"] == steps and r["scale"] == scale]
            if of:
                lines.append(line(steps, scale, "bfloat16", of, 0.0))
    return lines


def line(steps, scale, policy, of, saved):
    mean = lambda key: float(np.mean([r[key] for r in of]))  # noqa: E731
    worst = max(of, key=lambda r: r["latent"])
    return {"steps": steps, "scale": scale, "policy": policy, "cases": len(of), "saved": saved, "latent": mean("latent"),
            "latent_worst": worst["latent"], "worst": worst["case"], "psnr": mean("psnr"), "psnr_worst": min(r["psnr"] for r in of),
            "far": mean("far"), "edited_psnr": mean("edited_psnr"), "preserved_psnr": mean("preserved_psnr"), "right": mean("right"),
            "answer_psnr": mean("answer_psnr") if "answer_psnr" in of[0] else None}


def plot(lines):
    """SVG: operations saved against the error of the last latents, a panel for each number of steps and scale."""
    width, height, left, top, gap = 300, 230, 56, 30, 16
    low, high = -3.5, 0.0
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + 3 * (width + gap)} {2 * (height + 50) + 40}" '
           'font-family="sans-serif" font-size="11">', '<rect width="100%" height="100%" fill="white"/>']
    for row, scale in enumerate(SCALES):
        for column, steps in enumerate(STEPS):
            x0, y0 = left + column * (width + gap), top + row * (height + 50)
            x = lambda saved: x0 + width * max(0.0, saved) / 0.85  # noqa: E731, B023
            y = lambda e: y0 + height * (high - min(high, max(low, math.log10(max(e, 1e-9))))) / (high - low)  # noqa: E731, B023
            out.append(f'<text x="{x0}" y="{y0 - 8}" font-weight="bold">{steps} steps, cfg {scale:g}</text>')
            for e in range(math.ceil(low), 1):
                out.append(f'<path d="M{x0} {y(10**e):.1f}h{width}" stroke="#ddd"/>')
                if column == 0:
                    out.append(f'<text x="{x0 - 6}" y="{y(10**e) + 4:.1f}" text-anchor="end">{100 * 10**e:g} %</text>')
            for s in range(0, 81, 20):
                out.append(f'<path d="M{x(s / 100):.1f} {y0}v{height}" stroke="#eee"/>'
                           f'<text x="{x(s / 100):.1f}" y="{y0 + height + 14}" text-anchor="middle">{s} %</text>')
            here = [r for r in lines if r["steps"] == steps and r["scale"] == scale]
            for r in here:
                if r["policy"] == "bfloat16":
                    out.append(f'<path d="M{x0} {y(r["latent"]):.1f}h{width}" stroke="#111" stroke-dasharray="5 4"/>'
                               f'<text x="{x0 + width}" y="{y(r["latent"]) - 4:.1f}" text-anchor="end">bfloat16 noise floor</text>')
            fewer = sorted((r for r in here if r["policy"].endswith(" steps")), key=lambda r: r["saved"])
            points = " ".join(f'{x(r["saved"]):.1f},{y(r["latent"]):.1f}' for r in fewer)
            out.append(f'<polyline points="{points}" fill="none" stroke="{COLORS["fewer steps"]}"/>')
            for r in here:
                family = "fewer steps" if r["policy"].endswith(" steps") else r["policy"].split(":")[0]
                if family in COLORS and "dtype" not in r["policy"]:
                    out.append(f'<circle cx="{x(r["saved"]):.1f}" cy="{y(r["latent"]):.1f}" r="4" fill="{COLORS[family]}" fill-opacity="0.8">'
                               f'<title>{r["policy"]}: {100 * r["saved"]:.1f} % saved, {100 * r["latent"]:.2f} % error</title></circle>')
    at = left
    for name, color in COLORS.items():
        label = "uncached, fewer steps" if name == "fewer steps" else name
        out.append(f'<circle cx="{at}" cy="{2 * (height + 50) + 24}" r="4" fill="{color}"/><text x="{at + 8}" y="{2 * (height + 50) + 28}">{label}</text>')
        at += 80 if name != "fewer steps" else 150
    out.append(f'<text x="{at + 60}" y="{2 * (height + 50) + 28}">across: operations of the transformer saved; up: relative error of the last latents</text>')
    return "\n".join(out) + "\n</svg>\n"


def worst_sheet(folder, made, judged, policy, count=6):
    """Worst cases of a policy at 8 steps: first reference, off, policy, difference times eight."""
    from PIL import Image, ImageDraw

    rows = sorted((r for r in judged if r["policy"] == policy and r["steps"] == 8), key=lambda r: r["psnr"])[:count]
    cell, text = world.SIZE + 4, 16
    sheet = Image.new("RGB", (4 * cell, len(rows) * (cell + text)), "white")
    draw = ImageDraw.Draw(sheet)
    for i, r in enumerate(rows):
        off = next(o["n"] for o in judged if (o["case"], o["steps"], o["scale"], o["policy"]) == (r["case"], 8, r["scale"], "off"))
        a, b = picture(folder, off), picture(folder, r["n"])
        delta = np.minimum(255, 8 * np.abs(a.astype(int) - b.astype(int))).astype(np.uint8)
        y = i * (cell + text)
        draw.text((2, y + 2), f'{made[r["case"]][0].prompt}  cfg {r["scale"]:g}, {r["psnr"]:.1f} dB', fill="black")
        for k, image in enumerate((world.render(made[r["case"]][0].references[0]), a, b, delta)):
            sheet.paste(Image.fromarray(image), (k * cell, y + text))
    return sheet


def table(lines, steps, scale):
    out = ["| policy | saved | latents, mean | worst | PSNR to off | edited | preserved | pixels off by > 8 | edit right |", "|---|---|---|---|---|---|---|---|---|"]
    for r in lines:
        if r["steps"] == steps and r["scale"] == scale:
            name = r["policy"] if not r["policy"].endswith(" steps") else f'off, {r["policy"]}'
            out.append(f'| `{name}` | {100 * r["saved"]:.1f} % | {100 * r["latent"]:.2f} % | {100 * r["latent_worst"]:.1f} % | {r["psnr"]:.1f} dB | '
                       f'{r["edited_psnr"]:.1f} | {r["preserved_psnr"]:.1f} | {100 * r["far"]:.2f} % | {100 * r["right"]:.0f} % |')
    return "\n".join(out)


def publish(page, lines):
    """Puts the tables between the page's marks."""
    text = page.read_text("utf-8")
    for steps in STEPS:
        for scale in SCALES:
            mark = f"<!-- study {steps} {scale:g} -->"
            if mark in text:
                head, rest = text.split(mark, 1)
                text = head + mark + "\n\n" + table(lines, steps, scale) + "\n\n<!-- end" + rest.split("<!-- end", 1)[1]
    page.write_text(text, "utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=4, help="for each of the six tasks (default: 4)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder for figures (default: docs)")
    parser.add_argument("--keep", type=Path, help="keep the runs there, and use them if they are there already")
    parser.add_argument("--no-floor", action="store_true", help="leave out the bfloat16 runs of diffusers")
    args = parser.parse_args()
    made = cases(args.cases)
    rows = runs(made)
    folder = args.keep or Path(tempfile.mkdtemp(prefix="kv-study"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        write_cases(folder, made)
        print(f"{len(made)} cases, {len(rows)} runs", flush=True)
        results = run_java(folder, rows)
        judged = judge(folder, made, rows, results)
        lines = summary(judged, [] if args.no_floor else bfloat16_floor(made))
        (args.out / "images").mkdir(parents=True, exist_ok=True)
        (args.out / "images" / "kv-tradeoff.svg").write_text(plot(lines), "utf-8")
        worst_sheet(folder, made, judged, "anchored:warmup=1").save(args.out / "images" / "kv-worst.png", optimize=True)
        (args.out / "kv-study.json").write_text(json.dumps({"cases": len(made), "lines": lines}, indent=1) + "\n", "utf-8")
        page = args.out / "kv-cache.md"
        if page.is_file():
            publish(page, lines)
        print(table(lines, 8, 1.0))
    finally:
        if not args.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
