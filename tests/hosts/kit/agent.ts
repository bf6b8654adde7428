import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FeatureError } from '@flcm/features';

const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../../target', import.meta.url));

const AGENT = join(TARGET, 'debug/examples/agent');

/** The host in Rust, as it was built last. */
export function agentFile(): string {
  if (existsSync(AGENT)) return AGENT;
  throw new Error(`${AGENT} is not there: \`cargo build --profile test -p flcm-flags-client --example agent\``);
}

/** What an answer brings besides. */
interface Answer {
  readonly answer: unknown;
  /** What is done that was asked for before, and what went wrong with it. */
  readonly done: readonly [ticket: number, error: { code: FeatureError['code']; message: string } | null][];
  readonly events: readonly [host: number, event: string, of: unknown][];
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A process that answers questions at once, so that they may be asked in the middle of anything; `examples/agent` of the client in Rust. */
export class Agent {
  readonly process: ChildProcess;
  readonly #questions: number;
  readonly #answers: number;
  readonly #part: Buffer = Buffer.alloc(1 << 16);
  readonly #heard: Map<number, (event: string, of: unknown) => void> = new Map();
  readonly #waiting: Map<number, Waiting> = new Map();
  #numbers = 0;
  #isWatched = false;
  #turn = 0;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'flcm-agent-'));
    const [questions, answers] = ['questions', 'answers'].map((name) => join(folder, name)) as [string, string];
    execFileSync('mkfifo', [questions, answers]);
    // With both ends in hand nothing waits for anybody to open the other one.
    const both = [openSync(questions, 'r+'), openSync(answers, 'r+')];
    const theirs = [openSync(questions, 'r'), openSync(answers, 'w')] as const;
    this.#questions = openSync(questions, 'w');
    this.#answers = openSync(answers, 'r');
    this.process = spawn(agentFile(), { stdio: [...theirs, 'inherit'] });
    this.process.unref();
    // From now on each side sees the end of the other.
    for (const end of [...both, ...theirs]) closeSync(end);
    rmSync(folder, { recursive: true });
  }

  /** A number that nothing else has: for a clock, a host or a ticket. */
  number(): number {
    return ++this.#numbers;
  }

  /** Listens to all events of a host. */
  hear(host: number, listener: (event: string, of: unknown) => void): void {
    this.#heard.set(host, listener);
  }

  /** Asks something, and waits for the answer without a turn for anything else. */
  ask(question: object): unknown {
    writeSync(this.#questions, `${JSON.stringify(question)}\n`);
    const { answer, done, events } = JSON.parse(this.#line()) as Answer;
    for (const [host, event, of] of events) this.#heard.get(host)?.(event, read(of));
    for (const [ticket, error] of done) this.#end(ticket, error && new FeatureError(error.code, error.message));
    return read(answer);
  }

  /** Asks for something that takes its time. */
  wait(question: object): Promise<void> {
    const ticket = this.number();
    this.#turn = 0;
    const done = new Promise<void>((resolve, reject) => this.#waiting.set(ticket, { resolve, reject }));
    this.ask({ ...question, ticket });
    if (!this.#isWatched) void this.#watch();
    return done;
  }

  /** Lets everything in there go on that waits for nothing but its turn; or for so many turns, and no more. */
  turns(turns?: number): Promise<void> {
    return this.wait({ ask: 'turns', turns });
  }

  /** Asks for news until nothing is waited for, in a hurry at first. */
  async #watch(): Promise<void> {
    this.#isWatched = true;
    while (this.#waiting.size > 0) {
      if (this.#turn++ < 20) await setImmediate();
      else await setTimeout(1);
      try {
        this.ask({ ask: 'events' });
      } catch (error) {
        for (const ticket of this.#waiting.keys()) this.#end(ticket, error);
      }
    }
    this.#isWatched = false;
  }

  #end(ticket: number, error: unknown): void {
    const waiting = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    if (error === null) waiting?.resolve();
    else waiting?.reject(error);
  }

  #line(): string {
    const parts: Buffer[] = [];
    for (;;) {
      const length = readSync(this.#answers, this.#part);
      if (length === 0) throw new Error('the agent has ended');
      parts.push(Buffer.from(this.#part.subarray(0, length)));
      if (this.#part[length - 1] === 10) return Buffer.concat(parts).toString();
    }
  }
}

/** What JSON has no words for: `undefined`, and large numbers. */
function read(value: unknown): unknown {
  if (value === null) return undefined;
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([name, of]) => [
    name,
    name === 'revision' ? BigInt(of) : (of ?? undefined),
  ]);
  return Object.fromEntries(entries);
}
