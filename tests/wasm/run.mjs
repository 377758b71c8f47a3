#!/usr/bin/env node
// Tests of the WebAssembly build, under Node and in headless Chromium:
//
//   node tests/wasm/run.mjs --build build/wasm --native DIR [--pictures DIR]
//
// --build      what scripts/wasm --tests left: site/ and test_wasm.wasm
// --native     the folder of the program native_reference, or one that it has filled; masks are compared with those there
// --pictures   keeps screenshots of the page there
//
// No npm packages. Ends with "N passed, N failed, N skipped"; status 0, 1 if something failed, 77 if nothing could run.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';

import { serve } from '../../wasm_demo/serve.mjs';
import { Browser, findChromium, seconds } from './browser.mjs';

const { values: options } = parseArgs({
  options: { build: { type: 'string', default: 'build/wasm' }, native: { type: 'string' }, pictures: { type: 'string' } },
});
const build = resolve(options.build);
const site = join(build, 'site');
const here = dirname(fileURLToPath(import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), 'segx-wasm-'));
const images = ['large', 'small'];
const bestWeights = join(here, '../../weights/lung-best.safetensors');

// ---- a very small test runner ----

const count = { passed: 0, failed: 0, skipped: 0 };

async function test(name, limit, body) {
  const begin = performance.now();
  try {
    const late = seconds(limit).then(() => { throw new Error(`takes longer than ${limit} s`); });
    late.catch(() => {});
    const note = await Promise.race([body(), late]);
    ++count.passed;
    console.log(`passed   ${name} (${((performance.now() - begin) / 1000).toFixed(1)} s${note ? `; ${note}` : ''})`);
  } catch (error) {
    ++count.failed;
    console.log(`FAILED   ${name}\n${String(error.stack ?? error).replace(/^/gm, '         ')}`);
  }
}

function skip(name, why) {
  ++count.skipped;
  console.log(`skipped  ${name}: ${why}`);
}

// ---- what masks are compared with ----

/** The folder that native_reference has filled, or undefined. */
function nativeResults() {
  if (!options.native) return undefined;
  const folder = resolve(options.native);
  if (existsSync(join(folder, 'weights.safetensors'))) return folder;
  const program = join(folder, 'native_reference');
  if (!existsSync(program)) return undefined;
  const filled = join(temporary, 'native');
  execFileSync(program, [filled], { timeout: 120e3, stdio: ['ignore', 'ignore', 'inherit'] });
  return filled;
}

/** |A ∩ B| / |A ∪ B| of the pixels that are not 0. */
function iou(a, b) {
  assert.equal(a.length, b.length, 'the masks have different sizes');
  let both = 0, either = 0;
  for (let i = 0; i < a.length; ++i) {
    both += a[i] && b[i] ? 1 : 0;
    either += a[i] || b[i] ? 1 : 0;
  }
  return either === 0 ? 1 : both / either;
}

function rgbaOf(gray) {
  const rgba = new Uint8ClampedArray(4 * gray.length).fill(255);
  gray.forEach((value, i) => rgba.fill(value, 4 * i, 4 * i + 3));
  return rgba;
}

/** A weight file whose header is changed. */
function withHeader(file, change) {
  const size = Number(file.readBigUInt64LE(0));
  const header = Buffer.from(change(file.subarray(8, 8 + size).toString()));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, file.subarray(8 + size)]);
}

/** The same file with other texts in its card, and their checksum. */
function withCard(file, texts) {
  return withHeader(file, (header) => {
    const all = JSON.parse(header);
    const card = Object.assign(all.__metadata__, texts);
    const sum = createHash('sha256');
    for (const name of Object.keys(card).sort()) if (name !== 'card_sha256') sum.update(`${name}\0${card[name]}\0`);
    card.card_sha256 = sum.digest('hex');
    return JSON.stringify(all);
  });
}

// ---- under Node ----

/** With what options Node compiles relaxed SIMD: none where it does so anyway; undefined where it cannot. */
function optionsForRelaxedSimd(programOf) {
  const found = () => programOf('', 1) !== programOf('', 1, false);
  if (found()) return [];
  const option = '--experimental-wasm-relaxed-simd';
  setFlagsFromString(option);
  return found() ? [option] : undefined;
}

/** Calls body(spawn) with what Segx.withThreads needs, and ends the threads. */
async function withHelpers(body) {
  const helpers = [];
  try {
    return await body((words) => new Promise((resolve, reject) => {
      const helper = new Worker(join(here, 'helper.mjs'), { workerData: { segx: join(site, 'segx.js'), words } });
      helpers.push(helper);
      helper.once('message', resolve).once('error', reject);
    }));
  } finally {
    await Promise.all(helpers.map((helper) => helper.terminate()));
  }
}

async function testUnderNode(native) {
  const { Segx, Problem, networkOf, programOf, sumOf } = await import(pathToFileURL(join(site, 'segx.js')));
  const relaxedSimd = optionsForRelaxedSimd(programOf);
  const noRelaxedSimd = 'this Node has no relaxed SIMD; version 20 has';
  const moduleOf = (network, threads, relaxed = false) =>
    new WebAssembly.Module(readFileSync(join(site, programOf(network, threads, relaxed))));
  const module = moduleOf('unet16', 1);
  const threadsModule = moduleOf('unet16', 2);

  await test('the programs can reach nothing: no network, no files', 10, () => {
    const harmless = [
      'env.emscripten_notify_memory_growth', 'wasi_snapshot_preview1.proc_exit',  // told that memory grew; ends the program
      'wasi_snapshot_preview1.fd_write', 'wasi_snapshot_preview1.fd_close', 'wasi_snapshot_preview1.fd_seek',  // last words
    ];
    const foreign = (of) => WebAssembly.Module.imports(of).map((i) => `${i.module}.${i.name}`)
      .filter((name) => !harmless.includes(name)).sort();
    for (const relaxed of relaxedSimd ? [false, true] : [false]) {
      assert.deepEqual(foreign(moduleOf('unet16', 1, relaxed)), []);
      assert.deepEqual(foreign(moduleOf('unet16', 2, relaxed)), ['env.memory', 'env.segx_notify', 'env.segx_wait']);
    }
  });

  await test('program and scripts that compute unet16 are at most 100 KB, gzipped', 10, () => {
    const packed = (file) => gzipSync(readFileSync(join(site, file)), { level: 9 }).length;
    const files = readFileSync(join(here, '../../wasm_demo/files_to_compute.txt'), 'utf8').trim().split('\n');
    const of = (program) => files.reduce((sum, file) => sum + packed(file.startsWith('NETWORK') ? program : file), 0);
    const all = (network) => [1, 2].flatMap((threads) => [false, true].map((relaxed) => of(programOf(network, threads, relaxed)) / 1000));
    const told = (sizes) => sizes.map((size) => size.toFixed(1)).join(', ');
    assert(Math.max(...all('unet16')) <= 100, `they are ${told(all('unet16'))} KB`);
    return `unet16 ${told(all('unet16'))} KB, unet-mobilenetv2 ${told(all('unet-mobilenetv2'))} KB`;
  });

  await test('the server refuses what it cannot serve, and goes on', 10, async () => {
    const folder = join(temporary, 'served');
    mkdirSync(folder);
    writeFileSync(join(folder, 'index.html'), 'here');
    symlinkSync('/proc/self/mem', join(folder, 'unreadable'));  // to root, too: nothing is at its address 0
    symlinkSync('circle', join(folder, 'circle'));
    const server = spawn(process.execPath, [join(here, '../../wasm_demo/serve.mjs'), folder, '0'],
                         { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [home] = String((await once(server.stdout, 'data'))[0]).match(/http:\S+/);
      const statuses = [];
      for (const path of ['a'.repeat(300), 'unreadable', 'circle', 'missing', '%', '']) {
        statuses.push((await fetch(home + path)).status);
      }
      assert.deepEqual(statuses, [404, 500, 404, 404, 404, 200]);
      assert.equal((await fetch(home, { method: 'POST' })).status, 405);
      const head = await fetch(home, { method: 'HEAD' });
      assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '4', '']);
      assert.equal(await (await fetch(home)).text(), 'here');
    } finally {
      server.kill();
    }
  });

  for (const program of ['test_wasm', 'test_wasm-relaxed']) {
    const file = join(build, `${program}.wasm`);
    const name = `${program}: kernels and unet16 agree with the reference`;
    if (!existsSync(file)) skip(name, `${file} is not built: scripts/wasm --tests`);
    else if (program.endsWith('-relaxed') && !relaxedSimd) skip(name, noRelaxedSimd);
    else {
      await test(name, 180, () => {
        const out = execFileSync(process.execPath, [...(relaxedSimd ?? []), join(here, 'wasi.mjs'), file],
                                 { timeout: 170e3, encoding: 'utf8' });
        return out.match(/All tests passed \((.*)\)/)?.[1] ?? assert.fail(out);
      });
    }
  }

  if (!native) return skip('masks under Node', 'no results of native_reference, see --native');
  const weights = readFileSync(join(native, 'weights.safetensors'));
  const picture = (name) => ({
    ...JSON.parse(readFileSync(join(native, `${name}.json`))),
    rgba: rgbaOf(readFileSync(join(native, `${name}.gray`))),
    mask: readFileSync(join(native, `${name}.mask`)),
  });
  const segx = new Segx(module);

  await test('masks under Node are the native ones (IoU ≥ 0.999)', 60, () => {
    const card = segx.load(weights);
    assert.equal(card.model, 'unet16');
    assert.equal(card.parameters, 1940817);
    const times = [];
    for (const name of images) {
      const { rgba, width, height, mask } = picture(name);
      for (let run = 0; run < 5; ++run) {
        const begin = performance.now();
        const found = segx.segment(rgba, width, height);
        times.push(performance.now() - begin);
        assert(iou(found.mask, mask) >= 0.999, `${name}: IoU ${iou(found.mask, mask)}`);
        assert(found.probability.every((p) => p >= 0 && p <= 1));
        assert(found.mask.every((value, i) => value === (found.probability[i] > 0.5 ? 255 : 0)));
      }
    }
    times.sort((a, b) => a - b);
    return `${times[0].toFixed(0)} ms an image at best, ${times[times.length >> 1].toFixed(0)} ms median, ` +
           `${(segx.memoryBytes / 2 ** 20).toFixed(0)} MB`;
  });

  await test('the network of lung-best finds what it finds natively (IoU ≥ 0.999)', 60, () => {
    const best = new Segx(moduleOf('unet-mobilenetv2', 1));
    const file = readFileSync(bestWeights);
    assert.equal(networkOf(file), 'unet-mobilenetv2');
    assert.equal(networkOf(Buffer.from('nonsense')), null);
    best.load(file);
    assert.throws(() => best.load(weights), (error) => error instanceof Problem && /another network/.test(error.message));
    for (const name of images) {
      const { rgba, width, height } = picture(name);
      const agreement = iou(best.segment(rgba, width, height).mask, readFileSync(join(native, `${name}.best.mask`)));
      assert(agreement >= 0.999, `${name}: IoU ${agreement}`);
    }
  });

  await test('several threads find what one finds, bit for bit', 60, () => withHelpers(async (spawn) => {
    const medians = [];
    for (const threads of [1, 2, 3]) {
      const shared = await Segx.withThreads(threadsModule, threads, spawn);
      shared.load(weights);
      const times = [];
      for (const name of [...images, ...images]) {
        const { rgba, width, height } = picture(name);
        const expected = segx.segment(rgba, width, height);
        for (let run = 0; run < 5; ++run) {
          const begin = performance.now();
          const found = shared.segment(rgba, width, height);
          times.push(performance.now() - begin);
          assert.deepEqual(found, expected);
        }
        await seconds(0.05);  // so that helpers fall asleep
      }
      shared.load(weights, await sumOf(weights));
      assert.throws(() => shared.load(weights.subarray(0, 1000)), Problem);
      medians.push(times.sort((a, b) => a - b)[times.length >> 1]);
    }
    return `${medians.map((time) => time.toFixed(0)).join(', ')} ms with 1, 2, 3 threads`;
  }));

  const relaxedTest = 'with relaxed SIMD, masks are the native ones, with one thread and with two (IoU ≥ 0.999)';
  if (!relaxedSimd) skip(relaxedTest, noRelaxedSimd);
  else {
    await test(relaxedTest, 60, () => withHelpers(async (spawn) => {
      const one = new Segx(moduleOf('unet16', 1, true));
      const two = await Segx.withThreads(moduleOf('unet16', 2, true), 2, spawn);
      one.load(weights);
      two.load(weights);
      for (const name of images) {
        const { rgba, width, height, mask } = picture(name);
        const found = one.segment(rgba, width, height);
        assert(iou(found.mask, mask) >= 0.999, `${name}: IoU ${iou(found.mask, mask)}`);
        assert.deepEqual(two.segment(rgba, width, height), found);
        const exact = segx.segment(rgba, width, height).probability;
        const difference = found.probability.reduce((most, p, i) => Math.max(most, Math.abs(p - exact[i])), 0);
        assert(difference > 0, 'it rounds as the other program does: is it another?');
        assert(difference < 1e-4, `${name}: probabilities differ by ${difference}`);
      }
    }));
  }

  await test('a broken weight file gets a sentence and changes nothing', 60, async () => {
    const { rgba, width, height } = picture('small');
    const before = segx.segment(rgba, width, height).probability;
    const damaged = Buffer.from(weights);
    damaged[weights.length >> 1] ^= 64;
    const cases = {
      'an empty file': [Buffer.alloc(0), /at least 8 bytes/],
      'not a weight file': [Buffer.from('{"this": "is not a weight file"}'), /not a safetensors file/],
      'cut off in the header': [weights.subarray(0, 1000), /truncated/],
      'cut off in the tensors': [weights.subarray(0, weights.length >> 1), /truncated/],
      'something appended': [Buffer.concat([weights, Buffer.alloc(5)]), /expected \d+ bytes of data/],
      'one bit flipped': [damaged, /damaged: expected the SHA-256 [0-9a-f]{64}, found [0-9a-f]{64}$|not finite/],
      'another network': [withHeader(weights, (text) => text.replace(/("fingerprint":")[^"]/, '$1#')), /another network/],
      'another size': [withCard(weights, { height: '512' }), /512x256.*256x256/],
      'no header': [withHeader(weights, () => '[]'), /does not start with/],
      'a threshold of 2': [withCard(weights, { threshold: '2' }), /threshold is "2"/],
      'a changed card': [withHeader(weights, (text) => text.replace('"threshold":"0.5"', '"threshold":"0.4"')), /card was changed/],
    };
    for (const [what, [file, sentence]] of Object.entries(cases)) {
      for (const sum of ['', await sumOf(file)]) {
        assert.throws(() => segx.load(file, sum), (error) => error instanceof Problem && sentence.test(error.message), what);
      }
    }
    assert.deepEqual(segx.segment(rgba, width, height).probability, before);
    segx.load(weights);
    assert.deepEqual(segx.segment(rgba, width, height).probability, before);
    return `${Object.keys(cases).length} files`;
  });

  await test('images of extreme shapes are segmented', 60, () => {
    for (const [width, height] of [[1, 1], [1, 700], [3000, 2], [256, 256], [2048, 2500]]) {
      const { mask, probability } = segx.segment(new Uint8ClampedArray(4 * width * height).fill(90), width, height);
      assert.equal(mask.length, width * height);
      assert(probability.every((p) => p >= 0 && p <= 1));
    }
  });
}

// ---- in Chromium ----

const TRANSPARENT =  // a PNG of one pixel, half transparent
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR4nGNoAAIABQUCAaxTIjoAAAAASUVORK5CYII=';

/** The mask that the page offers for download, as bytes. */
async function downloadedMask(page) {
  const { base64, width, height } = await page.value(`(async () => {
    const image = new Image();
    image.src = document.querySelector('#download').href;
    await image.decode();
    const { width, height } = image;
    const context = new OffscreenCanvas(width, height).getContext('2d');
    context.drawImage(image, 0, 0);
    const rgba = context.getImageData(0, 0, width, height).data;
    const reader = new FileReader();
    reader.readAsDataURL(new Blob([rgba.filter((_, i) => i % 4 === 0)]));
    await new Promise((done) => { reader.onload = done; });
    return { base64: reader.result.split(',')[1], width, height };
  })()`);
  return { mask: Buffer.from(base64, 'base64'), width, height };
}

const idle = `document.querySelector('#stage').getAttribute('aria-busy') === 'false'`;
const problem = `document.querySelector('#problem:not([hidden]) p')?.textContent`;
const result = (name) => `${idle} && document.querySelector('#result:not([hidden]) #name')?.textContent.startsWith('${name}')`;

async function testInBrowser(chromium, native) {
  const root = join(temporary, 'site');
  cpSync(site, root, { recursive: true });
  rmSync(join(root, 'weights.safetensors'), { force: true });
  const server = await serve(root);
  const home = `http://127.0.0.1:${server.address().port}/`;
  const browser = new Browser(chromium);
  const file = (name, bytes) => {
    const path = join(temporary, name);
    writeFileSync(path, bytes);
    return path;
  };
  /** Calls body(page) with a tab of a server of its own, without headers; `before` sees its requests first and may end them. */
  const apart = async (body, before = () => {}) => {
    const plain = await serve(root, 0, {});
    const [answer] = plain.listeners('request');
    plain.removeAllListeners('request').on('request', async (request, response) => {
      await before(request, response);
      if (!response.writableEnded && !response.destroyed) answer(request, response);
    });
    try {
      const other = await browser.open(`http://127.0.0.1:${plain.address().port}/`);
      await body(other);
      assert.deepEqual(other.errors, []);
    } finally {
      plain.closeAllConnections();
      plain.close();
    }
  };
  const weights = join(native, 'weights.safetensors');
  const weightBytes = readFileSync(weights);
  const png = readFileSync(join(native, 'large.png'));
  let page;

  try {
    await test('the page starts, and without weights asks for them', 60, async () => {
      page = await browser.open(home);
      await page.until(`/no weights beside/.test(document.querySelector('#network').textContent)`);
      await page.choose('#image-file', join(native, 'small.png'));
      await page.until(`/Load weights first/.test(${problem})`);
    });

    await test('a broken weight file gets a message', 60, async () => {
      await page.choose('#weights-file', file('cut.safetensors', weightBytes.subarray(0, 5000)));
      await page.until(`/^cut.safetensors: .*truncated/.test(${problem})`);
      await page.choose('#weights-file', file('empty.safetensors', ''));
      await page.until(`/^empty.safetensors: .*at least 8 bytes/.test(${problem})`);
    });

    await test('weights can be chosen; then the image that waits is segmented', 60, async () => {
      await page.choose('#weights-file', weights);
      await page.until(result('small.png'));
      assert.equal(await page.value(problem), undefined);
    });

    await test('masks on the page are the native ones (IoU ≥ 0.999)', 60, async () => {
      const times = [];
      for (const name of ['large', 'small', 'large']) {
        await page.choose('#image-file', join(native, `${name}.png`));
        await page.until(result(`${name}.png`));
        const { mask, width, height } = await downloadedMask(page);
        const expected = JSON.parse(readFileSync(join(native, `${name}.json`)));
        assert.deepEqual({ height, width }, expected);
        const agreement = iou(mask, readFileSync(join(native, `${name}.mask`)));
        assert(agreement >= 0.999, `${name}: IoU ${agreement}`);
        times.push(await page.value(`document.querySelector('#time').textContent`));
      }
      return `${times.join(', ')}, ${await page.value(`document.querySelector('#memory').textContent`)}`;
    });

    await test('weights that were trained on windows are said to be', 60, async () => {
      const told = `/trained on windows/.test(document.querySelector('#network').textContent)`;
      assert.equal(await page.value(told), false);
      const windows = withCard(weightBytes, { resizing: `none: windows of the image's own resolution` });
      await page.choose('#weights-file', file('windows.safetensors', windows));
      await page.until(`${idle} && ${told}`);
    });

    await test('weights of another network bring its program, and weights that are broken leave it', 60, async () => {
      await page.choose('#weights-file', bestWeights);
      await page.until(result('large.png'));
      const agreement = iou((await downloadedMask(page)).mask, readFileSync(join(native, 'large.best.mask')));
      assert(agreement >= 0.999, `IoU ${agreement}`);
      await page.choose('#weights-file', file('cut.safetensors', readFileSync(weights).subarray(0, 100000)));
      await page.until(`${idle} && ${problem}?.startsWith('cut.safetensors: ')`);
      await page.click('[data-action=dismiss]');
      await page.choose('#image-file', join(native, 'small.png'));
      await page.until(result('small.png'));
      const again = iou((await downloadedMask(page)).mask, readFileSync(join(native, 'small.best.mask')));
      assert(again >= 0.999, `IoU ${again}`);
      await page.choose('#weights-file', weights);
      await page.until(`${idle} && ${result('small.png')}`);
    });

    await test('an image that follows other weights at once is segmented by them', 60, async () => {
      await page.choose('#weights-file', bestWeights);
      await page.choose('#image-file', join(native, 'large.png'));
      await page.until(`${idle} && ${result('large.png')}`);
      assert.match(await page.value(`document.querySelector('#network').textContent`), /unet-mobilenetv2/);
      assert(iou((await downloadedMask(page)).mask, readFileSync(join(native, 'large.best.mask'))) >= 0.999);
    });

    await test('the weights that are chosen last stay, and the image is theirs', 60, async () => {
      await page.choose('#image-file', join(native, 'small.png'));
      await page.choose('#weights-file', bestWeights);
      await page.choose('#weights-file', weights);
      await page.until(`${idle} && ${result('small.png')}`);
      assert.match(await page.value(`document.querySelector('#network').textContent`), /unet16/);
      assert(iou((await downloadedMask(page)).mask, readFileSync(join(native, 'small.mask'))) >= 0.999);
    });

    await test('an image can be dropped', 30, async () => {
      await page.drop(join(native, 'small.png'));
      await page.until(result('small.png'));
    });

    await test('a broken image gets a message, and the last result stays', 60, async () => {
      const damaged = Buffer.from(png);
      damaged.fill(0, 60, 4000);
      const cases = {
        'cut.png': [png.subarray(0, png.length >> 1), /ends early/],
        'damaged.png': [damaged, /could not be decoded|ends early/],
        'text.png': ['This is not a picture.', /not a PNG or JPEG/],
        'empty.jpg': ['', /empty/],
        'transparent.png': [Buffer.from(TRANSPARENT, 'base64'), /transparent/],
        'cut.jpg': [Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'), /ends early/],
      };
      for (const [name, [bytes, sentence]] of Object.entries(cases)) {
        await page.choose('#image-file', file(name, bytes));
        await page.until(`${idle} && ${problem}?.startsWith('${name}: ')`);
        assert.match(await page.value(problem), sentence);
      }
      assert(await page.value(result('small.png')));
      await page.click('[data-action=dismiss]');
      assert.equal(await page.value(problem), undefined);
    });

    await test('opacity and views change the overlay', 30, async () => {
      const opaque = `(() => {
        const canvas = document.querySelector('#overlay');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((value, i) => i % 4 === 3 && value > 0).length;
      })()`;
      const mask = await page.value(opaque);
      await page.click('input[value=outline]');
      const outline = await page.value(opaque);
      await page.click('input[value=probability]');
      const probability = await page.value(opaque);
      await page.click('input[value=mask]');
      assert(0 < outline && outline < mask && mask < probability, `${outline}, ${mask}, ${probability}`);
      await page.value(`{ const slider = document.querySelector('#opacity'); slider.value = 80;
                          slider.dispatchEvent(new Event('input')); }`);
      assert.equal(await page.value(`document.querySelector('#overlay').style.opacity`), '0.8');
    });

    await test('with weights beside it, the page segments its phantom at a click', 60, async () => {
      cpSync(weights, join(root, 'weights.safetensors'));
      cpSync(join(native, 'large.png'), join(root, 'sample.png'));
      const begin = performance.now();
      await page.go(home);
      await page.until(`document.querySelector('#card:not([hidden])')`);
      const ready = performance.now() - begin;
      await page.click('#empty [data-action=sample]');
      await page.until(result('phantom.png'));
      const done = performance.now() - begin;
      const { mask } = await downloadedMask(page);
      assert(iou(mask, readFileSync(join(native, 'large.mask'))) >= 0.999);
      return `ready after ${ready.toFixed(0)} ms, result after ${done.toFixed(0)} ms`;
    });

    await test('what is chosen while the page starts is not lost', 60, async () => {
      await page.go(home);
      await page.until(`document.readyState === 'complete'`);
      await page.choose('#image-file', join(native, 'small.png'));
      await page.until(`${idle} && ${result('small.png')}`);
      assert.equal(await page.value(problem), undefined);
    });

    await test('the page asks nobody but its own server, and nothing goes wrong unseen', 10, async () => {
      const foreign = page.requests.filter((url) => !url.startsWith(home) && !/^(blob|data):/.test(url));
      const program = await page.value(
        `import('./segx.js').then(({ programOf }) => programOf('unet16', navigator.hardwareConcurrency))`);
      assert(page.requests.some((url) => url.endsWith(program)), 'the worker was not watched');
      assert.deepEqual(foreign, []);
      assert.deepEqual(page.errors, []);
    });

    if (options.pictures) {
      mkdirSync(options.pictures, { recursive: true });
      const take = async (name, width, height, colours) => {
        await page.appear(width, height, colours);
        writeFileSync(join(options.pictures, `${name}-${colours}.png`), await page.picture());
      };
      for (const colours of ['light', 'dark']) {
        await take('wide', 1280, 800, colours);
        await take('phone', 390, 844, colours);
      }
      await page.choose('#weights-file', file('cut.safetensors', weightBytes.subarray(0, 5000)));
      await page.until(problem);
      await take('problem', 1280, 800, 'light');
      await page.go(home);
      await page.until(`document.querySelector('#card:not([hidden])')`);
      await take('empty', 1280, 800, 'light');
      await take('empty-phone', 390, 844, 'dark');
    }

    await test('without the headers that threads need, one thread segments', 60, () => apart(async (other) => {
      await other.until(`document.querySelector('#card:not([hidden])')`);
      await other.choose('#image-file', join(native, 'small.png'));
      await other.until(result('small.png'));
      assert(iou((await downloadedMask(other)).mask, readFileSync(join(native, 'small.mask'))) >= 0.999);
      assert(!other.requests.some((url) => /-threads.*\.wasm$/.test(url)));
    }));

    let answerPng;  // with a status, to the worker's question whether it may make a PNG
    await test('a mask is offered with its own image only', 60, () => apart(async (other) => {
      const offered = `document.querySelector('#download').hasAttribute('href')`;
      await other.until(`document.querySelector('#card:not([hidden])')`);
      for (const [name, status] of [['large', 500], ['small', 200], ['large', 500], ['small', 200]]) {
        await other.choose('#image-file', join(native, `${name}.png`));
        await other.until(`document.querySelector('#name').textContent.startsWith('${name}')`);
        assert.equal(await other.value(offered), false, `${name} is seen and has no PNG yet`);
        while (!answerPng) await seconds(0.02);
        answerPng = answerPng(status);
        await other.until(result(`${name}.png`));
        if (status === 200) {
          assert(iou((await downloadedMask(other)).mask, readFileSync(join(native, `${name}.mask`))) >= 0.999);
        } else {
          assert.match(await other.value(problem), /^large.png: .*no PNG/);
          assert.equal(await other.value(offered), false, `${name} will have no PNG`);
        }
      }
    }, async ({ url }, response) => {
      if (url === '/png') response.writeHead(await new Promise((resolve) => { answerPng = resolve; })).end();
      if (url === '/worker.js') {
        response.setHeader('Content-Type', 'text/javascript').end(`${readFileSync(join(root, url))}
          const convert = OffscreenCanvas.prototype.convertToBlob;
          OffscreenCanvas.prototype.convertToBlob = async function () {
            if ((await fetch('png')).ok) return convert.call(this);
            throw new Error('no PNG');
          };`);
      }
    }));

    await test('a browser without SIMD is told so, whatever is chosen', 60, () => apart(async (other) => {
      const told = `${idle} && /^(weights.safetensors: )?This browser does not run WebAssembly with SIMD/.test(${problem})`;
      await other.until(told);
      await other.choose('#image-file', join(native, 'small.png'));
      await other.until(told);
      await other.click('[data-action=dismiss]');
      await other.choose('#weights-file', weights);
      await other.until(told);
    }, ({ url }, response) => {
      if (url.endsWith('.wasm')) response.end('as good as compiled for another machine');
    }));

    const halfWay = (response) => new Promise((resolve) => {
      response.writeHead(200, { 'Content-Type': 'application/wasm', 'Content-Length': 1000 });
      response.write('half a program', () => { response.destroy(); resolve(); });
    });
    for (const [what, lose, sentence] of [
      ['did not come', (response) => response.destroy(), 'is missing beside this page .no answer'],
      ['broke off', halfWay, 'did not arrive whole'],
    ]) {
      let isOut = true;
      await test(`a program that ${what} is fetched again with the next weights`, 60, () => apart(async (other) => {
        const told = `${idle} && /unet16.*wasm ${sentence}/.test(${problem})`;
        await other.until(told);
        await other.choose('#image-file', join(native, 'small.png'));
        await other.until(told);
        isOut = false;
        await other.choose('#weights-file', weights);
        await other.until(result('small.png'));
        assert.equal(await other.value(problem), undefined);
        assert(iou((await downloadedMask(other)).mask, readFileSync(join(native, 'small.mask'))) >= 0.999);
      }, async ({ url }, response) => {
        if (isOut && url.endsWith('.wasm')) await lose(response);
      }));
    }

    let release;
    const released = new Promise((resolve) => { release = resolve; });
    await test('weights beside the page that do not come leave a program for others', 60, () => apart(async (other) => {
      await other.until(`document.readyState === 'complete'`);
      await other.choose('#weights-file', bestWeights);
      await seconds(1);  // in which they could overtake the first program
      release();
      await other.until(`${idle} && document.querySelector('#card:not([hidden])')`);
      await seconds(0.5);
      await other.choose('#image-file', join(native, 'small.png'));
      await other.until(`${idle} && ${result('small.png')}`);
      assert(iou((await downloadedMask(other)).mask, readFileSync(join(native, 'small.best.mask'))) >= 0.999);
    }, async ({ url }, response) => {
      if (url === '/weights.safetensors') response.destroy();
      if (url.startsWith('/unet16')) await released;
    }));
  } finally {
    await browser.close();
    server.close();
  }
}

// ---- all of it ----

if (existsSync(join(site, 'unet16.wasm'))) {
  const native = nativeResults();
  await testUnderNode(native);
  const chromium = findChromium();
  if (!chromium) skip('the page', 'no chromium here; install it, or name one in CHROMIUM');
  else if (!native) skip('the page', 'no results of native_reference, see --native');
  else await testInBrowser(chromium, native);
} else {
  skip('everything', `${site} has no unet16.wasm; build it by scripts/wasm --tests`);
}
rmSync(temporary, { recursive: true, force: true });
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exit(count.failed > 0 ? 1 : count.passed > 0 ? 0 : 77);
