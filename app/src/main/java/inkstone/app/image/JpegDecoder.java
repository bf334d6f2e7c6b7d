package inkstone.app.image;

import com.twelvemonkeys.imageio.stream.ByteArrayImageInputStream;
import inkstone.model.image.Image;
import java.awt.image.DataBufferByte;
import java.awt.image.PixelInterleavedSampleModel;
import java.awt.image.Raster;
import java.io.IOException;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadWarningListener;
import javax.imageio.stream.ImageInputStream;

/**
 * JPEG to RGB. The ImageIO plugin decodes the components; their colours are converted here, in
 * libjpeg's fixed-point arithmetic, so that embedded profiles and the plugin's own guesses stay out
 * of it.
 */
final class JpegDecoder {
  static {
    ImageIO.setUseCache(false);
  }

  private JpegDecoder() {}

  /** The upright picture; refuses more than {@code maxPixels} before anything is decoded. */
  static Image decode(byte[] data, String name, long maxPixels) throws PictureException {
    JpegHeader header = JpegHeader.read(data, name);
    PictureReader.requirePixels(header.width(), header.height(), maxPixels, name);
    Raster raster = readRaster(data, header, name);
    if (raster.getWidth() != header.width()
        || raster.getHeight() != header.height()
        || raster.getNumBands() != header.components()) {
      throw JpegHeader.damaged("its header contradicts its pixels", name);
    }
    Image image = Image.blank(header.width(), header.height());
    JpegColors.convert(samples(raster), header.coding(), image.rgb());
    return Orientation.upright(image, header.orientation());
  }

  private static Raster readRaster(byte[] data, JpegHeader header, String name)
      throws PictureException {
    Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName("jpeg");
    while (readers.hasNext()) {
      ImageReader reader = readers.next();
      try {
        if (reader.canReadRaster()) {
          return readRaster(reader, data, name);
        }
      } finally {
        reader.dispose();
      }
    }
    throw new PictureException(
        "picture: this Java has no JPEG reader ("
            + name
            + ", "
            + header.width()
            + "x"
            + header.height()
            + "); convert the picture to PNG or use a full JDK");
  }

  private static Raster readRaster(ImageReader reader, byte[] data, String name)
      throws PictureException {
    Warnings warnings = new Warnings();
    reader.addIIOReadWarningListener(warnings);
    Raster raster;
    try (ImageInputStream stream = new ByteArrayImageInputStream(data)) {
      reader.setInput(stream, true, true);
      raster = reader.readRaster(0, null);
    } catch (IOException e) {
      String cause = e.getMessage() == null ? "it can't be decoded" : e.getMessage();
      throw JpegHeader.damaged(cause, name, e);
    } catch (RuntimeException e) {
      // The plugin's parser is not written for hostile files: it answers with any exception.
      throw JpegHeader.damaged("it can't be decoded", name, e);
    }
    if (warnings.truncated) {
      throw JpegHeader.truncated(name);
    }
    return raster;
  }

  /** Samples pixel by pixel. */
  private static byte[] samples(Raster raster) {
    int bands = raster.getNumBands();
    if (raster.getSampleModel() instanceof PixelInterleavedSampleModel model
        && raster.getDataBuffer() instanceof DataBufferByte buffer
        && model.getPixelStride() == bands
        && model.getScanlineStride() == bands * raster.getWidth()
        && buffer.getSize() == raster.getWidth() * raster.getHeight() * bands
        && isInOrder(model.getBandOffsets())) {
      return buffer.getData();
    }
    byte[] samples = new byte[raster.getWidth() * raster.getHeight() * bands];
    int[] pixel = new int[bands];
    int at = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      for (int x = 0; x < raster.getWidth(); x++) {
        raster.getPixel(raster.getMinX() + x, raster.getMinY() + y, pixel);
        for (int v : pixel) {
          samples[at++] = (byte) v;
        }
      }
    }
    return samples;
  }

  private static boolean isInOrder(int[] offsets) {
    for (int i = 0; i < offsets.length; i++) {
      if (offsets[i] != i) {
        return false;
      }
    }
    return true;
  }

  private static final class Warnings implements IIOReadWarningListener {
    private boolean truncated;

    @Override
    public void warningOccurred(ImageReader source, String warning) {
      // Texts of the JDK's reader and of libjpeg 6b beneath it.
      truncated |=
          warning.contains("Missing EOI") || warning.contains("premature end of data segment");
    }
  }
}
