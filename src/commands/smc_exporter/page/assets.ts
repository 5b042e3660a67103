// SPDX-License-Identifier: MIT
/** Style and script of the page. The build makes them of style.css, of client/ and of the packages that it uses. */

declare const SMC_TOOLS_PAGE_STYLE: string | undefined;
declare const SMC_TOOLS_PAGE_SCRIPT: string | undefined;

/** What is put into the page. */
export interface Assets {
  style: string;
  script: string;
}

/** Empty where nothing was built, as in unit tests. */
export const builtAssets: Assets = {
  style: typeof SMC_TOOLS_PAGE_STYLE === 'string' ? SMC_TOOLS_PAGE_STYLE : '',
  script: typeof SMC_TOOLS_PAGE_SCRIPT === 'string' ? SMC_TOOLS_PAGE_SCRIPT : '',
};
