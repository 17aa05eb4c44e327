import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// `npx vite web` serves it while it is being written; the API is that of a server on port 7070.
export default defineConfig({
  plugins: [react()],
  resolve: { alias: { 'node:crypto': new URL('./src/no-crypto.ts', import.meta.url).pathname } },
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2023', assetsInlineLimit: 0, chunkSizeWarningLimit: 700 },
  server: { proxy: { '/api': 'http://127.0.0.1:7070' } },
});
