// One more thread for worker.js: works in its memory, and takes no further messages.

import { help } from './segx.js';

self.onmessage = ({ data }) => help(data, () => postMessage('ready'));
