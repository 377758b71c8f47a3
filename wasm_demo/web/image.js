// From a picture file to the bytes of its pixels, as exactly as a browser can: no scaling, no colour management.

import { Problem } from './segx.js';

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const MOST_PIXELS = 64e6;

/** The bytes of a file that a user chose. */
export async function bytesOf(file) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Problem('This could not be read; choose a file, not a folder.');
  }
}

/**
 * @param {Blob} file a PNG or JPEG
 * @returns {Promise<{rgba: Uint8ClampedArray, width: number, height: number}>} rgba [height,width,4], opaque
 * Throws a Problem for a file that is something else, broken, cut off or too large.
 */
export async function readImage(file) {
  const bytes = await bytesOf(file);
  const isPng = PNG.every((byte, i) => bytes[i] === byte);
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
  if (bytes.length === 0) throw new Problem('The file is empty.');
  if (!isPng && !isJpeg) throw new Problem('This is not a PNG or JPEG image.');
  if (isPng ? pngEndsEarly(bytes) : jpegEndsEarly(bytes)) {  // a browser would fill the missing rows in silence
    throw new Problem('The file ends early, so pixels are missing; copy it again.');
  }

  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none' });
  } catch {
    throw new Problem('The image is broken: it could not be decoded.');
  }
  const { width, height } = bitmap;
  try {
    if (width * height > MOST_PIXELS) {
      throw new Problem(`The image has ${width} × ${height} pixels; this page takes up to ${MOST_PIXELS / 1e6} million.`);
    }
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    context.imageSmoothingEnabled = false;
    context.drawImage(bitmap, 0, 0);
    const rgba = context.getImageData(0, 0, width, height).data;
    if (!isOpaque(rgba)) throw new Problem('The image has transparent pixels; save it without transparency.');
    return { rgba, width, height };
  } finally {
    bitmap.close();
  }
}

/** Whether no pixel is transparent: a canvas has mixed the colours of those that are. */
function isOpaque(rgba) {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 255) return false;
  return true;
}

/** Whether a PNG lacks its last chunk. A chunk: length, type, data, checksum. */
function pngEndsEarly(bytes) {
  const view = new DataView(bytes.buffer);
  for (let at = PNG.length; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) === 0x49454e44) return false;  // IEND
  }
  return true;
}

/** Whether a JPEG lacks its end marker behind the start of its pixels. */
function jpegEndsEarly(bytes) {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    at += bytes[at + 1] === 0xff ? 1 : 2 + (bytes[at + 2] << 8 | bytes[at + 3]);
  }
  for (; at + 2 <= bytes.length; ++at) if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return false;
  return true;
}
