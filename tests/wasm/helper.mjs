// One more thread for a Segx under Node.

import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

const { help } = await import(pathToFileURL(workerData.segx));
help(workerData.words, () => parentPort.postMessage('ready'));
