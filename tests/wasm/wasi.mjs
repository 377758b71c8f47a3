// Runs a WebAssembly program that wants nothing but WASI:  node wasi.mjs PROGRAM.wasm

import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const wasi = new WASI({ version: 'preview1', returnOnExit: true });
const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const env = { emscripten_notify_memory_growth() {} };
process.exitCode = wasi.start(new WebAssembly.Instance(module, { ...wasi.getImportObject(), env }));
