// A program of the page, <network>.wasm or a variant of it, as a JavaScript class. Runs in browsers, workers and Node, and
// needs nothing but the module: no network, no files, no other script. See ../bindings.cpp for what is behind it.

/** Something that a user can understand and mend: its message is one sentence. */
export class Problem extends Error {}

const BAD_FILE = 8;  // WASI's number
const PAGE = 65536;  // bytes
const MEMORY = { initial: 2 ** 24 / PAGE, maximum: 2 ** 30 / PAGE, shared: true };  // as programs with threads are linked
const HELPER_STACK = 2 ** 18;  // bytes

// A module of one function, which multiplies and adds in one instruction.
const RELAXED_SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15, 65, 0, 253, 15,
  253, 133, 2, 11]);

/**
 * The file with the program of a network that is fastest here: <network>[-threads][-relaxed].wasm. Programs with relaxed
 * SIMD round a product and a sum at once, so their probabilities differ in the last digits.
 * @param {string} network as networkOf says
 * @param {number} threads
 * @param {boolean} [relaxed] with relaxed SIMD; if not given, where there is any
 */
export function programOf(network, threads, relaxed = WebAssembly.validate(RELAXED_SIMD)) {
  return `${network}${threads > 1 ? '-threads' : ''}${relaxed ? '-relaxed' : ''}.wasm`;
}

/** What programs with and without threads ask for. */
function imports(memory, system) {
  const numbers = () => new Int32Array(memory.buffer);  // anew each time: memory grows
  return {
    env: {
      emscripten_notify_memory_growth() {},
      memory,
      segx_wait: (at, value) => { Atomics.wait(numbers(), at >> 2, value); },
      segx_notify: (at) => { Atomics.notify(numbers(), at >> 2); },
    },
    wasi_snapshot_preview1: system,
  };
}

/**
 * What a worker does to help a Segx of several threads: calls ready() once, and never returns.
 * @param {{module: WebAssembly.Module, memory: WebAssembly.Memory, stack: number}} words from Segx.withThreads
 */
export function help({ module, memory, stack }, ready) {
  const nothing = () => BAD_FILE;
  const system = { fd_write: nothing, fd_close: nothing, fd_seek: nothing, proc_exit: nothing };
  const wasm = new WebAssembly.Instance(module, imports(memory, system)).exports;
  wasm.stackRestore(stack);
  const number = wasm.segx_enlist();
  ready();
  wasm.segx_help(number);
}

/** The bytes of a weight file's header, and those behind it. */
function partsOf(file) {
  const end = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  return [file.subarray(8, end), file.subarray(end)];
}

/** The texts of a weight file's card, {model, classes, …}, before anything is checked; {} where there is none. */
export function metadataOf(file) {
  try {
    const all = JSON.parse(new TextDecoder().decode(partsOf(file)[0])).__metadata__ ?? {};
    return Object.fromEntries(Object.entries(all).filter(([, text]) => typeof text === 'string'));
  } catch {
    return {};
  }
}

/**
 * The checksum that Segx.load needs, in hexadecimal digits, as browsers compute it, ten times as fast as a program; ''
 * where they do not: on pages that came neither by https nor from this computer.
 * @param {Uint8Array} file
 */
export async function sumOf(file) {
  try {
    const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', partsOf(file)[1]));
    return Array.from(sum, (byte) => byte.toString(16).padStart(2, '0')).join('');
  } catch {
    return '';
  }
}

/** The network that a weight file is for; null where it does not say so. */
export function networkOf(file) { return metadataOf(file).model ?? null; }

export class Segx {
  #wasm;
  #memory;
  #channels = 1;
  #said = '';  // what the program wrote before it ended itself

  /**
   * @param {WebAssembly.Module} module what programOf names for one thread, compiled
   * @param {WebAssembly.Memory} [memory] for programs with threads: see withThreads
   */
  constructor(module, memory) {
    this.#wasm = new WebAssembly.Instance(module, imports(memory, {
      fd_write: (file, list, count, written) => this.#write(list, count, written),
      fd_close: () => BAD_FILE,
      fd_seek: () => BAD_FILE,
      proc_exit: (status) => { throw new Error(this.#said.trim() || `the program ended with ${status}`); },
    })).exports;
    this.#memory = memory ?? this.#wasm.memory;
    this.#wasm._initialize();
  }

  /**
   * A Segx whose work several threads share: its own and those of helpers. Waiting for them blocks, so it must not live
   * in the thread of a page.
   * @param {WebAssembly.Module} module what programOf names for several threads, compiled
   * @param {number} threads at least 1
   * @param {(words: object) => Promise<void>} spawn starts a worker that calls help(words, ready); resolves when ready
   */
  static async withThreads(module, threads, spawn) {
    const memory = new WebAssembly.Memory(MEMORY);
    const segx = new Segx(module, memory);
    await Promise.all(Array.from({ length: threads - 1 }, () => {
      const stack = segx.#wasm.malloc(HELPER_STACK) + HELPER_STACK;
      return spawn({ module, memory, stack });
    }));
    return segx;
  }

  /**
   * Loads a weight file; throws a Problem that says what is wrong with it, and then keeps the weights it had.
   * @param {Uint8Array} file
   * @param {string} [sum] from sumOf; '' if there is none: then the program computes it
   * @returns {object} the file's card: model, trained_on, metrics, licence, …, parameters, macs, fingerprint
   */
  load(file, sum = '') {
    return this.#with([file.length, sum.length + 1], (at, text) => {
      this.#bytes(at, file.length).set(file);
      this.#bytes(text, sum.length + 1).set(new TextEncoder().encode(`${sum}\0`));
      const wrong = this.#text(this.#wasm.segx_load(at, file.length, text));
      if (wrong) throw new Problem(wrong);
      const card = JSON.parse(this.#text(this.#wasm.segx_card()));
      this.#channels = card.channels;
      return card;
    });
  }

  /**
   * Segments an image of any size. Weights must have been loaded.
   * @param {Uint8ClampedArray} rgba [height,width,4]; for networks of gray images colour becomes gray; alpha is ignored
   * @returns {{mask: Uint8Array, probability: Float32Array}} [height,width]: 0 or 255, and [0,1]
   */
  segment(rgba, width, height) {
    const pixels = width * height;
    return this.#with([4 * pixels * this.#channels, pixels], (image, mask) => {
      this.#with([4 * pixels], (colours) => {
        this.#bytes(colours, 4 * pixels).set(rgba);
        this.#wasm.segx_read(colours, height, width, image);
      });
      this.#wasm.segx_segment(image, height, width, mask);
      return {
        mask: this.#bytes(mask, pixels).slice(),
        probability: new Float32Array(this.#memory.buffer, image, pixels).slice(),
      };
    });
  }

  /** Bytes that the network holds to predict, once weights are loaded. */
  get networkBytes() { return this.#wasm.segx_bytes(); }

  /** Bytes of all memory that the module has taken so far. */
  get memoryBytes() { return this.#memory.buffer.byteLength; }

  /** Calls use(address, …) with memory of these sizes, and frees it. */
  #with(sizes, use) {
    const places = sizes.map((size) => this.#wasm.malloc(Math.max(size, 1)));
    try {
      if (places.includes(0)) throw new Problem(`There is not enough memory: ${sizes.join(' and ')} bytes are needed.`);
      return use(...places);
    } finally {
      places.forEach((place) => this.#wasm.free(place));
    }
  }

  #bytes(at, size) { return new Uint8Array(this.#memory.buffer, at, size); }

  #text(at) {
    const rest = new Uint8Array(this.#memory.buffer, at);
    return new TextDecoder().decode(rest.slice(0, rest.indexOf(0)));  // a copy: shared memory is not decoded
  }

  #write(list, count, written) {
    const memory = new DataView(this.#memory.buffer);
    let total = 0;
    for (let i = 0; i < count; ++i) {
      const size = memory.getUint32(list + 8 * i + 4, true);
      this.#said += new TextDecoder().decode(this.#bytes(memory.getUint32(list + 8 * i, true), size).slice());
      total += size;
    }
    memory.setUint32(written, total, true);
    return 0;
  }
}
