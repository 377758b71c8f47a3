// Times ONNX Runtime under Node:  onnxruntime.mjs MODEL.onnx DUMP CxHxW THREADS RUNS
// Compares its probabilities with DUMP.output.f32 first. The last line is JSON. Packages: NODE_PATH's folder.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.NODE_PATH, 'here.js'));
const ort = require('onnxruntime-node');
const [model, dump, shape, threads, runs] = process.argv.slice(2);
const floats = (file) => new Float32Array(new Uint8Array(readFileSync(file)).buffer);

const session = await ort.InferenceSession.create(model, { intraOpNumThreads: Number(threads), interOpNumThreads: 1 });
const image = new ort.Tensor('float32', floats(`${dump}.input.f32`), [1, ...shape.split('x').map(Number)]);
const { probability } = await session.run({ image });
const expected = floats(`${dump}.output.f32`);
const difference = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - probability.data[i])), 0);

const times = [];
for (let run = 0; run < Number(runs); ++run) {
  const begin = performance.now();
  await session.run({ image });
  times.push(performance.now() - begin);
}
times.sort((a, b) => a - b);
const half = times.length >> 1;
console.log(JSON.stringify({
  version: require('onnxruntime-node/package.json').version, difference, median_ms: (times[half] + times.at(-half - 1)) / 2,
  min_ms: times[0], max_ms: times.at(-1), peak_rss_mb: process.resourceUsage().maxRSS / 1024,
}));
process.exit(0);  // its threads would keep the process for seconds
