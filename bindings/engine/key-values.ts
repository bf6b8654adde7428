/** What a line may hold. */
export type Field = number | string;

/** The objects that a binding's text describes: see `EngineBinding` in the contract. */
export function parseLines(text: string): Record<string, Field>[] {
  return text.split('\n\n').filter(Boolean).map(parseObject);
}

function parseObject(block: string): Record<string, Field> {
  return Object.fromEntries(block.split('\n').filter(Boolean).map(parseLine));
}

function parseLine(line: string): [string, Field] {
  const at = line.indexOf('=');
  const value = line.slice(at + 2);
  return [line.slice(0, at), line[at + 1] === 'd' ? numberOf(value) : value];
}

/** The number of its bits in hexadecimal, so that nobody prints and reads decimal digits. */
export function numberOf(hexadecimal: string): number {
  return new Float64Array(new BigUint64Array([BigInt(`0x${hexadecimal}`)]).buffer)[0] as number;
}
