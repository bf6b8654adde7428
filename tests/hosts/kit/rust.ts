import type { FeatureEvents, RemoteState } from '@flcm/features';
import { FlagServer } from '../../kit/server.ts';
import { Agent } from './agent.ts';
import type { Host, HostOptions, TestClock } from './host.ts';

let started: Agent | undefined;

/** The process in which the hosts of a test file are, started when it is first needed. */
export function agent(): Agent {
  started ??= new Agent();
  return started;
}

interface Time {
  readonly now: number;
  readonly elapsed: number;
  readonly waiting: number;
  readonly next: number | undefined;
}

/** The clock of a host in Rust. */
export class RustClock implements TestClock {
  readonly number: number = agent().number();

  set chance(chance: () => number) {
    this.#ask({ ask: 'chance', number: chance() });
  }

  set early(ms: number) {
    this.#ask({ ask: 'early', ms });
  }

  vary(): void {
    this.#ask({ ask: 'chance', number: null });
  }

  now = (): number => this.#time.now;
  elapsed = (): number => this.#time.elapsed;

  get waiting(): number {
    return this.#time.waiting;
  }

  get next(): number | undefined {
    return this.#time.next;
  }

  jump(ms: number): void {
    this.#ask({ ask: 'jump', ms });
  }

  ring(): void {
    this.#ask({ ask: 'ring' });
  }

  pass(ms: number): Promise<void> {
    return agent().wait({ ask: 'pass', clock: this.number, ms });
  }

  get #time(): Time {
    return this.#ask({ ask: 'time' }) as Time;
  }

  #ask(question: object): unknown {
    return agent().ask({ ...question, clock: this.number });
  }
}

type Listeners = { readonly [K in keyof FeatureEvents]: (event: FeatureEvents[K]) => void };

/** A host in Rust. */
export class RustHost implements Host {
  readonly #number: number = agent().number();
  readonly #listeners: Map<string, Set<(of: never) => void>> = new Map();

  /** Begins to follow a source. */
  static async start(
    options: HostOptions,
    clock: RustClock,
    listeners: Partial<Listeners>,
    isOneOfMany = false,
  ): Promise<RustHost> {
    const host = new RustHost();
    for (const [event, listener] of Object.entries(listeners)) host.#listeners.set(event, new Set([listener]));
    const { snapshot, ...others } = options;
    const given = { ...others, ...(snapshot && { snapshot: Buffer.from(snapshot).toString('base64') }) };
    const of = { host: host.#number, clock: clock.number, isOneOfMany };
    await agent().wait({ ask: 'start', ...of, options: given });
    return host;
  }

  private constructor() {
    agent().hear(this.#number, (event, of) => {
      for (const listener of this.#listeners.get(event) ?? []) listener(of as never);
    });
  }

  readonly remote: Host['remote'] = new Remote(
    (what) => this.#about({ what }),
    (of) => this.#wait(of),
  );

  readonly metrics: Host['metrics'] = {
    flush: () => this.#wait('flush'),
    summary: (flag) => this.#about({ what: 'summary', flag }) as { decisions: number } | undefined,
  };

  readonly breaker: Host['breaker'] = {
    state: (flag) => this.#about({ what: 'breaker', flag }) as string | undefined,
  };

  get snapshot(): Host['snapshot'] {
    return this.#about({ what: 'snapshot' }) as Host['snapshot'];
  }

  isEnabled(flag: string, user: string): boolean {
    return this.#about({ what: 'isEnabled', flag, user }) as boolean;
  }

  decision(flag: string, user: string): ReturnType<Host['decision']> {
    return this.#about({ what: 'decision', flag, user }) as ReturnType<Host['decision']>;
  }

  value(flag: string, fallback: string, user: string): unknown {
    return (this.decision(flag, user) as { value?: unknown }).value ?? fallback;
  }

  explain(flag: string): { readonly trip: string | undefined } {
    return { trip: this.#about({ what: 'trip', flag }) as string | undefined };
  }

  for({ targetingKey: user }: { readonly targetingKey: string }): ReturnType<Host['for']> {
    return {
      isEnabled: (flag) => this.isEnabled(flag, user),
      record: (flag, { failed }) => void this.#about({ what: 'record', flag, user, failed }),
    };
  }

  on<K extends keyof FeatureEvents>(event: K, listener: (event: FeatureEvents[K]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Closes it in a listener of its own language. */
  closeOn(event: keyof FeatureEvents): void {
    this.#about({ what: 'closeOn', event });
  }

  close(): Promise<void> {
    return this.#wait('close');
  }

  #about(of: object): unknown {
    return agent().ask({ ask: 'host', host: this.#number, of });
  }

  #wait(of: string): Promise<void> {
    return agent().wait({ ask: 'wait', host: this.#number, for: of });
  }
}

class Remote {
  readonly #about: (what: string) => unknown;
  readonly #wait: (of: string) => Promise<void>;

  constructor(about: (what: string) => unknown, wait: (of: string) => Promise<void>) {
    this.#about = about;
    this.#wait = wait;
  }

  get state(): RemoteState {
    return this.#status.state;
  }

  get ageMs(): number | undefined {
    return this.#status.ageMs;
  }

  get settled(): Promise<void> {
    return this.#wait('settled');
  }

  sync(): Promise<void> {
    return this.#wait('sync');
  }

  get #status(): { state: RemoteState; ageMs: number | undefined } {
    return this.#about('status') as { state: RemoteState; ageMs: number | undefined };
  }
}

/**
 * Waits until each request is answered, as far as servers know; of one that hangs no answer is to be expected. What leaves a process and
 * arrives in another takes a turn in each, or several where many arrive.
 */
export async function answered(rounds = 2): Promise<void> {
  let [start, arrived] = [performance.now(), requests()];
  for (let quiet = 0; quiet < rounds && performance.now() - start < 300; quiet++) {
    await agent().turns();
    await new Promise((resolve) => setTimeout(resolve, 1));
    await agent().turns();
    const isNew = requests() > arrived;
    if (isNew) [start, arrived] = [performance.now(), requests()];
    if (isNew || servers().some((server) => server.isAsked)) quiet = -1;
  }
}

const servers = (): FlagServer[] => [...FlagServer.running];

const requests = (): number => servers().reduce((sum, server) => sum + server.requests.length, 0);
