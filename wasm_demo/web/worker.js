// Computes beside the page, so that the page never waits. Takes {id, task, …}, answers {id, …} or {id, problem}.

import { Problem, Segx, networkOf, programOf, sumOf } from './segx.js';
import { NETWORKS } from './networks.js';
import { readImage } from './image.js';

const MOST_THREADS = 8;
// Threads share memory, which browsers allow to pages that are isolated from other origins: see serve.mjs for the headers.
const threads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;

const programs = new Map();  // of networks, promises of what is compiled
let network = NETWORKS[0];   // whose program runs
let segx;     // with weights, once some have been loaded
let weights;  // their file, to begin anew should the program ever end itself
let helpers = [];

const tasks = {
  /** Compiles the program and loads the weights beside the page. Without weights there: {card: null}. */
  async start() {
    const read = async (response) => (response.ok ? new Uint8Array(await response.arrayBuffer()) : null);
    const [file] = await Promise.all([fetch('weights.safetensors').then(read), begin(network)]);
    return file ? load(file) : { card: null };
  },

  async weights({ file }) { return load(new Uint8Array(await file.arrayBuffer())); },

  async segment({ file }) {
    const { rgba, width, height } = await readImage(file);
    const begin = performance.now();
    const result = segx.segment(rgba, width, height);
    return { ...result, width, height, milliseconds: performance.now() - begin, memoryBytes: segx.memoryBytes };
  },
};

/** Starts a network's program anew, in place of what runs. */
async function begin(name) {
  if (!programs.has(name)) programs.set(name, compile(programOf(name, threads)));
  const module = await programs.get(name);
  helpers.forEach((helper) => helper.terminate());
  helpers = [];
  segx = await (threads > 1 ? Segx.withThreads(module, threads, spawn) : new Segx(module));
  network = name;
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

/** Loads weights into the program of their network. If that fails, what was there stays. */
async function load(bytes) {
  const wanted = networkOf(bytes);
  const sum = await sumOf(bytes);
  const before = network;
  try {
    if (wanted !== network && NETWORKS.includes(wanted)) await begin(wanted);
    const card = segx.load(bytes, sum);
    weights = bytes;
    return { card, networkBytes: segx.networkBytes };
  } catch (problem) {
    if (network !== before) {
      await begin(before);
      if (weights) segx.load(weights);
    }
    throw problem;
  }
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
      await begin(network);
      if (weights) segx.load(weights);
    }
  }
};
