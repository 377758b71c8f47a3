// Serves a folder to this computer alone:  node serve.mjs FOLDER [PORT]

import { realpathSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = {
  '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.wasm': 'application/wasm',
};

function pathOf(url) {
  try {
    const path = normalize(decodeURIComponent(new URL(url, 'http://localhost').pathname)).replaceAll('\0', '');
    return path.endsWith('/') ? `${path}index.html` : path;
  } catch {
    return '/not-a-path';
  }
}

// With these, browsers isolate the page from other origins and let it have threads.
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** Listens on 127.0.0.1; port 0 takes a free one. @returns {Promise<import('node:http').Server>} */
export function serve(folder, port = 0, headers = ISOLATION) {
  const server = createServer(async ({ method, url }, response) => {
    const refuse = (status) => { response.writeHead(status).end(); };
    const file = join(folder, pathOf(url));  // without "..": normalised below "/"
    const found = await stat(file).catch(() => null);
    if (!found?.isFile()) return refuse(404);
    if (method !== 'GET' && method !== 'HEAD') return refuse(405);
    const bytes = await readFile(file).catch(() => null);
    if (!bytes) return refuse(500);
    response.writeHead(200, {
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
      'Content-Length': bytes.length,
      'Cache-Control': 'no-cache',
      ...headers,
    }).end(bytes);  // which Node leaves out where HEAD asks
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server));
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [folder = '.', port = '8000'] = process.argv.slice(2);
  const server = await serve(folder, Number(port)).catch((error) => {
    console.error(error.code === 'EADDRINUSE' ? `Port ${port} is taken; choose another one.` : error.message);
    process.exit(1);
  });
  console.log(`The page is at http://127.0.0.1:${server.address().port}/ (Ctrl-C ends)`);
}
