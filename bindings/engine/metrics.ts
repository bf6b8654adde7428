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
import { checkedGeneration, checkedId, type LoadedSnapshot, noRoom } from './loaded-snapshot.ts';

/** What is counted of a snapshot. */
export class Metrics implements MetricsContract {
  readonly #loaded: LoadedSnapshot;

  constructor(loaded: LoadedSnapshot) {
    this.#loaded = loaded;
  }

  start(totals = false): void {
    const { binding, handle } = this.#loaded;
    if (!(totals ? binding.measureTotals(handle) : binding.measure(handle))) throw noRoom('the metrics');
    if (!this.#loaded.measuring) this.#loaded.forget();
    this.#loaded.measuring = true;
  }

  drain(name: BatchName): Uint8Array | undefined {
    const { binding, handle } = this.#loaded;
    const [instance, epoch, sequence] = checkedName(name);
    this.#loaded.countRemembered();
    return binding.drain(handle, instance, epoch, sequence) ?? undefined;
  }

  merge(bytes: Uint8Array): number {
    const { binding, handle } = this.#loaded;
    if (!binding.merge) throw engineError('INVALID_ARGUMENT', 'the compact engine merges nothing: load another one');
    return checked(bytes, () => binding.merge?.(handle, bytes) ?? 0);
  }

  summary(flag: FlagId): FlagSummary | undefined {
    const { binding, handle } = this.#loaded;
    this.#loaded.countRemembered();
    const answer = binding.summary(handle, checkedId(flag));
    if (answer == null) return undefined;
    const [summary, ...tallies] = this.#loaded.read.objects(answer);
    return { ...(summary as FlagSummary), tallies: tallies as Tally[] };
  }

  setGeneration(flag: FlagId, generation: number): void {
    const { binding, handle } = this.#loaded;
    binding.setGeneration(handle, checkedId(flag), checkedGeneration(generation));
  }

  add(name: string, amount = 1): boolean {
    const { binding, handle } = this.#loaded;
    return binding.add(handle, `${name}`, amount);
  }

  observe(name: string, value: number): boolean {
    const { binding, handle } = this.#loaded;
    return binding.observe(handle, `${name}`, value);
  }

  aged(batch: Uint8Array, ageMs: number): Uint8Array {
    if (ageMs >>> 0 !== ageMs) throw engineError('INVALID_ARGUMENT', 'an age is an integer from 0 to 4294967295');
    return checked(batch, () => this.#loaded.binding.withHeader(batch, ageMs, 0, -1, 0));
  }

  renamed(batch: Uint8Array, name: BatchName): Uint8Array {
    const numbers = checkedName(name);
    return checked(batch, () => this.#loaded.binding.withHeader(batch, 0, ...numbers));
  }

  custom(): CustomMetrics {
    const { binding, handle, read } = this.#loaded;
    const [head, ...metrics] = read.objects(binding.custom(handle) ?? '');
    return { dropped: (head as Partial<CustomMetrics>)?.dropped ?? 0, metrics: metrics as NamedMetric[] };
  }
}

function checkedName({ instance, epoch, sequence }: BatchName): [number, number, number] {
  if ([instance, epoch, sequence].every((number) => Number.isSafeInteger(number) && number >= 0)) {
    return [instance, epoch, sequence];
  }
  throw engineError('INVALID_ARGUMENT', 'instance, epoch and sequence of a batch must be integers up to 2^53');
}

/** What a call answers, or what is wrong with a batch. */
function checked<T>(batch: Uint8Array, call: () => T): T {
  if (!isArray(batch, 'Uint8Array')) {
    throw engineError('INVALID_ARGUMENT', `a batch must be a Uint8Array, not ${nameOf(batch)}`);
  }
  try {
    return call();
  } catch (error) {
    throw engineError('INVALID_ARGUMENT', `invalid batch: ${messageOf(error)}`, error);
  }
}
