/**
 * The program inside the sandbox: imports one configuration and writes its default export as JSON to descriptor 3.
 * Arguments: path of the configuration, address of the module `rollway/config`, number of the run (1 or 2), root of
 * the checkout.
 *
 * What could differ from one evaluation to the next differs between run 1 and run 2, so that a configuration that
 * depends on it shows: another clock, another half of the random numbers. It imports nothing of ours.
 */
import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const [file = '', configModule = '', run = '1', root = ''] = process.argv.slice(2);
const checkout = pathToFileURL(`${root}/`).href;
const loaded = new Set<string>();

/** Modules of Node that only compute, or read what the sandbox lets be read. */
const harmless = [
  'assert',
  'buffer',
  'events',
  'fs',
  'fs/promises',
  'path',
  'path/posix',
  'querystring',
  'url',
  'util',
];

function refuseModule(name: string): never {
  throw new Error(
    `a configuration may not use ${name}: it has no network, no processes and no other machine to look at`,
  );
}

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'rollway/config') return { url: configModule, shortCircuit: true };
    const found = next(specifier, context);
    const name = found.url.startsWith('node:') ? found.url.slice('node:'.length) : undefined;
    if (name !== undefined && !harmless.includes(name)) refuseModule(found.url);
    return found;
  },
  load(url, context, next) {
    if (url.startsWith(checkout)) loaded.add(decodeURIComponent(url.slice(checkout.length).replace(/[?#].*/, '')));
    // TypeScript is always an ES module here, also where package.json says "commonjs".
    const isTypeScript = url.startsWith(checkout) && /\.m?ts$/.test(url);
    return next(url, isTypeScript ? { ...context, format: 'module-typescript' } : context);
  },
});

takeAway();
perturb(run === '1' ? 0 : 1);
const exported: unknown = (await import(pathToFileURL(file).href)).default;
if (exported === undefined) {
  throw new Error('it has no default export: write `export default defineService({ … })`');
}
const seen = new Set<object>();
checkJson(await exported, '');
const answer = JSON.stringify({ files: [...loaded].sort(), value: await exported });
for (let bytes = Buffer.from(answer), sent = 0; sent < bytes.length; ) sent += writeSync(3, bytes, sent);
process.exit(0);

/** Ways past the import hook, and what speaks to a network. The network itself is gone where that can be done. */
function takeAway(): void {
  for (const name of ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest']) Reflect.deleteProperty(globalThis, name);
  const builtin = process.getBuiltinModule.bind(process);
  process.getBuiltinModule = ((name: string) => {
    if (!harmless.includes(name.replace(/^node:/, ''))) refuseModule(name);
    return builtin(name);
  }) as typeof process.getBuiltinModule;
}

function perturb(side: 0 | 1): void {
  // Nothing of the two instants is the same: year, month, day, weekday, hour, minute, second, parity.
  const nowMs = [Date.UTC(2003, 2, 4, 5, 6, 7, 8), Date.UTC(2041, 11, 28, 21, 43, 18, 501)][side]!;
  const RealDate = Date;
  class ShiftedDate extends RealDate {
    constructor(...args: unknown[]) {
      if (args.length === 0) super(nowMs);
      else super(...(args as [number]));
    }
    static override now(): number {
      return nowMs;
    }
  }
  globalThis.Date = new Proxy(ShiftedDate, {
    apply: () => new ShiftedDate().toString(),
  }) as unknown as DateConstructor;
  let state = 0x2545f491 + side;
  Math.random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 33 + side / 2;
  };
  performance.now = () => side * 12_345.678;
  Object.defineProperty(performance, 'timeOrigin', { value: nowMs });
  process.uptime = () => side * 1234.5;
  process.hrtime = Object.assign(() => [side * 12_345, side * 678] as [number, number], {
    bigint: () => BigInt(side * 12_345_678),
  });
  const formats = Intl.DateTimeFormat.prototype;
  for (const name of ['formatToParts'] as const) {
    const real = formats[name];
    formats[name] = function (this: Intl.DateTimeFormat, date?: Date | number) {
      return real.call(this, date ?? nowMs);
    };
  }
  const format = Object.getOwnPropertyDescriptor(formats, 'format')!.get!;
  Object.defineProperty(formats, 'format', {
    get(this: Intl.DateTimeFormat) {
      const real = format.call(this);
      return (date?: Date | number) => real(date ?? nowMs);
    },
  });
}

/** Only what JSON can say; anything else would be lost silently. */
function checkJson(value: unknown, path: string): void {
  const where = path === '' ? 'the default export' : path;
  if (value === null || ['string', 'boolean', 'undefined'].includes(typeof value)) return;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error(`${where} is ${value}, which is no number that can be written down`);
    return;
  }
  if (typeof value !== 'object') throw new Error(`${where} is a ${typeof value}: only plain data can be written down`);
  if (seen.has(value)) throw new Error(`${where} contains itself`);
  seen.add(value);
  if (Array.isArray(value)) {
    value.forEach((item, at) => {
      checkJson(item, `${path}[${at}]`);
    });
  } else {
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      throw new Error(`${where} is a ${prototype.constructor?.name}: only plain data can be written down`);
    }
    for (const [key, part] of Object.entries(value)) checkJson(part, path === '' ? key : `${path}.${key}`);
  }
  seen.delete(value);
}
