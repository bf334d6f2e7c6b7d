package inkstone.model.drift;

import java.util.OptionalDouble;

/**
 * How far one picture, or a region of it, is from another.
 *
 * @param pixels of the region, 1 or more
 * @param max largest difference of a colour value, 0 to 255
 * @param mean mean difference of the colour values, 0 to 255
 * @param psnr peak signal-to-noise ratio over the colour values, in dB; infinite for equal ones
 * @param ssim mean structural similarity of the 11×11 Gaussian windows of the luma whose middle is
 *     in the region; empty when there is none
 * @param visible share of pixels with a colour value that is off by more than {@link
 *     PictureErrors#VISIBLE}, 0 to 1
 */
public record PictureError(
    long pixels, int max, double mean, double psnr, OptionalDouble ssim, double visible) {}
