const { sep } = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

/** Those with the longest tests come first. */
const FOLDERS = ['soak', 'e2e', 'contract', 'integration', 'unit'];

const rankOf = ({ path }) => FOLDERS.findIndex((folder) => path.includes(`${sep}test${sep}${folder}${sep}`));

/** In a fresh clone Jest starts large files first, so that a long test of a small one may run alone at the end. */
module.exports = class extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((one, other) => rankOf(one) - rankOf(other));
  }
};
