import { loadAndCompile, loadLiteRt, Tensor } from './packages/@litertjs/core/dist/index.js';

/** [C,H,W] to [H,W,C]. */
export function pixels(input, [channels, height, width]) {
  return input.map((_, i) => input[(i % channels) * height * width + Math.floor(i / channels)]);
}

export async function load(threads, [channels, height, width]) {
  // Takes the program with relaxed SIMD where the browser has it.
  await loadLiteRt(new URL('./packages/@litertjs/core/wasm/', import.meta.url).href, { threads: threads > 1 });
  const model = await loadAndCompile('model.tflite', { accelerator: 'wasm', cpuOptions: { numThreads: threads } });
  return async (input) => {
    const image = new Tensor(input, [1, height, width, channels]);
    const [probability] = await model.run(image);
    const values = probability.toTypedArray().slice();
    image.delete();
    probability.delete();
    return values;
  };
}
