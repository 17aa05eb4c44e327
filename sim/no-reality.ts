/** While this runs, whoever asks the real clock, real chance or a real timer has made a run that cannot be repeated. */
export function withoutReality<T>(run: () => T): T {
  const stolen = [
    steal(Date, 'now'),
    steal(Math, 'random'),
    steal(performance, 'now'),
    steal(globalThis, 'setTimeout'),
    steal(globalThis, 'setInterval'),
    steal(globalThis, 'setImmediate'),
    steal(crypto, 'randomUUID'),
    steal(crypto, 'getRandomValues'),
  ];
  try {
    return run();
  } finally {
    for (const giveBack of stolen) giveBack();
  }
}

function steal(owner: object, name: string): () => void {
  const had = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, {
    configurable: true,
    writable: true,
    value: () => {
      throw new Error(`the simulator asked reality for ${name}`);
    },
  });
  return () => {
    if (had === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, had);
  };
}
