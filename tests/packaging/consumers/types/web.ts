import type { Context, Decision, EngineError, Snapshot } from '@flcm/flags-web';
import { createEngine, type Engine, type Source } from '@flcm/flags-web';
import { createEngine as compact, loadEngine } from '@flcm/flags-web/compact';
import { type Compiler, createCompiler } from '@flcm/flags-web/compile';
import { createEngine as inline } from '@flcm/flags-web/inline';
import { createEngine as slim } from '@flcm/flags-web/slim';

export async function decide(source: Source, module: WebAssembly.Module, bytes: Uint8Array): Promise<Decision> {
  const engines: Engine[] = [
    await createEngine(),
    await createEngine(source),
    await inline(),
    slim(module),
    compact(module),
    await loadEngine(),
  ];
  const compiler: Compiler = await createCompiler();
  const snapshot: Snapshot | undefined = engines[0]?.load(compiler.compile('flags: {}').snapshot ?? bytes);
  const alice: Context | undefined = snapshot?.context('alice', { country: 'DE', age: 45, cohorts: ['beta'] });
  const code: EngineError['code'] = 'FREED';
  // @ts-expect-error: the name is one of two
  if (engines[0]?.name === 'other') throw new Error(code);
  // @ts-expect-error: a slim engine needs its module
  slim();
  // @ts-expect-error: an attribute is no function
  snapshot?.context('alice', { age: () => 45 });
  if (!alice) throw new Error();
  return alice.decision('flag', Date.now());
}
