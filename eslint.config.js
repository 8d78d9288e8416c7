// Lint with reasons: each message says why. The layers are those of docs/architecture.md; imports go one way.
import tseslint from 'typescript-eslint';

const LAYERS = {
  'src/errors.ts': ['./*/**'],
  'src/plan': [
    '**/cli/**',
    '**/container/**',
    '**/cgroup/**',
    '**/host/**',
    '**/native/**',
    '**/caller/**',
    '**/log.ts',
  ],
  'src/oci': ['**/cli/**', '**/container/**', '**/cgroup/**', '**/host/**', '**/native/**', '**/caller/**'],
  'src/host': ['**/cli/**', '**/container/**', '**/cgroup/**'],
  'src/cgroup': ['**/cli/**', '**/container/**'],
  'src/native': ['**/cli/**', '**/container/**', '**/cgroup/**', '**/host/**', '**/caller/**'],
  'src/caller': ['**/cli/**', '**/container/**', '**/cgroup/**', '**/host/**', '**/planner/**'],
  'src/planner': ['**/cli/**', '**/container/**', '**/cgroup/**', '**/host/**'],
  'src/container': ['**/cli/**', '**/planner/**'],
};

const arrow = (group) => ({
  group,
  message:
    'imports go one way: main, cli, {container, planner}, {oci, plan, cgroup, host, caller}, native (docs/architecture.md)',
});
const noNode = {
  group: ['node:*'],
  message: 'planning and rules are pure: facts come in as data, so that they need no host to be tested',
};

const restricted = (patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });

export default tseslint.config(
  { ignores: ['build/', 'dist/', 'bin/', 'node_modules/', 'scripts/load-with-cache.cjs'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      'max-lines': ['warn', { max: 300, skipBlankLines: true }],
      'no-console': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'exit', message: 'the one exit is in cli/exit.ts, where the failure is told' },
        {
          object: 'process',
          property: 'kill',
          message: 'a number of 0 or below means process groups, and a pid another process later: native/signal.ts',
        },
      ],
      'no-restricted-syntax': [
        'error',
        ...['TryStatement[finalizer]', "CallExpression[callee.property.name='finally']"].map((selector) => ({
          selector,
          message: 'finally lets the failure of a clean-up hide the first one: lastly() of errors.ts does not',
        })),
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  ...Object.entries(LAYERS).map(([path, groups]) => ({
    files: [path.endsWith('.ts') ? path : `${path}/**/*.ts`],
    rules: restricted([arrow(groups)]),
  })),
  {
    files: ['src/plan/**/*.ts', 'src/oci/rules/**/*.ts'],
    rules: restricted([arrow(LAYERS['src/plan']), noNode]),
  },
  { files: ['src/cli/exit.ts'], rules: { 'no-restricted-properties': 'off' } },
  {
    files: ['test/**', 'scripts/**', 'eslint.config.js'],
    rules: {
      'no-console': 'off',
      'no-restricted-exports': 'off',
      'no-restricted-properties': 'off',
      'no-restricted-syntax': 'off',
      // Tests build configurations that the types forbid.
      '@typescript-eslint/no-explicit-any': 'off',
    },
  },
);
