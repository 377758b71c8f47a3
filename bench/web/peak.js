// What the browser can do at most: peak.cpp as a worker, one for each thread.

const ROUNDS = 20;

/** GFLOP/s that so many threads reach together, the best of some rounds. */
export async function measure(threads) {
  const workers = Array.from({ length: threads }, () => new Worker('./peak.js', { type: 'module' }));
  const told = (worker) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = () => reject(new Error('peak.wasm is missing, or does not run here'));
  });
  await Promise.all(workers.map(told));  // that it is ready
  let best = 0;
  for (let round = 0; round < ROUNDS; ++round) {
    const begin = performance.now();
    for (const worker of workers) worker.postMessage('work');
    const operations = await Promise.all(workers.map(told));
    best = Math.max(best, 1e-6 * operations.reduce((a, b) => a + b) / (performance.now() - begin));
  }
  for (const worker of workers) worker.terminate();
  return best;
}

if (!self.document) {  // a worker
  const { instance } = await WebAssembly.instantiateStreaming(fetch('./peak.wasm'));
  const { work, operations } = instance.exports;
  self.onmessage = () => {
    work(Math.random());
    postMessage(operations());
  };
  postMessage(0);
}
