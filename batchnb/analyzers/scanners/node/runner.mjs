// Lints the JavaScript and TypeScript files of a folder with ESLint's Linter class, by our rules only.
//
//   node runner.mjs KIT ROOT       one JSON object per line on standard output, the last one is {"end": ...}
//   node runner.mjs KIT --version  the version of ESLint
//
// KIT is the folder with node_modules. Linter reads no file at all: no configuration of anybody is looked up,
// and comments that would change rules are ignored. Files are linted on a thread of their own, so that one
// that takes too long, or too much memory, costs only itself.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const SUFFIXES = new Set(['.js', '.jsx', '.mjs', '.cjs', '.ts', '.tsx', '.mts', '.cts']);
const FILE_MS = Number(process.env.BATCHNB_FILE_MS) || 30_000; // for one file
const START_MS = 120_000; // for loading ESLint on a busy machine
const MEMORY_MB = 1024;
const STACK_MB = 16; // with the default of 4, long chains of operators cannot be parsed
const MOST_FINDINGS = 2_000; // of one file
const LONGEST_TEXT = 1_000;
const RULES = JSON.parse(fs.readFileSync(new URL('eslint_rules.json', import.meta.url), 'utf8'));
const GLOBALS = ['window', 'self', 'globalThis', 'global', 'document', 'location', 'setTimeout', 'setInterval',
  'setImmediate', 'execScript'];

function require_(kit) {
  return createRequire(path.join(kit, 'package.json'));
}

// ---------------------------------------------------------------------------------------- linting thread
function configuration(load) {
  return {
    files: ['**/*.{js,jsx,mjs,cjs,ts,tsx,mts,cts}'], // a plain '**/*' does not make ESLint take them
    languageOptions: {
      parser: load('@typescript-eslint/parser'),
      ecmaVersion: 'latest',
      sourceType: 'module',
      parserOptions: { ecmaFeatures: { jsx: true }, project: null, projectService: false, loggerLevel: false },
      globals: Object.fromEntries(GLOBALS.map((name) => [name, 'readonly'])),
    },
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'off' },
    settings: { react: { version: '19.0' } }, // otherwise the plug-in looks for an installed one
    plugins: {
      '@microsoft/sdl': load('@microsoft/eslint-plugin-sdl'),
      'no-unsanitized': load('eslint-plugin-no-unsanitized'),
      react: load('eslint-plugin-react'),
      security: load('eslint-plugin-security'),
    },
    rules: Object.fromEntries(
      Object.entries(RULES).map(([rule, options]) => [rule, Object.keys(options).length ? ['warn', options] : 'warn']),
    ),
  };
}

function text(value) {
  return String(value ?? '').slice(0, LONGEST_TEXT);
}

/** Lint one file; a rule that throws is switched off for this file, and named. */
function lint(linter, config, file) {
  const source = fs.readFileSync(file, 'utf8');
  const failed = [];
  for (;;) {
    const rules = { ...config.rules, ...Object.fromEntries(failed.map(({ rule }) => [rule, 'off'])) };
    try {
      const messages = linter.verify(source, { ...config, rules }, { filename: file, allowInlineConfig: false });
      return { messages, failed };
    } catch (error) {
      if (!error?.ruleId || failed.some(({ rule }) => rule === error.ruleId)) {
        throw error;
      }
      failed.push({ rule: error.ruleId, why: text(error.message).split('\n')[0] });
    }
  }
}

function row(message) {
  return {
    rule: message.ruleId,
    line: message.line ?? null,
    end_line: message.endLine ?? null,
    column: message.column ?? null,
    message: text(message.message),
    fatal: Boolean(message.fatal),
  };
}

function thread() {
  const load = require_(workerData.kit);
  const { Linter } = load('eslint');
  const linter = new Linter({ cwd: workerData.root, configType: 'flat' });
  const config = configuration(load);
  parentPort.on('message', (file) => {
    let answer;
    try {
      const { messages, failed } = lint(linter, config, file);
      answer = { messages: messages.slice(0, MOST_FINDINGS).map(row), left_out: Math.max(0, messages.length - MOST_FINDINGS), failed };
    } catch (error) {
      answer = { error: text(error?.message ?? error).split('\n')[0] };
    }
    parentPort.postMessage(answer);
  });
  parentPort.postMessage({ ready: true });
}

// ------------------------------------------------------------------------------------------- main thread
function* files(root) {
  const pending = [root];
  while (pending.length) {
    const folder = pending.pop();
    const entries = fs.readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const full = path.join(folder, entry.name);
      if (entry.isDirectory()) {
        pending.push(full);
      } else if (entry.isFile() && SUFFIXES.has(path.extname(entry.name))) {
        yield full;
      }
    }
  }
}

/** The linting thread, renewed after each file that it did not survive. */
class Thread {
  constructor(kit, root) {
    this.data = { kit, root };
  }

  /** The next answer, or {lost, error}: the thread is gone then. */
  answer(milliseconds, tooLong) {
    const worker = this.worker;
    return new Promise((resolve) => {
      const lose = (error) => done({ lost: true, error: text(error?.message ?? error).split('\n')[0] });
      const exit = (code) => lose(`the linting thread ended with code ${code}`);
      const timer = setTimeout(lose, milliseconds, tooLong);
      const done = (value) => {
        clearTimeout(timer);
        worker.off('message', done).off('error', lose).off('exit', exit);
        resolve(value);
      };
      worker.on('message', done).on('error', lose).on('exit', exit);
    });
  }

  async start() {
    const resourceLimits = { maxOldGenerationSizeMb: MEMORY_MB, stackSizeMb: STACK_MB };
    this.worker = new Worker(new URL(import.meta.url), { workerData: this.data, resourceLimits, env: {} });
    const first = await this.answer(START_MS, 'ESLint could not be loaded in time');
    if (!first.ready) {
      throw new Error(first.error);
    }
  }

  async lint(file) {
    if (!this.worker) {
      await this.start();
    }
    this.worker.postMessage(file);
    const answer = await this.answer(FILE_MS, `not linted within ${FILE_MS / 1000} seconds`);
    if (answer.lost) {
      await this.stop();
    }
    return answer;
  }

  async stop() {
    this.worker?.on('error', () => {}); // what it may still have to say has been said
    await this.worker?.terminate();
    this.worker = null;
  }
}

function say(object) {
  fs.writeSync(1, JSON.stringify(object) + '\n');
}

async function main(kit, root) {
  const version = require_(kit)('eslint/package.json').version;
  if (root === '--version') {
    process.stdout.write(`${version}\n`);
    return;
  }
  say({ eslint: version });
  const linting = new Thread(kit, root);
  let count = 0;
  for (const file of files(root)) {
    const { lost, ...answer } = await linting.lint(file);
    say({ file, ...answer });
    count += 1;
  }
  await linting.stop();
  say({ end: count });
}

if (isMainThread) {
  await main(path.resolve(process.argv[2]), process.argv[3]);
} else {
  thread();
}
