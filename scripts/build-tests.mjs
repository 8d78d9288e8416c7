// Compiles test/**/*.test.ts and the fuzz into build/test/: each a file of its own with the sources it tests.
import { readdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

import { build } from 'esbuild';

const tests = readdirSync('test', { recursive: true })
  .filter((name) => name.endsWith('.test.ts') || name === 'fuzz/main.ts')
  .map((name) => `test/${name}`);
rmSync('build/test', { recursive: true, force: true });
await build({
  entryPoints: tests,
  outdir: 'build/test',
  outbase: 'test',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  outExtension: { '.js': '.mjs' },
  // What src/ finds beside itself it finds from dist/.
  define: { 'import.meta.dirname': JSON.stringify(resolve('dist')) },
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(process.cwd()+'/');" },
  logLevel: 'warning',
});
