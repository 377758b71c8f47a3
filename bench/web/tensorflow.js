// The paper's U-Net in TensorFlow.js, with the weights of a segx weight file.

const script = (source) => new Promise((resolve, reject) => {
  const element = Object.assign(document.createElement('script'), { src: source, onload: resolve, onerror: reject });
  document.head.append(element);
});

function readSafetensors(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  delete header.__metadata__;
  return new Map(Object.entries(header).map(([name, { dtype, shape, data_offsets: [begin, end] }]) => {
    const bytes = buffer.slice(8 + length + begin, 8 + length + end);
    return [name, { shape, values: dtype === 'F16' ? Float32Array.from(new Float16Array(bytes)) : new Float32Array(bytes) }];
  }));
}

export async function load(threads) {
  await script('./packages/@tensorflow/tfjs-core/dist/tf-core.min.js');
  await script('./packages/@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js');
  tf.wasm.setWasmPaths('./packages/@tensorflow/tfjs-backend-wasm/dist/');
  tf.wasm.setThreadsCount(threads);
  await tf.setBackend('wasm');
  await tf.ready();

  const tensors = readSafetensors(await (await fetch('./weights.safetensors')).arrayBuffer());
  const weights = new Map();  // [K,C,3,3] to TensorFlow's [3,3,C,K], [C,K,2,2] to [2,2,K,C]
  for (const [name, { shape, values }] of tensors) {
    const tensor = tf.tensor(values, shape);
    weights.set(name, shape.length === 4 ? tf.transpose(tensor, [2, 3, 1, 0]) : tensor);
  }
  const conv = (x, name) => tf.add(tf.conv2d(x, weights.get(`${name}.weight`), 1, 'same'), weights.get(`${name}.bias`));
  const block = (x, name) => tf.relu(conv(tf.relu(conv(x, `${name}.conv1`)), `${name}.conv2`));
  const up = (x, name) => {
    const [n, h, w] = x.shape;
    const weight = weights.get(`${name}.weight`);
    return tf.add(tf.conv2dTranspose(x, weight, [n, 2 * h, 2 * w, weight.shape[2]], 2, 'valid'), weights.get(`${name}.bias`));
  };
  return async (input) => {
    const size = Math.sqrt(input.length);
    const probability = tf.tidy(() => {
      let x = tf.tensor(input, [1, size, size, 1]);
      const skips = [];
      for (let floor = 0; floor < 4; ++floor) {
        skips.push(x = block(x, `encoder.${floor}`));
        x = tf.maxPool(x, 2, 2, 'valid');
      }
      x = block(x, 'bottleneck');
      for (let floor = 3; floor >= 0; --floor) {
        x = block(tf.concat([skips[floor], up(x, `decoder.${floor}.up`)], 3), `decoder.${floor}`);
      }
      return tf.sigmoid(conv(x, 'head'));
    });
    const values = await probability.data();
    probability.dispose();
    return values;
  };
}
