// The page: takes files, asks the worker, shows what comes back.

import { NETWORKS } from './networks.js';

const $ = (id) => document.getElementById(id);
const LUNG = [86, 180, 233];  // sky blue of Okabe and Ito's palette, as in segx's overlay pictures
const HEAT = Uint32Array.from({ length: 256 }, (_, p) =>  // of a probability p / 255: black, through that blue, to white
  colour(...LUNG.map((value) => value * Math.min(1, p / 127.5) + (255 - value) * Math.max(0, p / 127.5 - 1))));

// ---- the worker ----

const worker = new Worker('worker.js', { type: 'module' });
const waiting = new Map();  // id -> [resolve, reject]
let lastId = 0;

worker.onmessage = ({ data: { id, problem, ...answer } }) => {
  const [resolve, reject] = waiting.get(id);
  waiting.delete(id);
  problem === undefined ? resolve(answer) : reject(new Error(problem));
};
worker.onerror = () => {
  complain('This page could not start its worker. Use a current browser, and open the page through a web server.');
  setBusy(false);
};

/** The worker's answer to a task; rejects with a sentence for the user. */
function ask(task, words) {
  return new Promise((resolve, reject) => {
    waiting.set(++lastId, [resolve, reject]);
    worker.postMessage({ id: lastId, task, ...words });
  });
}

// ---- what is on the page ----

let card = null;   // of the loaded weights
let shown = null;  // {file, name, mask, probability, width, height, …}: the image and its result
let wanted = null; // an image that waits for weights
let turn = 0;      // of the image that was chosen last; answers to earlier ones come too late

async function start() {
  try {
    useWeights(await ask('start'));
  } catch (error) {
    $('network').textContent = 'No weights are loaded.';
    complain(/SIMD|compile|validation/i.test(error.message)
      ? 'This browser does not run WebAssembly with SIMD; use a current Chrome, Edge, Firefox or Safari.'
      : error.message);
  }
  if (turn === 0) setBusy(false);
}

function useWeights({ card: found, networkBytes }) {
  if (!found) {
    $('network').textContent = 'There are no weights beside this page. Load a .safetensors file of ' + NETWORKS.join(' or ') + '.';
    return;
  }
  card = found;
  const millions = (card.parameters / 1e6).toFixed(2);
  $('network').textContent = `${card.model || 'U-Net'} at ${card.width} × ${card.height}: ${millions} million weights, ` +
    `${(card.macs / 1e9).toFixed(2)} billion multiply-adds an image, ${megabytes(networkBytes)} to compute in.`;
  if (card.resizing.startsWith('none')) {
    $('network').textContent += ' It was trained on windows of images, and this page shrinks whole ones: expect worse ' +
      'masks than those of “segx predict”.';
  }
  showCard();
}

function showCard() {
  const rows = {
    'Trained on': card.trained_on, Recipe: card.recipe, Metrics: metricsText(card.metrics), Classes: card.classes,
    Resizing: card.resizing, Threshold: card.threshold, Licence: card.licence, Fingerprint: card.fingerprint,
  };
  $('card').querySelector('dl').replaceChildren(...Object.entries(rows).filter(([, text]) => text).map(([name, text]) => {
    const row = document.createElement('div');
    row.append(Object.assign(document.createElement('dt'), { textContent: name }),
               Object.assign(document.createElement('dd'), { textContent: text }));
    return row;
  }));
  $('card').hidden = false;
}

/** {"iou_mean":0.951,…} as "iou mean 0.951, …"; another text as it is. */
function metricsText(text) {
  try {
    return Object.entries(JSON.parse(text))
      .map(([name, value]) => `${name.replaceAll('_', ' ')} ${typeof value === 'number' ? +value.toFixed(4) : value}`)
      .join(', ');
  } catch {
    return text;
  }
}

async function loadWeights(file) {
  const mine = ++turn;
  setBusy(true);
  try {
    useWeights(await ask('weights', { file }));
    complain('');
    say(`Weights ${file.name} are loaded.`);
    const next = wanted ?? shown;
    if (next && mine === turn) await segment(next.file, next.name);
  } catch (error) {
    complain(`${file.name}: ${error.message}`);
  }
  if (mine === turn) setBusy(false);
}

async function segment(file, name) {
  const mine = ++turn;
  if (!card) {
    wanted = { file, name };
    complain(`Load weights first: then ${name} is segmented.`);
    return;
  }
  wanted = null;
  setBusy(true);
  try {
    const result = await ask('segment', { file });
    if (mine === turn) await show({ file, name, ...result });
  } catch (error) {
    if (mine === turn) complain(`${name}: ${error.message}`);
  }
  if (mine === turn) setBusy(false);
}

async function show(result) {
  const { file, name, width, height, mask, milliseconds, memoryBytes } = result;
  const image = $('image');
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  image.alt = name;
  await image.decode().catch(() => {});
  shown = result;
  complain('');

  $('picture').style.setProperty('--ratio', width / height);
  $('overlay').width = width;
  $('overlay').height = height;
  draw();

  const share = mask.reduce((sum, value) => sum + (value > 0), 0) / mask.length;
  $('name').textContent = `${name} · ${width} × ${height}`;
  $('time').textContent = `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
  $('memory').textContent = megabytes(memoryBytes);
  $('share').textContent = `${(100 * share).toFixed(1)} %`;
  await offerDownload();
  $('empty').hidden = true;
  $('picture').hidden = $('result').hidden = false;
  say(`${name} is segmented, in ${milliseconds.toFixed(0)} milliseconds. Lungs take ${(100 * share).toFixed(0)} percent of it.`);
}

/** Paints the overlay: the mask, its outline, or the probabilities. */
function draw() {
  if (!shown) return;
  const { width, height, mask, probability } = shown;
  const how = document.querySelector('input[name=show]:checked').value;
  const thick = Math.max(1, Math.round(Math.max(width, height) / 300));
  const outside = (i, j) => i < 0 || j < 0 || i >= height || j >= width || mask[i * width + j] === 0;
  const onOutline = (i, j) =>
    outside(i - thick, j) || outside(i + thick, j) || outside(i, j - thick) || outside(i, j + thick);

  const lung = colour(...LUNG);
  const pixels = new Uint32Array(width * height);  // transparent at first
  for (let i = 0, at = 0; i < height; ++i) {
    for (let j = 0; j < width; ++j, ++at) {
      if (how === 'probability') pixels[at] = HEAT[Math.round(255 * probability[at])];
      else if (mask[at] > 0 && (how === 'mask' || onOutline(i, j))) pixels[at] = lung;
    }
  }
  $('overlay').getContext('2d').putImageData(imageOf(pixels, width, height), 0, 0);
}

/** The mask as a PNG of the image's own size, 0 and 255: what `segx predict` writes. */
async function offerDownload() {
  const { width, height, mask, name } = shown;
  const canvas = new OffscreenCanvas(width, height);
  const pixels = Uint32Array.from(mask, (value) => colour(value, value, value));
  canvas.getContext('2d').putImageData(imageOf(pixels, width, height), 0, 0);
  const link = $('download');
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(await canvas.convertToBlob());
  link.download = `${name.replace(/\.[^.]*$/, '')}.mask.png`;
}

/** An opaque pixel as a canvas keeps it: red in the first byte. */
function colour(red, green, blue) { return (255 << 24 | blue << 16 | green << 8 | red) >>> 0; }

function imageOf(pixels, width, height) { return new ImageData(new Uint8ClampedArray(pixels.buffer), width, height); }

function setBusy(busy) { $('stage').setAttribute('aria-busy', busy); }

/** Shows a sentence about what went wrong; '' takes it away. */
function complain(sentence) {
  $('problem').hidden = sentence === '';
  $('problem').querySelector('p').textContent = sentence && sentence.replace(/[^.!?]$/, '$&.');
  if (sentence) $('problem').scrollIntoView({ block: 'nearest' });
}

function say(sentence) { $('status').textContent = sentence; }

function megabytes(bytes) { return `${Math.round(bytes / 2 ** 20)} MB`; }

// ---- what a user does ----

const actions = {
  'pick-image': () => $('image-file').click(),
  'pick-weights': () => $('weights-file').click(),
  dismiss: () => complain(''),
  async sample() {
    const response = await fetch('sample.png').catch(() => ({ ok: false }));
    if (response.ok) await segment(await response.blob(), 'phantom.png');
    else complain('There is no phantom beside this page; scripts/wasm puts one there.');
  },
};
document.addEventListener('click', ({ target }) => actions[target.closest('[data-action]')?.dataset.action]?.());

function take(file) {
  if (!file) return;
  if (/\.safetensors$/i.test(file.name)) loadWeights(file);
  else segment(file, file.name);
}
for (const input of [$('image-file'), $('weights-file')]) {
  input.addEventListener('change', () => {
    if (input.files[0]) input === $('weights-file') ? loadWeights(input.files[0]) : take(input.files[0]);
    input.value = '';  // so that the same file can be chosen again
  });
}

let depth = 0;  // elements that a dragged file is inside of
document.addEventListener('dragenter', () => document.body.classList.toggle('dragging', ++depth > 0));
document.addEventListener('dragleave', () => document.body.classList.toggle('dragging', --depth > 0));
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.toggle('dragging', (depth = 0) > 0);
  take(event.dataTransfer.files[0]);
});
document.addEventListener('paste', (event) => take(event.clipboardData.files[0]));

for (const choice of document.querySelectorAll('input[name=show]')) choice.addEventListener('change', draw);
$('opacity').addEventListener('input', ({ target }) => {
  $('percent').textContent = `${target.value} %`;
  $('overlay').style.opacity = target.value / 100;
});

start();
