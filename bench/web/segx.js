import { Segx, networkOf, programOf, sumOf } from './segx/segx.js';

function spawn(words) {
  const helper = new Worker('./segx/helper.js', { type: 'module' });
  return new Promise((resolve) => {
    helper.onmessage = resolve;
    helper.postMessage(words);
  });
}

/** [C,H,W] in [0,1] as a canvas gives it to the demo: 8 bits for a value, so the input is rounded to them. */
export function pixels(input, [channels, height, width]) {
  const plane = height * width;
  const rgba = new Uint8ClampedArray(4 * plane);
  for (let i = 0; i < plane; ++i) {
    for (let c = 0; c < 3; ++c) rgba[4 * i + c] = Math.round(255 * input[(c % channels) * plane + i]);
  }
  return rgba;
}

/** segx as the demo uses it. `relaxed`: as programOf says. */
export async function load(threads, [, height, width], relaxed) {
  const compile = (name) => WebAssembly.compileStreaming(fetch(`./segx/${programOf(name, threads, relaxed)}`));
  const start = (module) => (threads > 1 ? Segx.withThreads(module, threads, spawn) : new Segx(module));
  const file = fetch('./weights.safetensors').then(async (response) => new Uint8Array(await response.arrayBuffer()));
  let segx = await start(await compile('unet16'));  // at once, as the demo does
  const weights = await file;
  if (networkOf(weights) !== 'unet16') segx = await start(await compile(networkOf(weights)));
  segx.load(weights, await sumOf(weights));
  return (rgba) => segx.segment(rgba, width, height).probability;
}
