/**
 * How a process that runs the engine is to be started (`npm run resp` says the same). V8's young generation grows to some 100 MB by itself,
 * which no command gets faster by and every process pays for; the decision is in docs/performance.md.
 */
export const V8_FLAGS: readonly string[] = ['--max-semi-space-size=16'];
