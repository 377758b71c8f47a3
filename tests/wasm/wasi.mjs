// Runs a WebAssembly program that wants a clock and a place to write, no more:  node wasi.mjs PROGRAM.wasm
//
// Not by node:wasi: Node 20 and V8's fast calls together collect garbage amid its fd_write and crash.

import { readFileSync, writeSync } from 'node:fs';

class Exit { constructor(code) { this.code = code; } }

let memory;
const view = () => new DataView(memory.buffer);  // anew each time: memory grows
const unsupported = () => 52;  // ENOSYS

const wasi = {
  clock_time_get(clock, precision, out) {
    view().setBigUint64(out, process.hrtime.bigint(), true);
    return 0;
  },
  fd_write(file, vectors, count, out) {
    let written = 0;
    for (let at = vectors; at < vectors + 8 * count; at += 8) {
      const bytes = new Uint8Array(memory.buffer, view().getUint32(at, true), view().getUint32(at + 4, true));
      for (let done = 0; done < bytes.length;) done += writeSync(file === 2 ? 2 : 1, bytes, done);
      written += bytes.length;
    }
    view().setUint32(out, written, true);
    return 0;
  },
  environ_sizes_get(count, size) {
    view().setUint32(count, 0, true);
    view().setUint32(size, 0, true);
    return 0;
  },
  environ_get: () => 0,
  fd_fdstat_get: unsupported,
  fd_close: unsupported,
  fd_seek: unsupported,
  fd_read: unsupported,
  proc_exit(code) { throw new Exit(code); },
};

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const { exports } = new WebAssembly.Instance(module, {
  env: { emscripten_notify_memory_growth() {} },
  wasi_snapshot_preview1: wasi,
});
memory = exports.memory;
try {
  exports._start();
} catch (end) {
  if (!(end instanceof Exit)) throw end;
  process.exitCode = end.code;
}
