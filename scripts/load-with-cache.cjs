// dist/main.cjs: runs tsrunc.cjs, which is one function, with V8's code cache, which spares the start the compiling. A cache that is missing, or of
// another Node, is not used; the program is the same without it.
// require() would also make the views of them that modules import: a third of a millisecond. Before Node 20.16 there is no other.
const builtin = process.getBuiltinModule ?? require;
const { readFileSync, writeFileSync, renameSync } = builtin('fs');
const { Script } = builtin('vm');

const filename = `${__dirname}/tsrunc.cjs`;
const cache = `${__dirname}/tsrunc.cache`;
const source = readFileSync(filename, 'latin1');

function readCache() {
  try {
    return readFileSync(cache);
  } catch {
    return undefined;
  }
}

const script = new Script(source, {
  filename,
  cachedData: readCache(),
});

if (process.env.TSRUNC_WRITE_CACHE === '1') {
  process.once('exit', () => {
    writeFileSync(`${cache}.tmp`, script.createCachedData());
    renameSync(`${cache}.tmp`, cache);
  });
}

const load = (id) => (id.startsWith('./') ? require(id) : builtin(id));
script.runInThisContext()(exports, load, module, filename, __dirname);
