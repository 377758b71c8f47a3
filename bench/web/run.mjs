// Times a runtime in headless Chromium:  run.mjs SITE PEER CxHxW THREADS RUNS     The last line is JSON.

import { serve } from '../../wasm_demo/serve.mjs';
import { Browser, findChromium } from '../../tests/wasm/browser.mjs';

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
  console.log(JSON.stringify(result));
  if (result.error) status = 1;
} catch (error) {
  console.error(error.message);
  status = 1;
} finally {
  await browser.close();
  server.close();
}
process.exit(status);
