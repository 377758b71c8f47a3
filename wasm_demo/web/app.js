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
  const [resolve, reject] = waiting.get(id) ?? [];
  waiting.delete(id);
  problem === undefined ? resolve?.(answer) : reject?.(new Error(problem));
};
worker.onerror = () => {
  const sentence = 'This page could not start its worker. Use a current browser, and open the page through a web server.';
  complain(sentence);
  for (const [, reject] of waiting.values()) reject(new Error(sentence));
  waiting.clear();
};

/** The worker's answer to a task; rejects with a sentence for the user. */
function ask(task, words) {
  return new Promise((resolve, reject) => {
    waiting.set(++lastId, [resolve, reject]);
    worker.postMessage({ id: lastId, task, ...words });
  });
}

// ---- what is on the page ----

let card = null;    // of the loaded weights
let chosen = null;  // {file, name}: the image that a user chose last
let shown = null;   // {chosen, card, mask, probability, width, height, …}: the image that is seen, its result and whose it is
let turn = 0;       // of what was chosen last, image or weights; answers to earlier images come too late
let loading;        // the worker's answer to the weights that were chosen last
let busy = 0;       // tasks under way

async function whileBusy(work) {
  $('stage').setAttribute('aria-busy', ++busy > 0);
  try {
    await work();
  } finally {
    $('stage').setAttribute('aria-busy', --busy > 0);
  }
}

function start() {
  loading = ask('start');
  return whileBusy(async () => {
    try {
      useWeights(await loading);
    } catch (error) {
      $('network').textContent = 'No weights are loaded.';
      complain(error.message);
    }
  });
}

function useWeights({ card: found, networkBytes }, name = '') {
  if (!found) {
    $('network').textContent = 'There are no weights beside this page. Load a .safetensors file of ' + NETWORKS.join(' or ') + '.';
    return;
  }
  card = found;
  const millions = (card.parameters / 1e6).toFixed(2);
  $('network').textContent = `${name && `${name}: `}${card.model || 'U-Net'} at ${card.width} × ${card.height}: ` +
    `${millions} million weights, ${(card.macs / 1e9).toFixed(2)} billion multiply-adds an image, ` +
    `${megabytes(networkBytes)} to compute in.`;
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

/** {"val_iou_mean":0.951,…} as "val iou mean 0.951, …", of what tells how good weights are; another text as it is. */
function metricsText(text) {
  try {
    return Object.entries(JSON.parse(text))
      .filter(([name]) => /epoch$|loss|iou|dice|f1|accuracy|precision|recall/.test(name))
      .map(([name, value]) => `${name.replaceAll('_', ' ')} ${typeof value === 'number' ? +value.toFixed(4) : value}`)
      .join(', ');
  } catch {
    return text;
  }
}

function loadWeights(file) {
  const mine = ++turn;
  loading = ask('weights', { file }).catch(({ message }) => { throw new Error(`${file.name}: ${message}`); });
  return whileBusy(async () => {
    try {
      useWeights(await loading, file.name);
      complain('');
      say(`Weights ${file.name} are loaded.`);
    } catch (error) {
      complain(error.message);
    }
    const isSeen = shown?.chosen === chosen && shown?.card === card;
    if (mine === turn && card && chosen && !isSeen) await segmentChosen();
  });
}

function segment(file, name) {
  complain('');
  chosen = { file, name };
  return segmentChosen();
}

function segmentChosen() {
  const mine = ++turn;
  const image = chosen;
  return whileBusy(async () => {
    let why = `Load weights first: then ${image.name} is segmented.`;
    await loading.catch(({ message }) => { why = message; });
    if (mine !== turn) return;
    if (!card) return complain(why);
    try {
      const result = await ask('segment', { file: image.file });
      if (mine === turn) await show(image, result);
    } catch (error) {
      if (mine !== turn) return;
      complain(`${image.name}: ${error.message}`);
      chosen = shown?.chosen;
    }
  });
}

async function show(image, result) {
  const { width, height, share, milliseconds, memoryBytes } = result;
  const picture = $('image');
  const link = $('download');
  const hadFocus = document.activeElement === link || $('empty').contains(document.activeElement);
  URL.revokeObjectURL(link.href);  // of an earlier mask
  link.removeAttribute('href');
  URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(image.file);
  picture.alt = image.name;
  const mine = shown = { chosen: image, card, ...result };
  await picture.decode().catch(() => {});
  if (mine !== shown) return;

  $('picture').style.setProperty('--ratio', width / height);
  draw();
  $('name').textContent = `${image.name} · ${width} × ${height}`;
  $('time').textContent = `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
  $('memory').textContent = megabytes(memoryBytes);
  $('share').textContent = `${(100 * share).toFixed(1)} %`;
  $('empty').hidden = true;
  $('picture').hidden = $('result').hidden = false;
  await offerDownload();
  if (hadFocus) link.focus();
  say(`${image.name} is segmented, in ${milliseconds.toFixed(0)} milliseconds. Lungs take ${(100 * share).toFixed(0)} percent of it.`);
}

/** Paints the overlay, in no more pixels than a screen shows: the mask, its outline, or the probabilities. */
function draw() {
  if (!shown) return;
  const { width, height, mask, probability } = shown;
  const how = document.querySelector('input[name=show]:checked').value;
  const step = Math.ceil(Math.max(width, height) / 2048);
  const columns = Math.ceil(width / step);
  const rows = Math.ceil(height / step);
  const thick = Math.max(1, Math.round(Math.max(width, height) / 300));

  const lung = colour(...LUNG);
  const pixels = new Uint32Array(columns * rows);  // transparent at first
  for (let i = 0, to = 0; i < height; i += step) {
    const atTop = i < thick;
    const atBottom = i + thick >= height;
    for (let j = 0, at = i * width; j < width; j += step, at += step, ++to) {
      if (how === 'probability') {
        pixels[to] = HEAT[Math.round(255 * probability[at])];
      } else if (mask[at] > 0) {
        const isInside = how === 'outline' && !atTop && !atBottom && j >= thick && j + thick < width &&
          mask[at - thick] > 0 && mask[at + thick] > 0 && mask[at - thick * width] > 0 && mask[at + thick * width] > 0;
        if (!isInside) pixels[to] = lung;
      }
    }
  }
  fade();
  $('legend').hidden = how !== 'probability';
  $('overlay').width = columns;
  $('overlay').height = rows;
  $('overlay').getContext('2d').putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), columns, rows), 0, 0);
}

/** Shows the overlay as opaque as the slider says; lines, which are thin, twice as much. */
function fade() {
  const { value } = $('opacity');
  const isOutline = document.querySelector('input[name=show]:checked').value === 'outline';
  $('percent').textContent = `${value} %`;
  $('overlay').style.opacity = Math.min(1, value / (isOutline ? 50 : 100));
}

async function offerDownload() {
  const result = shown;
  const { mask, width, height, chosen: { name } } = result;
  const { blob } = await ask('png', { mask, width, height });
  if (result !== shown) return;
  const link = $('download');
  link.href = URL.createObjectURL(blob);
  link.download = `${name.replace(/\.[^.]*$/, '')}.mask.png`;
}

/** An opaque pixel as a canvas keeps it: red in the first byte. */
function colour(red, green, blue) { return (255 << 24 | blue << 16 | green << 8 | red) >>> 0; }

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
    const before = turn;
    const picture = await fetch('sample.png').then((response) => (response.ok ? response.blob() : null)).catch(() => null);
    if (turn !== before) return;  // something else was chosen meanwhile
    if (picture) await segment(picture, 'phantom.png');
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
$('opacity').addEventListener('input', fade);

start();
