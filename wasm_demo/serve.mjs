// Serves a folder to this computer alone:  node serve.mjs FOLDER [PORT]

import { createReadStream, realpathSync, statSync } from 'node:fs';
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
  const server = createServer(({ method, url }, response) => {
    const file = join(folder, pathOf(url));  // without "..": normalised below "/"
    const status = statSync(file, { throwIfNoEntry: false });
    if (!status?.isFile() || (method !== 'GET' && method !== 'HEAD')) {
      response.writeHead(status?.isFile() ? 405 : 404).end();
      return;
    }
    response.writeHead(200, {
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
      'Content-Length': status.size,
      'Cache-Control': 'no-cache',
      ...headers,
    });
    if (method === 'HEAD') response.end();
    else createReadStream(file, { highWaterMark: 2 ** 20 }).pipe(response);
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
