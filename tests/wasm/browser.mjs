// Headless Chromium through its DevTools protocol: just what the tests of the page need, on two pipes, without packages.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The path of a Chromium on this machine, or undefined. */
export function findChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  return process.env.CHROMIUM ?? folders.flatMap((folder) => names.map((name) => join(folder, name))).find(existsSync);
}

export const seconds = (count) => new Promise((resolve) => setTimeout(resolve, 1000 * count));

/** A browser process; `close()` ends it. */
export class Browser {
  #process;
  #profile = mkdtempSync(join(tmpdir(), 'segx-chromium-'));
  #waiting = new Map();  // id -> [resolve, reject]
  #listeners = [];
  #lastId = 0;

  constructor(chromium) {
    this.#process = spawn(chromium, [
      '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
      '--hide-scrollbars', '--force-color-profile=srgb', '--remote-debugging-pipe', `--user-data-dir=${this.#profile}`,
    ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.#process.on('exit', () => this.#failAll('the browser ended'));
    this.#process.on('error', (error) => this.#failAll(error.message));
    let text = '';
    this.#process.stdio[4].setEncoding('utf8').on('data', (more) => {  // messages end with a zero byte
      const messages = (text + more).split('\0');
      text = messages.pop();
      messages.forEach((message) => this.#take(JSON.parse(message)));
    });
    this.#process.stdio[3].on('error', () => {});  // a browser that is gone; said by 'exit'
  }

  get pid() { return this.#process.pid; }

  send(method, params = {}, sessionId = undefined) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, [resolve, reject]);
      this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  listen(listener) { this.#listeners.push(listener); }

  /** A new tab that shows the page. */
  async open(url) {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId);
    await page.go(url);
    return page;
  }

  async close() {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.send('Browser.close').catch(() => {});
    await Promise.race([ended, seconds(5)]);
    this.#process.kill('SIGKILL');
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #take({ id, result, error, method, params, sessionId }) {
    if (id === undefined) return this.#listeners.forEach((listener) => listener(method, params, sessionId));
    const [resolve, reject] = this.#waiting.get(id) ?? [];
    this.#waiting.delete(id);
    return error ? reject?.(new Error(error.message)) : resolve?.(result);
  }

  #failAll(why) {
    this.#waiting.forEach(([, reject]) => reject(new Error(why)));
    this.#waiting.clear();
  }
}

export class Page {
  requests = [];  // URLs that the page and its workers asked for
  errors = [];    // uncaught, or written to the console as errors

  constructor(browser, session) {
    this.browser = browser;
    this.session = session;
    const sessions = new Set([session]);
    browser.listen((method, params, from) => {
      if (!sessions.has(from)) return;
      if (method === 'Target.attachedToTarget') {  // a worker of this page
        sessions.add(params.sessionId);
        browser.send('Network.enable', {}, params.sessionId).catch(() => {});
        browser.send('Runtime.runIfWaitingForDebugger', {}, params.sessionId).catch(() => {});
      }
      if (method === 'Network.requestWillBeSent') this.requests.push(params.request.url);
      if (method === 'Runtime.exceptionThrown') this.errors.push(params.exceptionDetails.exception?.description);
    });
  }

  send(method, params) { return this.browser.send(method, params, this.session); }

  async go(url) {
    await this.send('Page.enable');
    await this.send('Runtime.enable');
    await this.send('Network.enable');
    await this.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true });
    await this.send('Page.navigate', { url });
  }

  /** The value of an expression, or what its promise becomes. */
  async value(expression) {
    const { result, exceptionDetails } =
      await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until the expression is true. */
  async until(expression, limit = 30) {
    for (const end = Date.now() + 1000 * limit; Date.now() < end; await seconds(0.02)) {
      if (await this.value(`Boolean(${expression})`).catch(() => false)) return;
    }
    throw new Error(`waited ${limit} s in vain for ${expression}`);
  }

  async click(selector) { await this.value(`document.querySelector(${JSON.stringify(selector)}).click()`); }

  /** Chooses a file in a file input, as its dialog would. */
  async choose(selector, file) {
    const { root } = await this.send('DOM.getDocument');
    const { nodeId } = await this.send('DOM.querySelector', { nodeId: root.nodeId, selector });
    await this.send('DOM.setFileInputFiles', { nodeId, files: [file] });
  }

  /** Drops a file at the middle of the page. */
  async drop(file) {
    for (const type of ['dragEnter', 'dragOver', 'drop']) {
      await this.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data: { items: [], files: [file], dragOperationsMask: 1 } });
    }
  }

  /** Sets the window's size and the system's colours: 'light' or 'dark'. */
  async appear(width, height, colours) {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: colours }] });
    await seconds(0.3);
  }

  /** @returns {Promise<Buffer>} a PNG of all of the page */
  async picture() {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
    return Buffer.from(data, 'base64');
  }
}
