import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

/** Starts a program of this folder as a process that can be told things. */
export function startChild(program: string): ChildProcess {
  return fork(join(import.meta.dirname, program), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

/** Says something to a process of a bench and waits for its next word. Rejects when it ends, or says nothing for a minute. */
export function told<Answer>(child: ChildProcess, message: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => {
      clearTimeout(late);
      reject(new Error(`a process of the bench ended with ${code}`));
    };
    const late = setTimeout(() => reject(new Error('a process of the bench has said nothing for a minute')), 60_000);
    child.once('exit', ended);
    child.once('message', (answer: Answer) => {
      clearTimeout(late);
      child.off('exit', ended);
      resolve(answer);
    });
    child.send(message as object);
  });
}
