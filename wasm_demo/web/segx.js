// segx.wasm as a JavaScript class. Runs in browsers, workers and Node, and needs nothing but the module: no network, no
// files, no other script. See ../bindings.cpp for what is behind it.

/** Something that a user can understand and mend: its message is one sentence. */
export class Problem extends Error {}

const BAD_FILE = 8;  // WASI's number

export class Segx {
  #wasm;
  #said = '';  // what the program wrote before it ended itself

  /** @param {WebAssembly.Module} module segx.wasm, compiled. */
  constructor(module) {
    this.#wasm = new WebAssembly.Instance(module, {
      env: { emscripten_notify_memory_growth() {} },
      wasi_snapshot_preview1: {
        fd_write: (file, list, count, written) => this.#write(list, count, written),
        fd_close: () => BAD_FILE,
        fd_seek: () => BAD_FILE,
        proc_exit: (status) => { throw new Error(this.#said.trim() || `segx.wasm ended with ${status}`); },
      },
    }).exports;
    this.#wasm._initialize();
  }

  /**
   * Loads a weight file; throws a Problem that says what is wrong with it, and then keeps the weights it had.
   * @param {Uint8Array} file
   * @returns {object} the file's card: model, trained_on, metrics, licence, …, parameters, macs, fingerprint
   */
  load(file) {
    return this.#with([file.length], (at) => {
      this.#bytes(at, file.length).set(file);
      const wrong = this.#text(this.#wasm.segx_load(at, file.length));
      if (wrong) throw new Problem(wrong);
      return JSON.parse(this.#text(this.#wasm.segx_card()));
    });
  }

  /**
   * Segments an image of any size. Weights must have been loaded.
   * @param {Uint8ClampedArray} rgba [height,width,4]; colour becomes gray, alpha is ignored
   * @returns {{mask: Uint8Array, probability: Float32Array}} [height,width]: 0 or 255, and [0,1]
   */
  segment(rgba, width, height) {
    const pixels = width * height;
    return this.#with([4 * pixels, pixels], (image, mask) => {
      this.#with([4 * pixels], (colours) => {
        this.#bytes(colours, 4 * pixels).set(rgba);
        this.#wasm.segx_gray(colours, height, width, image);
      });
      this.#wasm.segx_segment(image, height, width, mask);
      return {
        mask: this.#bytes(mask, pixels).slice(),
        probability: new Float32Array(this.#wasm.memory.buffer, image, pixels).slice(),
      };
    });
  }

  /** Bytes that the network holds to predict, once weights are loaded. */
  get networkBytes() { return this.#wasm.segx_bytes(); }

  /** Bytes of all memory that the module has taken so far. */
  get memoryBytes() { return this.#wasm.memory.buffer.byteLength; }

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

  #bytes(at, size) { return new Uint8Array(this.#wasm.memory.buffer, at, size); }

  #text(at) {
    const rest = new Uint8Array(this.#wasm.memory.buffer, at);
    return new TextDecoder().decode(rest.subarray(0, rest.indexOf(0)));
  }

  #write(list, count, written) {
    const memory = new DataView(this.#wasm.memory.buffer);
    let total = 0;
    for (let i = 0; i < count; ++i) {
      const size = memory.getUint32(list + 8 * i + 4, true);
      this.#said += new TextDecoder().decode(this.#bytes(memory.getUint32(list + 8 * i, true), size));
      total += size;
    }
    memory.setUint32(written, total, true);
    return 0;
  }
}
