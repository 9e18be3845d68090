/** Of calls that nobody calls off. */
export const NO_SIGNAL = new AbortController().signal;
