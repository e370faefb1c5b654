#!/usr/bin/env node
// Stands for programs that the pages name and that cannot run here, under their names: docker, npm, sudo.
// What it knows of their options is from their manuals; anything else is an error. What runs in an image, or with npm,
// runs from dist.
const { spawnSync } = require('node:child_process');
const { existsSync, readFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const { parse: parseDotenv } = require('dotenv');
const { parse: parseYaml } = require('yaml');

const name = basename(process.argv[1]);
const args = process.argv.slice(2);
const folder = process.env.SHIM_FOLDER;

function fail(what) {
  process.stderr.write(`shim: ${name} ${args.join(' ')}: ${what}\n`);
  process.exit(99);
}

/** Takes the options at the beginning of a command line: those with a value, and flags. */
function takeOptions(words, flags, withValue = []) {
  const taken = {};
  while (words[0]?.startsWith('-')) {
    const word = words.shift();
    if (withValue.includes(word)) {
      taken[word] = [...(taken[word] ?? []), words.shift() ?? fail(`${word} needs a value`)];
    } else if (!flags.includes(word)) {
      fail(`${word} is not an option that is known here`);
    }
  }
  return taken;
}

function run(program, given, env) {
  const { status } = spawnSync(program, given, { stdio: 'inherit', cwd: folder, env: { ...process.env, ...env } });
  process.exit(status ?? 98);
}

/** Runs a command of the image in this folder, with the settings that a container would have. */
function runInImage([program, script, ...rest]) {
  if (program !== 'node' || !existsSync(join(folder, script))) {
    fail(`${program} ${script} is not in the image`);
  }
  const settings = parseDotenv(readFileSync(join(folder, '.env')));
  const roster = settings.ROSTER_FILE?.replace(/^\/roster\//, `${folder}/roster/`);
  const env = {
    ...settings,
    NODE_ENV: 'production',
    ROSTER_FILE: roster,
    PUBLIC_URL: `https://${settings.DOMAIN}`,
    REDIS_URL: process.env.SHIM_REDIS_URL,
    TRUST_PROXY: 'uniquelocal',
  };
  // The public address leads nowhere here.
  const detour = script.endsWith('simulate.js') && !rest.includes('--to') ? ['--to', process.env.SHIM_SERVER] : [];
  run(process.execPath, [join(folder, script), ...rest, ...detour], env);
}

function compose(words) {
  const { services } = parseYaml(readFileSync(join(folder, 'compose.yaml'), 'utf8'), { merge: true });
  const command = words.shift();
  const checkServices = (names) => {
    for (const one of names.filter((each) => !(each in services))) {
      fail(`no service ${one}`);
    }
  };
  switch (command) {
    case 'up':
      takeOptions(words, ['-d', '--build', '--no-deps', '--force-recreate', '--wait']);
      return checkServices(words);
    case 'ps':
    case 'stop':
      return checkServices(words);
    case 'logs':
      takeOptions(words, ['--no-log-prefix'], ['--since']);
      checkServices(words);
      process.stdout.write(readFileSync(join(folder, 'log')));
      return;
    case 'exec': {
      takeOptions(words, ['-T']);
      checkServices([words[0]]);
      return words[0].startsWith('server-') ? runInImage(words.slice(1)) : checkDeployScript(words.slice(1));
    }
    case 'run':
      takeOptions(words, ['--rm', '-T'], ['-v']);
      checkServices([words[0]]);
      return checkDeployScript(words.slice(1));
    default:
      return fail('this command is not known here');
  }
}

/** The soak runs the scripts themselves, in operations.test.ts. */
function checkDeployScript([shell, script]) {
  if (shell !== 'sh' || !existsSync(join(folder, script.slice(1)))) {
    fail(`${script} is not there`);
  }
}

function docker(words) {
  const command = words.shift();
  switch (command) {
    case 'compose':
      return compose(words);
    case 'build':
      takeOptions(words, [], ['-t']);
      return words.join() === '.' && existsSync(join(folder, 'Dockerfile')) ? undefined : fail('nothing to build');
    case 'run': {
      const options = takeOptions(words, ['--rm', '-it', '-T'], ['-e', '-u', '-v', '--env-file', '--network']);
      for (const file of options['--env-file'] ?? []) {
        readFileSync(join(folder, file));
      }
      return words.shift() === 'conference-coach' ? runInImage(words) : fail('no such image');
    }
    default:
      return fail('this command is not known here');
  }
}

function npm(words) {
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (['ci', 'start'].includes(words[0]) && words.length === 1) {
    return;
  }
  if (words.shift() !== 'run') {
    fail('this command is not known here');
  }
  takeOptions(words, ['--silent']);
  const script = scripts[words[0]] ?? fail('no such script');
  const [, file] = /^node (\S+)$/.exec(script) ?? [];
  if (file !== undefined) {
    runInImage(['node', file, ...words.slice(2)]);
  }
  // Anything else builds, which is done already.
}

/** Runs a command without being root, so without another owner. */
function sudo([program, ...words]) {
  const owned = (word, index) => /^-[og]$/.test(word) || /^-[og]$/.test(words[index - 1] ?? '');
  run(
    program,
    words.filter((word, index) => !owned(word, index)),
  );
}

const programs = { docker, npm, sudo };
(programs[name] ?? (() => {}))([...args]);
