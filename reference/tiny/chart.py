"""The training curve as a small SVG: PSNR of the answer given at t = 1, in one step from pure noise, by task."""

import json

COLORS = ("#d62828", "#f77f00", "#2ea043", "#2160d6", "#823cbe", "#6b7280", "#0f766e")
WIDTH, HEIGHT, LEFT, BOTTOM, RIGHT, TOP = 760, 380, 52, 40, 120, 16


def curve(log):
    """SVG text from a log of train.py."""
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    rows = list({row["step"]: row for row in rows}.values())  # a run that went on from a checkpoint may repeat some steps
    tasks = [k for k in rows[-1] if k not in ("step", "seconds")]
    last = rows[-1]["step"]
    values = [row[t] for row in rows for t in tasks if t in row]
    low, high = min(values) // 5 * 5, max(values) // 5 * 5 + 5
    x = lambda step: LEFT + (WIDTH - LEFT - RIGHT) * step / last  # noqa: E731
    y = lambda v: TOP + (HEIGHT - TOP - BOTTOM) * (high - v) / (high - low)  # noqa: E731
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">']
    out.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
    for v in range(int(low), int(high) + 1, 5):
        out.append(f'<path d="M{LEFT} {y(v):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/><text x="8" y="{y(v) + 4:.1f}">{v} dB</text>')
    for k in range(5):
        step = last * k // 4
        out.append(f'<text x="{x(step):.1f}" y="{HEIGHT - 14}" text-anchor="middle">{step}</text>')
    out.append(f'<text x="{WIDTH - RIGHT + 24}" y="{HEIGHT - 14}">steps</text>')
    spread, above = {}, TOP - 14
    for task in sorted(tasks, key=lambda t: -rows[-1].get(t, low)):  # labels stand at least 14 units apart
        spread[task] = above = max(y(rows[-1].get(task, low)), above + 14)
    for color, task in zip(COLORS, tasks):
        smooth, points = None, []
        for row in rows:
            if task in row:
                smooth = row[task] if smooth is None else 0.7 * smooth + 0.3 * row[task]
                points.append(f"{x(row['step']):.1f},{y(smooth):.1f}")
        out.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        out.append(f'<text x="{WIDTH - RIGHT + 6}" y="{spread[task] + 4:.1f}" fill="{color}">{task}</text>')
    return "\n".join(out) + "\n</svg>\n"
