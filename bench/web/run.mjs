// Times a runtime in headless Chromium:  run.mjs SITE PEER CxHxW THREADS RUNS     The last line is JSON.

import { readdirSync, readFileSync } from 'node:fs';

import { serve } from '../../wasm_demo/serve.mjs';
import { Browser, findChromium } from '../../tests/wasm/browser.mjs';

/** What Linux says of a process, by name; undefined if it is gone. */
function statusOf(pid) {
  try {
    const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n').map((line) => line.split(/:\s*/));
    return { ...Object.fromEntries(lines), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8') };
  } catch {
    return undefined;
  }
}

/** MB that the process of a browser's page held at most; undefined where there is no /proc. */
function peakOfPage(browser) {
  let processes;
  try {
    processes = new Map(readdirSync('/proc').filter(Number).map((pid) => [pid, statusOf(pid)]));
  } catch {
    return undefined;
  }
  const isOfBrowser = (pid) => pid === `${browser}` || (processes.get(pid) && isOfBrowser(processes.get(pid).PPid));
  const pages = [...processes].filter(([pid, status]) => status?.command.includes('--type=renderer') && isOfBrowser(pid));
  const most = Math.max(...pages.map(([, status]) => parseInt(status.VmHWM, 10)));  // there may be a spare one
  return pages.length ? most / 1024 : undefined;
}

const [site, peer, shape, threads, runs] = process.argv.slice(2);
const chromium = findChromium();
if (!chromium) {
  console.error('there is no Chromium on this machine');
  process.exit(1);
}
const server = await serve(site);
const browser = new Browser(chromium);
let status = 0;
try {
  const page = await browser.open('about:blank');
  await page.go(`http://127.0.0.1:${server.address().port}/?peer=${peer}&shape=${shape}&threads=${threads}&runs=${runs}`);
  await page.until('window.result', 120);
  const result = await page.value('window.result');
  console.log(JSON.stringify({ ...result, peak_rss_mb: peakOfPage(browser.pid) }));
  if (result.error) status = 1;
} catch (error) {
  console.error(error.message);
  status = 1;
} finally {
  await browser.close();
  server.close();
}
process.exit(status);
