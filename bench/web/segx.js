import { Segx } from './segx/segx.js';

/** segx.wasm as the demo uses it: 8-bit pixels in, so the input is rounded to them. One thread. */
export async function load() {
  const [module, weights] = await Promise.all([
    WebAssembly.compileStreaming(fetch('./segx/segx.wasm')),
    fetch('./weights.safetensors').then((response) => response.arrayBuffer()),
  ]);
  const segx = new Segx(module);
  segx.load(new Uint8Array(weights));
  return (input) => {
    const size = Math.sqrt(input.length);
    const rgba = new Uint8ClampedArray(4 * input.length);
    input.forEach((value, i) => rgba.fill(Math.round(255 * value), 4 * i, 4 * i + 3));
    return segx.segment(rgba, size, size).probability;
  };
}
