/**
 * Picture files in and out: PNG and JPEG to upright RGB, RGB to PNG with its metadata. Every file
 * is hostile until checked; each failure is one {@link inkstone.app.image.PictureException}.
 */
package inkstone.app.image;
