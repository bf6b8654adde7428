import type { Engine } from '../../../bindings/contract.d.ts';
import * as shared from '../../../bindings/engine/index.ts';
import { Door, type InitOutput } from '../../../target/bindings/wasm/flags.js';

/** An engine in an instance of the module. */
export function engineIn({ memory }: InitOutput): Engine {
  const door = new Door();
  return shared.createEngine({ name: 'wasm', door, hot: door, memory: () => memory.buffer, offset: door.shared() });
}
