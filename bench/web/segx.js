import { Segx } from './segx/segx.js';

function spawn(words) {
  const helper = new Worker('./segx/helper.js', { type: 'module' });
  return new Promise((resolve) => {
    helper.onmessage = resolve;
    helper.postMessage(words);
  });
}

/** segx as the demo uses it: 8-bit pixels in, so the input is rounded to them. */
export async function load(threads, [channels, height, width]) {
  const compile = (name) => WebAssembly.compileStreaming(fetch(`./segx/${name}`));
  const [segx, weights] = await Promise.all([
    threads > 1
      ? compile('segx-threads.wasm').then((module) => Segx.withThreads(module, threads, spawn))
      : compile('segx.wasm').then((module) => new Segx(module)),
    fetch('./weights.safetensors').then((response) => response.arrayBuffer()),
  ]);
  segx.load(new Uint8Array(weights));
  return (input) => {
    const plane = height * width;
    const rgba = new Uint8ClampedArray(4 * plane);
    for (let i = 0; i < plane; ++i) {
      for (let c = 0; c < 3; ++c) rgba[4 * i + c] = Math.round(255 * input[(c % channels) * plane + i]);
    }
    return segx.segment(rgba, width, height).probability;
  };
}
