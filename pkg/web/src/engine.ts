import type { Engine } from '../../../bindings/contract.d.ts';
import * as shared from '../../../bindings/engine/index.ts';
import { textReading } from '../../../bindings/engine/text-reading.ts';
import { Ffi, type InitOutput } from '../../../target/bindings/wasm/flags.js';

/** An engine in an instance of the module. */
export function engineIn({ memory }: InitOutput): Engine {
  const binding = new Ffi();
  return shared.createEngine({
    name: 'wasm',
    binding,
    hot: binding,
    memory: () => memory.buffer,
    offset: binding.shared(),
    read: textReading,
  });
}
