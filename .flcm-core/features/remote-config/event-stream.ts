/** The largest event that is taken in, in characters. */
const LARGEST_EVENT = 1 << 20;

/**
 * Reads server-sent events from pieces of text. What it answers takes the next piece.
 *
 * @throws Error An event is too large.
 */
export function eventStream(receive: (event: string, data: string) => void): (text: string) => void {
  let rest = '';
  let event = '';
  let data: string | undefined;
  let isOver = false;
  const line = (text: string) => {
    const [, field, value = ''] = /^([^:]*):? ?(.*)$/s.exec(text) ?? [];
    if (field === 'event') event = value;
    if (field === 'data') data = data === undefined ? value : `${data}\n${value}`;
    if (text !== '') return;
    if (data !== undefined) receive(event, data);
    event = '';
    data = undefined;
  };
  return (text) => {
    rest += text;
    // Without an end there is nothing to look for: a line may come a character at a time.
    if (isOver || /[\r\n]/.test(text)) {
      // A carriage return at the very end may be the first half of an end.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      lines.forEach(line);
    }
    isOver = text.endsWith('\r');
    if (rest.length + (data?.length ?? 0) > LARGEST_EVENT) throw new Error('an event is too large');
  };
}
