// Computes beside the page, so that the page never waits. Takes {id, task, …}, answers {id, …} or {id, problem}, one task
// after the other: an answer is that of the weights which were loaded last before its task.

import { Problem, Segx, metadataOf, programOf, sumOf } from './segx.js';
import { NETWORKS } from './networks.js';
import { bytesOf, readImage } from './image.js';

const MOST_THREADS = 8;
// Threads share memory, which browsers allow to pages that are isolated from other origins: see serve.mjs for the headers.
const threads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;

const programs = new Map();  // of networks, compiled
let network = NETWORKS[0];   // whose program runs
let segx;     // with weights, once some have been loaded; undefined until a program could be started
let weights;  // their file, to begin anew should the program ever end itself
let helpers = [];

const tasks = {
  /** Compiles the program and loads the weights beside the page. Without weights there: {card: null}. */
  async start() {
    const read = async (response) => (response.ok ? new Uint8Array(await response.arrayBuffer()) : null);
    const lost = new Problem('The weights beside this page did not arrive; reload it, or load a weight file.');
    const reading = fetch('weights.safetensors').then(read).catch(() => lost);
    await begin(network);  // to its end, whatever comes of the weights
    const file = await reading;
    if (file === lost) throw lost;
    return file ? load(file) : { card: null };
  },

  async weights({ file }) { return load(await bytesOf(file)); },

  async segment({ file }) {
    const { rgba, width, height } = await readImage(file);
    const begin = performance.now();
    const result = segx.segment(rgba, width, height);
    const milliseconds = performance.now() - begin;
    let inside = 0;
    for (const value of result.mask) inside += value >> 7;
    const share = inside / result.mask.length;
    return { ...result, width, height, share, milliseconds, memoryBytes: segx.memoryBytes };
  },

  /** A mask as a PNG, 0 and 255: what `segx predict` writes. */
  async png({ mask, width, height }) {
    const pixels = new Uint32Array(mask.length);
    for (let i = 0; i < mask.length; ++i) pixels[i] = mask[i] > 0 ? 0xffffffff : 0xff000000;
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext('2d').putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), width, height), 0, 0);
    return { blob: await canvas.convertToBlob() };
  },
};

/** Starts a network's program anew, in place of what runs. */
async function begin(name) {
  if (!programs.has(name)) programs.set(name, await compile(programOf(name, threads)));
  const module = programs.get(name);
  const before = helpers;
  helpers = [];
  try {
    segx = await (threads > 1 ? Segx.withThreads(module, threads, spawn) : new Segx(module));
  } catch (problem) {
    helpers.forEach((helper) => helper.terminate());
    helpers = before;  // with which the program that there was still runs
    throw problem;
  }
  before.forEach((helper) => helper.terminate());
  network = name;
}

function spawn(words) {
  const helper = new Worker('helper.js', { type: 'module' });
  helpers.push(helper);
  return new Promise((resolve, reject) => {
    helper.onmessage = () => resolve();
    helper.onerror = (event) => {
      event.preventDefault();  // else the page would take it for the worker's end
      reject(new Problem('This page could not start its helper threads.'));
    };
    helper.postMessage(words);
  });
}

/** Loads weights into the program of their network. If that fails, what was there stays. */
async function load(bytes) {
  const { model: wanted, classes = '' } = metadataOf(bytes);
  if (wanted && !NETWORKS.includes(wanted)) {
    throw new Problem(`These are weights of “${wanted}”; this page has ${NETWORKS.map((name) => `“${name}”`).join(' and ')}.`);
  }
  if (classes.includes(',')) throw new Problem(`These weights find several classes (${classes}); this page shows one.`);
  const sum = await sumOf(bytes);
  const before = segx && network;
  try {
    if ((wanted || network) !== before) await begin(wanted || network);
    const card = segx.load(bytes, sum);
    weights = bytes;
    return { card, networkBytes: segx.networkBytes };
  } catch (problem) {
    if (before && network !== before) {
      await begin(before);
      if (weights) segx.load(weights);
    }
    throw problem;
  }
}

async function compile(url) {
  const response = await fetch(url).catch(() => ({ status: 'no answer' }));
  if (!response.ok) throw new Problem(`${url} is missing beside this page (${response.status}).`);
  try {
    return await WebAssembly.compileStreaming(response.clone());
  } catch {  // the server calls it something other than application/wasm, or did not send all of it
    const bytes = await response.arrayBuffer().catch(() => {
      throw new Problem(`${url} did not arrive whole; reload this page.`);
    });
    return WebAssembly.compile(bytes).catch(() => {
      throw new Problem('This browser does not run WebAssembly with SIMD; use a current Chrome, Edge, Firefox or Safari.');
    });
  }
}

async function answer({ id, task, ...words }) {
  try {
    const result = await tasks[task](words);
    postMessage({ id, ...result }, [result.mask, result.probability].filter(Boolean).map((array) => array.buffer));
  } catch (error) {
    postMessage({ id, problem: error instanceof Problem ? error.message : `Something went wrong: ${error.message}` });
    if (!(error instanceof Problem) && segx) {
      await begin(network);
      if (weights) segx.load(weights);
    }
  }
}

let last = Promise.resolve();
self.onmessage = ({ data }) => {
  const next = () => answer(data);
  last = last.then(next, next);  // also where a program could not be begun anew
};
