import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import { sha256 } from '../kit/index.ts';
import { signInPage, signInScript } from './sign-in-page.ts';

/** The built UI, and the page that signs a browser in. */
export interface StaticFiles {
  /** undefined: nothing of ours. Only names that were there at the start are ever read. */
  answer(request: Request): Response | undefined;
  readonly hasUi: boolean;
}

interface File {
  readonly body: Buffer<ArrayBuffer>;
  readonly gzipped: Buffer<ArrayBuffer> | undefined;
  readonly type: string;
  readonly etag: string;
  /** Its name holds the digest of its content. */
  readonly isImmutable: boolean;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};

export function openStaticFiles(webFolder: string): StaticFiles {
  const files = new Map<string, File>();
  for (const path of listFiles(webFolder)) {
    const name = `/${relative(webFolder, path).split(sep).join('/')}`;
    files.set(name, fileOf(name, readFileSync(path)));
  }
  const index = files.get('/index.html');
  files.set('/sign-in', fileOf('/sign-in.html', Buffer.from(signInPage)));
  files.set('/sign-in.js', fileOf('/sign-in.js', Buffer.from(signInScript)));
  return {
    hasUi: index !== undefined,
    answer(request) {
      if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
      const { pathname } = new URL(request.url);
      const found = files.get(pathname) ?? (isPage(request, pathname) ? index : undefined);
      return found && respond(request, found);
    },
  };
}

/** Every view of the UI has its own address; all of them are the one page. */
function isPage(request: Request, pathname: string): boolean {
  const isOurs = !pathname.startsWith('/api/') && extname(pathname) === '';
  return isOurs && (request.headers.get('accept') ?? '').includes('text/html');
}

function respond(request: Request, file: File): Response {
  const headers = new Headers({
    'content-type': file.type,
    etag: file.etag,
    vary: 'accept-encoding',
    'cache-control': file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
  if (request.headers.get('if-none-match') === file.etag) return new Response(null, { status: 304, headers });
  const takesGzip = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '');
  const body = takesGzip && file.gzipped ? file.gzipped : file.body;
  if (body === file.gzipped) headers.set('content-encoding', 'gzip');
  headers.set('content-length', String(body.byteLength));
  return new Response(request.method === 'HEAD' ? null : body, { headers });
}

function fileOf(name: string, body: Buffer<ArrayBuffer>): File {
  const type = types[extname(name)] ?? 'application/octet-stream';
  const isText = /^text\/|json|svg/.test(type);
  return {
    body,
    gzipped: isText && body.byteLength > 1024 ? gzipSync(body) : undefined,
    type,
    etag: `"${sha256(body).slice(0, 24)}"`,
    isImmutable: name.startsWith('/assets/'),
  };
}

function listFiles(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cause;
  }
}
