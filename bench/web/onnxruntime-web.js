import * as ort from './packages/onnxruntime-web/dist/ort.wasm.min.mjs';

export async function load(threads, shape) {
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = new URL('./packages/onnxruntime-web/dist/', import.meta.url).href;
  const session = await ort.InferenceSession.create('model.onnx', { executionProviders: ['wasm'] });
  return async (input) => {
    return (await session.run({ image: new ort.Tensor('float32', input, [1, ...shape]) })).probability.data;
  };
}
