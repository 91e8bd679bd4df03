import type { Jobs } from './jobs.ts';
import type { ScriptHost } from './redis-library.ts';
import { callFromScript, mayCall } from './script-calls.ts';

/** What a node offers to its scripts; functions can register others while their library is loaded. */
export function scriptHost(
  jobs: Jobs,
  register: ScriptHost['register'] = () => 'redis.register_function can only be called on FUNCTION LOAD command',
): ScriptHost {
  return {
    call: (args) => callFromScript(jobs.inner, jobs.running, args),
    setResp3: (resp3) => {
      jobs.inner.reply.resp3 = resp3;
    },
    mayCall: (args) => (jobs.running === undefined ? undefined : mayCall(jobs.running.client, args)),
    register,
    get loading() {
      return jobs.running?.kind === 'load';
    },
  };
}
