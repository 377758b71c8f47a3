import { load as loadSegx } from './segx.js';

export { pixels } from './segx.js';

/** segx without relaxed SIMD. */
export const load = (threads, shape) => loadSegx(threads, shape, false);
