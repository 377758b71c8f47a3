// Computes beside the page, so that the page never waits. Takes {id, task, …}, answers {id, …} or {id, problem}.

import { Problem, Segx } from './segx.js';
import { readImage } from './image.js';

const MOST_THREADS = 8;
// Threads share memory, which browsers allow to pages that are isolated from other origins: see serve.mjs for the headers.
const threads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;

let module;   // a promise of the program, compiled
let segx;     // with weights, once some have been loaded
let weights;  // their file, to begin anew should the program ever end itself
const helpers = [];

const tasks = {
  /** Compiles the program and loads the weights beside the page. Without weights there: {card: null}. */
  async start() {
    const file = fetch('weights.safetensors');
    module = compile(threads > 1 ? 'segx-threads.wasm' : 'segx.wasm');
    segx = await create();
    const response = await file;
    return response.ok ? load(new Uint8Array(await response.arrayBuffer())) : { card: null };
  },

  async weights({ file }) { return load(new Uint8Array(await file.arrayBuffer())); },

  async segment({ file }) {
    const { rgba, width, height } = await readImage(file);
    const begin = performance.now();
    const result = segx.segment(rgba, width, height);
    return { ...result, width, height, milliseconds: performance.now() - begin, memoryBytes: segx.memoryBytes };
  },
};

async function create() {
  helpers.splice(0).forEach((helper) => helper.terminate());
  return threads > 1 ? Segx.withThreads(await module, threads, spawn) : new Segx(await module);
}

function spawn(words) {
  const helper = new Worker('helper.js', { type: 'module' });
  helpers.push(helper);
  return new Promise((resolve, reject) => {
    helper.onmessage = () => resolve();
    helper.onerror = () => reject(new Problem('This page could not start its helper threads.'));
    helper.postMessage(words);
  });
}

function load(bytes) {
  const card = segx.load(bytes);
  weights = bytes;
  return { card, networkBytes: segx.networkBytes };
}

async function compile(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Problem(`${url} is missing beside this page (${response.status}).`);
  try {
    return await WebAssembly.compileStreaming(response.clone());
  } catch {  // the server calls it something other than application/wasm
    return WebAssembly.compile(await response.arrayBuffer());
  }
}

self.onmessage = async ({ data: { id, task, ...words } }) => {
  try {
    const answer = await tasks[task](words);
    postMessage({ id, ...answer }, [answer.mask, answer.probability].filter(Boolean).map((array) => array.buffer));
  } catch (error) {
    postMessage({ id, problem: error instanceof Problem ? error.message : `Something went wrong: ${error.message}` });
    if (!(error instanceof Problem) && segx) {
      segx = await create();
      if (weights) segx.load(weights);
    }
  }
};
