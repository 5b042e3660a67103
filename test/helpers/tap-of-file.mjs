// SPDX-License-Identifier: MIT
// What a test file gets for `tap` when it shares its process with others, see several-files.ts.
export default globalThis.testsOfFiles.get(decodeURIComponent(new URL(import.meta.url).search.slice(1)));
