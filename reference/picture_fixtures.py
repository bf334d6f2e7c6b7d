"""Writes small pictures of every kind that the app reads, with the RGB bytes that Pillow reads from them.

Usage: python reference/picture_fixtures.py [folder], by default app/src/test/resources/pictures. For each NAME there is a NAME.rgb:
int32 width and height, little-endian, then the bytes. Pictures: PNG of all colour types, JPEG of all codings, all eight orientations.
"""

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

ROOT = Path(__file__).resolve().parent.parent
W, H = 37, 29


def scene(width=W, height=H):
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    r = 255 * x / max(width - 1, 1)
    g = 255 * y / max(height - 1, 1)
    b = 127.5 + 127.5 * np.sin(x / 3.0) * np.cos(y / 4.0)
    rgb = np.stack([r, g, b], -1)
    rgb[height // 4 : height // 2, width // 4 : width // 2] = (250, 20, 40)
    return np.clip(rgb.round(), 0, 255).astype(np.uint8)


def alpha(width=W, height=H):
    y, x = np.mgrid[0:height, 0:width]
    return ((x * 7 + y * 11) % 256).astype(np.uint8)


def expected(path):
    """Upright, over white, 8-bit RGB; 16-bit grey by its upper byte, where Pillow would clip."""
    image = Image.open(path)
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode == "I;16":
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, mask=image.getchannel("A"))
        return white
    return image.convert("RGB")


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def raw_png(width, height, depth, color, rows, extra=b"", interlace=0):
    """A PNG of given packed rows, with every row filter in turn; Pillow can't write 16-bit colour or Adam7."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows, 9)[:100])
        + chunk(b"IDAT", zlib.compress(rows, 9)[100:])
        + chunk(b"IEND", b"")
    )


def filtered(rows, bpp):
    out = bytearray()
    above = bytes(len(rows[0]))
    for y, row in enumerate(rows):
        kind = y % 5
        out.append(kind)
        for i, value in enumerate(row):
            left = row[i - bpp] if i >= bpp else 0
            up = above[i]
            corner = above[i - bpp] if i >= bpp else 0
            p = left + up - corner
            pa, pb, pc = abs(p - left), abs(p - up), abs(p - corner)
            paeth = left if pa <= pb and pa <= pc else up if pb <= pc else corner
            out.append((value - (0, left, up, (left + up) // 2, paeth)[kind]) & 255)
        above = row
    return bytes(out)


def pack_rows(samples, depth):
    """samples [H, W, C] to byte rows."""
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in samples.reshape(len(samples), -1)]
    if depth == 8:
        return [row.astype(np.uint8).tobytes() for row in samples.reshape(len(samples), -1)]
    rows = []
    for row in samples.reshape(len(samples), -1):
        bits = np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, 8 - depth :].reshape(-1)
        rows.append(np.packbits(bits).tobytes())
    return rows


def png(samples, depth, color, extra=b"", interlaced=False):
    height, width, channels = samples.shape
    bpp = max(1, channels * depth // 8)
    if not interlaced:
        return raw_png(width, height, depth, color, filtered(pack_rows(samples, depth), bpp), extra)
    data = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        part = samples[y0::dy, x0::dx]
        if part.size:
            data += filtered(pack_rows(part, depth), bpp)
    return raw_png(width, height, depth, color, data, extra, 1)


def exif(orientation, order="<"):
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    rgb = scene()
    a = alpha()
    image = Image.fromarray(rgb)
    grey = np.asarray(image.convert("L"))[..., None]
    rgba = np.dstack([rgb, a])
    wide = rgb.astype(np.uint16) * 256 + rgb[..., ::-1]
    wide_grey = grey.astype(np.uint16) * 257 ^ 0x55
    palette = image.quantize(16, dither=Image.Dither.NONE)
    colours = bytes(palette.getpalette()[: 16 * 3])
    index = np.asarray(palette)[..., None]
    files = {}

    for depth in (1, 2, 4, 8):
        small = (grey >> (8 - depth)) if depth < 8 else grey
        files[f"grey{depth}.png"] = png(small, depth, 0)
        files[f"grey{depth}-interlaced.png"] = png(small, depth, 0, interlaced=True)
    files["grey16.png"] = png(wide_grey, 16, 0)
    files["rgb8.png"] = png(rgb, 8, 2)
    files["rgb8-interlaced.png"] = png(rgb, 8, 2, interlaced=True)
    files["rgb16.png"] = png(wide, 16, 2)
    files["grey-alpha8.png"] = png(np.dstack([grey, a]), 8, 4)
    files["grey-alpha16.png"] = png(np.dstack([wide_grey, a.astype(np.uint16) * 257]), 16, 4)
    files["rgba8.png"] = png(rgba, 8, 6)
    files["rgba8-interlaced.png"] = png(rgba, 8, 6, interlaced=True)
    files["rgba16.png"] = png(np.dstack([wide, a.astype(np.uint16) * 257]), 16, 6)
    files["palette4.png"] = png(index, 4, 3, chunk(b"PLTE", colours))
    files["palette8.png"] = png(index, 8, 3, chunk(b"PLTE", colours))
    files["palette1.png"] = png(index & 1, 1, 3, chunk(b"PLTE", colours[:6]))
    files["palette2.png"] = png(index & 3, 2, 3, chunk(b"PLTE", colours[:12]))
    files["palette-alpha.png"] = png(index, 4, 3, chunk(b"PLTE", colours) + chunk(b"tRNS", bytes(range(0, 160, 20))))
    files["rgb-key.png"] = png(rgb, 8, 2, chunk(b"tRNS", struct.pack(">HHH", 250, 20, 40)))
    files["grey-key.png"] = png(grey, 8, 0, chunk(b"tRNS", struct.pack(">H", int(grey[0, 0, 0]))))
    for size in ((1, 1), (1, 9), (9, 1), (3, 2)):
        tiny = scene(*size)
        files[f"rgb-{size[0]}x{size[1]}-interlaced.png"] = png(tiny, 8, 2, interlaced=True)
    files["turned6.png"] = png(rgb, 8, 2, chunk(b"eXIf", exif(6, ">")))
    buffer = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta><rdf:Description tiff:Orientation="8"/></x:xmpmeta>')
    image.save(buffer, "PNG", pnginfo=info)
    files["turned8-xmp.png"] = buffer.getvalue()
    # A profile that swaps colours must change nothing: none is applied.
    files["profile.png"] = png(rgb, 8, 2, chunk(b"iCCP", b"x\0\0" + zlib.compress(b"not a profile")))

    def jpeg(name, source, **options):
        out = io.BytesIO()
        source.save(out, "JPEG", **options)
        files[name] = out.getvalue()

    jpeg("444.jpg", image, quality=90, subsampling=0)
    jpeg("422.jpg", image, quality=90, subsampling=1)
    jpeg("420.jpg", image, quality=85, subsampling=2)
    jpeg("progressive.jpg", image, quality=80, subsampling=2, progressive=True)
    jpeg("restart.jpg", image, quality=80, subsampling=2, restart_marker_rows=1)
    jpeg("grey.jpg", image.convert("L"), quality=90)
    jpeg("rgb.jpg", image, quality=90, keep_rgb=True)
    cmyk = Image.fromarray(np.dstack([255 - rgb, (a // 3)[..., None]]), "CMYK")
    jpeg("cmyk.jpg", cmyk, quality=95)
    jpeg("profile.jpg", image, quality=90, icc_profile=b"not a profile" * 20)
    for orientation in range(1, 9):
        order = "<" if orientation % 2 else ">"
        jpeg(f"turned{orientation}.jpg", image, quality=70, subsampling=0, exif=b"Exif\0\0" + exif(orientation, order))
    for size in ((1, 1), (16, 1), (8, 8), (17, 33)):
        jpeg(f"{size[0]}x{size[1]}.jpg", Image.fromarray(scene(*size)), quality=90, subsampling=2)
    # YCCK: the CMYK file's components declared as transformed; the decoder's arithmetic is what is tested.
    at = files["cmyk.jpg"].index(b"Adobe")
    ycck = bytearray(files["cmyk.jpg"])
    ycck[at + 11] = 2
    files["ycck.jpg"] = bytes(ycck)

    for name, content in sorted(files.items()):
        (folder / name).write_bytes(content)
        result = expected(folder / name)
        body = struct.pack("<ii", *result.size) + result.tobytes()
        (folder / (name + ".rgb")).write_bytes(body)
    total = sum(f.stat().st_size for f in folder.iterdir())
    print(f"{len(files)} pictures, {total} bytes in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "app/src/test/resources/pictures")
