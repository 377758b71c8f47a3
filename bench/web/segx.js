import { Segx } from './segx/segx.js';

function spawn(words) {
  const helper = new Worker('./segx/helper.js', { type: 'module' });
  return new Promise((resolve) => {
    helper.onmessage = resolve;
    helper.postMessage(words);
  });
}

/** segx as the demo uses it: 8-bit pixels in, so the input is rounded to them. */
export async function load(threads) {
  const compile = (name) => WebAssembly.compileStreaming(fetch(`./segx/${name}`));
  const [segx, weights] = await Promise.all([
    threads > 1
      ? compile('segx-threads.wasm').then((module) => Segx.withThreads(module, threads, spawn))
      : compile('segx.wasm').then((module) => new Segx(module)),
    fetch('./weights.safetensors').then((response) => response.arrayBuffer()),
  ]);
  segx.load(new Uint8Array(weights));
  return (input) => {
    const size = Math.sqrt(input.length);
    const rgba = new Uint8ClampedArray(4 * input.length);
    input.forEach((value, i) => rgba.fill(Math.round(255 * value), 4 * i, 4 * i + 3));
    return segx.segment(rgba, size, size).probability;
  };
}
