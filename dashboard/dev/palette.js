// Screenshots as small files: a PNG of at most 128 colours instead of millions. A page has few, and the steps between
// them at the edges of letters may be coarser.

import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLOURS = 128;

function chunks(png) {
  const found = [];
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    found.push({ type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) });
    at += length + 12;
  }
  return found;
}

function chunk(type, data) {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(named.length + 8);
  whole.writeUInt32BE(data.length, 0);
  named.copy(whole, 4);
  whole.writeUInt32BE(crc32(named), named.length + 4);
  return whole;
}

/** The nearest of left, above, and above left to what they suggest together. */
function paeth(left, above, corner) {
  const guess = left + above - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

const PREDICTIONS = [() => 0, (left) => left, (_, above) => above, (left, above) => (left + above) >> 1, paeth];

/** The rows of an image of eight bits a channel, without what they were predicted by. */
function rowsOf(png) {
  const found = chunks(png);
  const header = found[0].data;
  const [width, height, channels] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9] === 6 ? 4 : 3];
  const raw = inflateSync(Buffer.concat(found.filter(({ type }) => type === 'IDAT').map(({ data }) => data)));
  const rows = [];
  const stride = width * channels;
  let before = Buffer.alloc(stride);
  for (let y = 0; y < height; y++) {
    const predict = PREDICTIONS[raw[y * (stride + 1)]];
    const row = Buffer.from(raw.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)));
    for (let x = 0; x < stride; x++) {
      const isFirst = x < channels;
      row[x] += predict(isFirst ? 0 : row[x - channels], before[x], isFirst ? 0 : before[x - channels]);
    }
    rows.push(row);
    before = row;
  }
  return { width, height, channels, rows };
}

const CHANNELS = [16, 8, 0];
const part = (colour, shift) => (colour >> shift) & 0xff;

/** The channel in which colours differ the most, and how many pixels that concerns. */
function spread(box) {
  const ranges = CHANNELS.map((shift) => {
    const parts = box.map(([colour]) => part(colour, shift));
    return Math.max(...parts) - Math.min(...parts);
  });
  const range = Math.max(...ranges);
  const count = box.reduce((sum, [, count]) => sum + count, 0);
  return { shift: CHANNELS[ranges.indexOf(range)], weight: range * Math.sqrt(count) };
}

/** Halves of a box, each with about as many pixels. */
function halves(box, shift) {
  const sorted = box.toSorted(([a], [b]) => part(a, shift) - part(b, shift));
  const half = sorted.reduce((sum, [, count]) => sum + count, 0) / 2;
  let cut = 1;
  for (let sum = sorted[0][1]; sum < half && cut < sorted.length - 1; cut++) sum += sorted[cut][1];
  return [sorted.slice(0, cut), sorted.slice(cut)];
}

/** Colours in boxes: what is in one looks alike. */
function boxesOf(histogram) {
  const boxes = [[...histogram]].map((box) => ({ box, ...spread(box) }));
  while (boxes.length < COLOURS) {
    boxes.sort((a, b) => a.weight - b.weight);
    if (boxes.at(-1).weight === 0) break;
    const { box, shift } = boxes.pop();
    boxes.push(...halves(box, shift).map((half) => ({ box: half, ...spread(half) })));
  }
  return boxes.map(({ box }) => box);
}

/**
 * A screenshot with fewer colours. Each is one that it had: plain areas stay exactly as they are.
 *
 * @param {Buffer} png eight bits a channel, not interlaced, as Chromium writes it
 * @returns {Buffer}
 */
export function withPalette(png) {
  const { width, height, channels, rows } = rowsOf(png);
  const colour = (row, x) => row.readUIntBE(x * channels, 3);
  const histogram = new Map();
  for (const row of rows) {
    for (let x = 0; x < width; x++) histogram.set(colour(row, x), (histogram.get(colour(row, x)) ?? 0) + 1);
  }
  const index = new Map();
  const palette = boxesOf(histogram).map((box, at) => {
    for (const [one] of box) index.set(one, at);
    return box.reduce((most, one) => (one[1] > most[1] ? one : most))[0];
  });
  const pixels = Buffer.alloc(height * (width + 1));
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < width; x++) pixels[y * (width + 1) + 1 + x] = index.get(colour(row, x));
  }
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 3, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const colours = Buffer.from(palette.flatMap((one) => CHANNELS.map((shift) => part(one, shift))));
  const data = deflateSync(pixels, { level: 9, memLevel: 9 });
  const parts = [chunk('IHDR', header), chunk('PLTE', colours), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([SIGNATURE, ...parts]);
}
