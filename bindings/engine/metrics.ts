import type {
  BatchName,
  CustomMetrics,
  FlagId,
  FlagSummary,
  Metrics as MetricsContract,
  NamedMetric,
  Tally,
} from '../contract.d.ts';
import { engineError, isArray, messageOf, nameOf } from './error.ts';
import { parseLines } from './lines.ts';
import { checkedGeneration, checkedId, type Loaded, noRoom } from './loaded.ts';

/** What is counted of a snapshot. */
export class Metrics implements MetricsContract {
  readonly #loaded: Loaded;

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
  }

  start(): void {
    const { door, handle } = this.#loaded;
    if (!door.measure(handle)) throw noRoom('the metrics');
    if (!this.#loaded.measuring) this.#loaded.forget();
    this.#loaded.measuring = true;
  }

  drain({ instance, epoch, sequence }: BatchName): Uint8Array | undefined {
    const { door, handle } = this.#loaded;
    if (![instance, epoch, sequence].every((number) => Number.isSafeInteger(number) && number >= 0)) {
      throw engineError('INVALID_ARGUMENT', 'instance, epoch and sequence of a batch must be integers up to 2^53');
    }
    this.#loaded.countRemembered();
    return door.drain(handle, instance, epoch, sequence) ?? undefined;
  }

  merge(bytes: Uint8Array): number {
    const { door, handle } = this.#loaded;
    if (!isArray(bytes, 'Uint8Array')) {
      throw engineError('INVALID_ARGUMENT', `a batch must be a Uint8Array, not ${nameOf(bytes)}`);
    }
    try {
      return door.merge(handle, bytes) ?? 0;
    } catch (error) {
      throw engineError('INVALID_ARGUMENT', `invalid batch: ${messageOf(error)}`, error);
    }
  }

  summary(flag: FlagId, second?: MetricsContract): FlagSummary | undefined {
    const { door, handle } = this.#loaded;
    this.#loaded.countRemembered();
    const text = door.summary(handle, checkedId(flag), this.#secondHandle(second));
    if (text == null) return undefined;
    const [summary, ...tallies] = parseLines(text);
    return { ...summary, tallies: tallies as unknown as Tally[] } as unknown as FlagSummary;
  }

  setGeneration(flag: FlagId, generation: number): void {
    const { door, handle } = this.#loaded;
    door.setGeneration(handle, checkedId(flag), checkedGeneration(generation));
  }

  add(name: string, amount = 1): boolean {
    const { door, handle } = this.#loaded;
    return door.add(handle, `${name}`, amount);
  }

  observe(name: string, value: number): boolean {
    const { door, handle } = this.#loaded;
    return door.observe(handle, `${name}`, value);
  }

  #secondHandle(second: MetricsContract | undefined): number {
    if (second === undefined) return -1;
    if (second instanceof Metrics && second.#loaded.door === this.#loaded.door) {
      second.#loaded.countRemembered();
      return second.#loaded.handle;
    }
    throw engineError('INVALID_ARGUMENT', 'metrics can be added to those of the same engine only');
  }

  aged(batch: Uint8Array, ageMs: number): Uint8Array {
    if (!isArray(batch, 'Uint8Array') || ageMs >>> 0 !== ageMs) {
      throw engineError('INVALID_ARGUMENT', 'a batch is a Uint8Array, its age an integer from 0 to 4294967295');
    }
    try {
      return this.#loaded.door.aged(batch, ageMs);
    } catch (error) {
      throw engineError('INVALID_ARGUMENT', `invalid batch: ${messageOf(error)}`, error);
    }
  }

  custom(second?: MetricsContract): CustomMetrics {
    const { door, handle } = this.#loaded;
    const [head, ...metrics] = parseLines(door.custom(handle, this.#secondHandle(second)) ?? '');
    return { dropped: Number(head?.dropped ?? 0), metrics: metrics as unknown as NamedMetric[] };
  }
}
