// What the glue in TypeScript relies on of the wasm module, asked of the module itself; in Node and in a page.

const PAGE = 65_536;

function assert(holds, message) {
  if (!holds) throw new Error(message);
}

/** Whether bytes are refused, with a word about what is wrong with them. A trap is no refusal, and is thrown on. */
function refuses(binding, bytes) {
  try {
    binding.load(bytes);
    return false;
  } catch (error) {
    if (error.message.includes('not a snapshot')) return true;
    throw error;
  }
}

/**
 * The assertions by name. Each takes a new `Ffi`, the module's memory, and the bytes of a snapshot with two flags, and
 * throws what does not hold.
 */
export const assertions = {
  'the shared memory is aligned and does not move': (binding, memory, snapshot) => {
    const address = binding.shared();
    assert(address % 8 === 0, `outcomes are read as 64-bit words, and ${address} is no multiple of eight`);
    const before = memory.buffer.byteLength;
    // More than the memory that there is, so that it grows. Bytes that are no snapshot are let go again.
    assert(refuses(binding, new Uint8Array(before)), 'bytes that are no snapshot are an error');
    assert(memory.buffer.byteLength > before, 'memory has grown');
    assert(binding.load(snapshot) >= 0, 'a snapshot is loaded');
    assert(binding.shared() === address, `the shared memory has moved from ${address} to ${binding.shared()}`);
  },

  'snapshots come and go in the same memory': (binding, memory, snapshot) => {
    const swap = () => {
      const handle = binding.load(snapshot);
      assert(handle >= 0 && binding.flagCount(handle) === 2, 'a snapshot of two flags is loaded');
      assert(binding.unload(handle), 'it is let go');
      assert(!binding.unload(handle) && binding.digest(handle) === undefined, 'its handle names nothing any more');
    };
    swap();
    const before = memory.buffer.byteLength;
    for (let i = 0; i < 1000; i++) swap();
    assert(memory.buffer.byteLength === before, `${memory.buffer.byteLength - before} bytes were not given back`);
  },

  'bytes that are no snapshot are an error and take no memory': (binding, memory) => {
    assert(refuses(binding, new Uint8Array(1000).fill(7)), 'bytes that are no snapshot are an error');
    const before = memory.buffer.byteLength;
    const bad = new Uint8Array(100_000).fill(7);
    for (let i = 0; i < 1000; i++) assert(refuses(binding, bad), 'each time');
    const grown = (memory.buffer.byteLength - before) / PAGE;
    assert(grown <= 2, `memory has grown by ${grown} pages`);
  },
};

/** Runs one assertion in a page; `glue` and `snapshot` are addresses. */
export default async function inPage(name, glue, snapshot) {
  const { default: init, Ffi } = await import(glue);
  const { memory } = await init({ module_or_path: new URL('flags_bg.wasm', new URL(glue, location.href)) });
  const bytes = new Uint8Array(await (await fetch(snapshot)).arrayBuffer());
  assertions[name](new Ffi(), memory, bytes);
  return true;
}
